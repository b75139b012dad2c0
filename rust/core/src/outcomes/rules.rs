//! The named rules by which the two orders of a comparison become one value.

use crate::batches::Mode;
use crate::error::{named, Error};

/// How the two orders become one. The tables are in `docs/outcomes.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The same winner in both orders wins; anything else is a tie.
    Strict,
    /// The mean of the two.
    Average,
    /// Two votes summed; a vote that is missing adds nothing.
    Judgebench,
    /// Two games, a strong verdict weighing three.
    Games,
    /// As strict, but orders that disagree have no value.
    Drop,
}

impl Rule {
    /// Names in rubrics and settings.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("strict", Self::Strict),
        ("average", Self::Average),
        ("judgebench", Self::Judgebench),
        ("games", Self::Games),
        ("drop", Self::Drop),
    ];

    /// The rule of a name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`], naming those that exist.
    pub fn named(name: &str) -> Result<Self, Error> {
        named("rule", name, &Self::NAMES)
    }
}

/// What a comparison comes to of which one order was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneFailed {
    /// Nothing.
    Pair,
    /// What the order that was read says.
    Single,
    /// A tie.
    Tie,
}

impl OneFailed {
    /// Names in settings.
    pub const NAMES: [(&'static str, Self); 3] =
        [("pair", Self::Pair), ("single", Self::Single), ("tie", Self::Tie)];

    /// The setting of a name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`], naming those that exist.
    pub fn named(name: &str) -> Result<Self, Error> {
        named("one_failed", name, &Self::NAMES)
    }
}

/// Why an outcome has a value, or has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Status {
    /// It has one.
    Scored = 0,
    /// No judgment of it was read.
    Missing = 1,
    /// One order was read, and both are wanted.
    OneOrderMissing = 2,
    /// The orders disagree, and such pairs are left out.
    Inconsistent = 3,
}

/// How the two orders of a comparison relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Position {
    /// Both say the same of the same answer, or both say tie.
    Agree = 0,
    /// The answer shown first won in both.
    FirstTwice = 1,
    /// The answer shown second won in both.
    SecondTwice = 2,
    /// One says tie, the other does not.
    TieAndWin = 3,
    /// Both were asked, one was read.
    OneMissing = 4,
    /// None was read.
    BothMissing = 5,
    /// One order was asked.
    OneOrder = 6,
    /// Repeats relate in different ways.
    Mixed = 7,
    /// They chose different answers, and neither the first nor the second shown twice.
    Differ = 8,
    /// Nothing was shown beside the answer.
    NotCompared = 255,
}

impl Position {
    /// Where this and the next repeat of a comparison stand together.
    pub(crate) fn with(self, next: Self) -> Self {
        if self == next {
            self
        } else {
            Self::Mixed
        }
    }

    /// How two orders relate, from the position chosen in each (`None` for a tie) and whether
    /// it is the same answer's.
    pub(crate) fn of(forward: Option<u16>, swapped: Option<u16>, same_answer: bool) -> Self {
        match (forward, swapped) {
            (None, None) => Self::Agree,
            (None, Some(_)) | (Some(_), None) => Self::TieAndWin,
            (Some(_), Some(_)) if same_answer => Self::Agree,
            (Some(0), Some(0)) => Self::FirstTwice,
            (Some(1), Some(1)) => Self::SecondTwice,
            (Some(_), Some(_)) => Self::Differ,
        }
    }
}

/// Refuse a rule that the mode does not have.
pub(crate) fn check(mode: Mode, rule: Rule) -> Result<(), Error> {
    let known: &[Rule] = match mode {
        Mode::Pairwise => return Ok(()),
        Mode::Choice => &[Rule::Strict, Rule::Average, Rule::Drop],
        Mode::Scalar | Mode::Binary => &[Rule::Strict, Rule::Average],
    };
    if known.contains(&rule) {
        return Ok(());
    }
    let name = |wanted: Rule| {
        Rule::NAMES.iter().find(|(_, rule)| *rule == wanted).map_or("", |(name, _)| *name)
    };
    let known: Vec<_> = known.iter().map(|&rule| name(rule)).collect();
    let mode = Mode::NAMES.iter().find(|(_, known)| *known == mode).map_or("", |(name, _)| *name);
    let reason = format!(
        "the rule `{}` does not apply to mode `{mode}`; these do: {}",
        name(rule),
        known.join(", ")
    );
    Err(Error::BadFormat { reason })
}
