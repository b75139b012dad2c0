//! Items to judgments.

use super::columns::{check_offsets, place, Bytes, Plan};
use super::keys::{self, NO_ANSWER};
use super::pairs::Pairs;
use crate::error::{same_length, Error};
use crate::hashes::shows_swapped;

/// What the judge is asked about the answers of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Which of two is better, for pairs of the answers.
    Pairwise,
    /// How good one is, on a scale.
    Scalar,
    /// Whether one is good enough.
    Binary,
    /// Which of all is best.
    Choice,
}

impl Mode {
    /// Names in rubrics and settings.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("pairwise", Self::Pairwise),
        ("scalar", Self::Scalar),
        ("binary", Self::Binary),
        ("choice", Self::Choice),
    ];

    /// The mode of a name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`], naming those that exist.
    pub fn named(name: &str) -> Result<Self, Error> {
        crate::error::named("mode", name, &Self::NAMES)
    }
}

/// Which orders of the answers are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orders {
    /// Forward and swapped.
    Both,
    /// One of them, by hash.
    One,
}

impl Orders {
    /// Names in settings.
    pub const NAMES: [(&'static str, Self); 2] = [("both", Self::Both), ("one", Self::One)];

    /// The setting of a name.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`], naming those that exist.
    pub fn named(name: &str) -> Result<Self, Error> {
        crate::error::named("orders", name, &Self::NAMES)
    }
}

/// A run of items in run order.
#[derive(Debug)]
pub struct Items<'a, Id> {
    /// Unique ids.
    pub item_ids: &'a [Id],
    /// Hash of each question.
    pub question_sha256: Bytes<'a>,
    /// Hash of each reference.
    pub reference_sha256: Bytes<'a>,
    /// Hash of each answer, all items joined.
    pub answer_sha256: Bytes<'a>,
    /// Where the answers of each item start in `answer_sha256`; one more than there are items.
    pub answer_offsets: &'a [i64],
    /// Index of each item's answer of the baseline, -1 where it has none. Looked at where pairs are
    /// those with the baseline.
    pub baseline: &'a [i64],
    /// Number of the first item of this batch in the run.
    pub base: u32,
}

/// How a run judges.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// What is asked.
    pub mode: Mode,
    /// Which orders are judged.
    pub orders: Orders,
    /// Which pairs are judged, where two answers are compared.
    pub pairs: Pairs,
    /// How often each judgment is asked, at least 1.
    pub repeats: u16,
    /// Seed of the orientation.
    pub seed: u64,
    /// Identity of the judge model.
    pub judge: &'a str,
    /// What is asked of each choice of answers, in the rubric's order; at least one.
    pub aspects: &'a [keys::Aspect<'a>],
}

/// Plan the judgments of a batch of items.
///
/// In the order of the items; within an item by answers (of the pairs `(0, 1)`, `(0, 2)`, ...,
/// `(1, 2)`, ... those of the design), then aspect, then repeat, then order.
///
/// # Errors
///
/// [`Error::LengthMismatch`] where the columns of the items differ in length;
/// [`Error::OutOfRange`] where an item has too few answers for the mode, or too many, or not that of
/// its baseline.
pub fn plan_requests<Id: AsRef<str>>(
    items: &Items<'_, Id>,
    settings: &Settings<'_>,
) -> Result<Plan, Error> {
    let num_items = items.item_ids.len();
    for (name, len) in [
        ("question_sha256", items.question_sha256.len()),
        ("reference_sha256", items.reference_sha256.len()),
        ("answers", items.answer_offsets.len().saturating_sub(1)),
    ] {
        same_length(("item_id", num_items), (name, len))?;
    }
    check_offsets("answers", items.answer_offsets, items.answer_sha256.len())?;
    let with_baseline = settings.mode == Mode::Pairwise && settings.pairs == Pairs::Baseline;
    if with_baseline {
        same_length(("item_id", num_items), ("baseline", items.baseline.len()))?;
    }
    let first_hash = settings.aspects.first().map_or("", |aspect| aspect.prompt_hash);
    let mut planner = Planner::new(settings);
    for (row, id) in items.item_ids.iter().enumerate() {
        let number = u32::try_from(row).ok().and_then(|row| items.base.checked_add(row));
        let item = number.ok_or(Error::Overflow { column: "item" })?;
        let first_answer = place(items.answer_offsets[row]);
        let num_answers = place(items.answer_offsets[row + 1]) - first_answer;
        let count = checked_answers(settings.mode, num_answers, row)?;
        let baseline =
            if with_baseline { checked_baseline(items.baseline, count, row)? } else { None };
        let question = items.question_sha256.row(row);
        let id = id.as_ref();
        planner.item(
            &keys::Item {
                item_id: id,
                content: keys::content(question, items.reference_sha256.row(row)),
                answers: items.answer_sha256,
                first_answer,
            },
            (item, keys::prefix_group(first_hash, question, id)),
            (count, baseline),
        );
    }
    Ok(planner.plan)
}

/// The number of an item's answers, where the mode can ask about so many.
fn checked_answers(mode: Mode, num_answers: usize, row: usize) -> Result<u16, Error> {
    let (least, allowed) = match mode {
        Mode::Pairwise | Mode::Choice => (2, "2 to 65534 answers, to compare them"),
        Mode::Scalar | Mode::Binary => (1, "1 to 65534 answers"),
    };
    u16::try_from(num_answers).ok().filter(|&count| least <= count && count < NO_ANSWER).ok_or_else(
        || Error::OutOfRange {
            column: "answers",
            row,
            value: format!("{num_answers} answers"),
            allowed,
        },
    )
}

/// The answer of an item's baseline, where it has one.
fn checked_baseline(baseline: &[i64], count: u16, row: usize) -> Result<Option<u16>, Error> {
    match u16::try_from(baseline[row]) {
        Ok(answer) if answer < count => Ok(Some(answer)),
        Err(_) if baseline[row] == -1 => Ok(None),
        _ => Err(Error::OutOfRange {
            column: "baseline",
            row,
            value: baseline[row].to_string(),
            allowed: "-1, or the index of an answer of the item",
        }),
    }
}

/// A plan in the making, and the space it works in.
struct Planner<'a> {
    settings: &'a Settings<'a>,
    plan: Plan,
    forward: Vec<u16>,
    backward: Vec<u16>,
    indices: Vec<u8>,
}

impl<'a> Planner<'a> {
    fn new(settings: &'a Settings<'a>) -> Self {
        let plan = Plan { shown_offsets: vec![0], ..Plan::default() };
        Self { settings, plan, forward: Vec::new(), backward: Vec::new(), indices: Vec::new() }
    }

    /// Add the judgments of one item; `place` is its number and its prefix group.
    fn item(
        &mut self,
        item: &keys::Item<'_>,
        place: (u32, u64),
        (num_answers, baseline): (u16, Option<u16>),
    ) {
        let seed = self.settings.seed;
        match self.settings.mode {
            Mode::Scalar | Mode::Binary => {
                for answer in 0..num_answers {
                    self.show(item, place, [answer], false);
                }
            }
            Mode::Pairwise => {
                let drawn_by = (seed, item.item_id);
                for pair in self.settings.pairs.of_item(num_answers, drawn_by, baseline) {
                    let all = usize::from(num_answers);
                    let swapped = keys::pair_shows_swapped(seed, item.item_id, pair, all);
                    self.show(item, place, [pair.0, pair.1], swapped);
                }
            }
            Mode::Choice => {
                let swapped = shows_swapped(seed, item.item_id);
                self.show(item, place, 0..num_answers, swapped);
            }
        }
    }

    /// Add the judgments of one choice of answers; `swapped` counts where one order is judged.
    fn show(
        &mut self,
        item: &keys::Item<'_>,
        place: (u32, u64),
        answers: impl IntoIterator<Item = u16>,
        swapped: bool,
    ) {
        let (judge, orders) = (self.settings.judge, self.settings.orders);
        let mut forward = std::mem::take(&mut self.forward);
        let mut backward = std::mem::take(&mut self.backward);
        forward.clear();
        forward.extend(answers);
        backward.clear();
        backward.extend(forward.iter().rev());
        let alone = forward.len() == 1;
        let asked = |order: bool| match orders {
            Orders::Both => !(alone && order),
            Orders::One => order == (swapped && !alone),
        };
        let mut start = |order: bool, shown: &[u16]| {
            asked(order).then(|| keys::start(judge, item, shown, &mut self.indices))
        };
        let starts = [start(false, &forward), start(true, &backward)];
        for (number, aspect) in (0..).zip(self.settings.aspects) {
            for repeat in 0..self.settings.repeats {
                for (order, start, shown) in [(0, &starts[0], &forward), (1, &starts[1], &backward)]
                {
                    if let Some(start) = start {
                        let key = keys::finish(start, *aspect, repeat);
                        self.plan.push(place, shown, (order, repeat, number), &key);
                    }
                }
            }
        }
        (self.forward, self.backward) = (forward, backward);
    }
}

impl Plan {
    /// Add one row.
    fn push(
        &mut self,
        (item, group): (u32, u64),
        shown: &[u16],
        (swapped, repeat, aspect): (u8, u16, u16),
        key: &[u8; 16],
    ) {
        self.item.push(item);
        self.prefix_group.push(group);
        self.first.push(shown[0]);
        self.second.push(shown.get(1).copied().unwrap_or(NO_ANSWER));
        self.shown.extend_from_slice(shown);
        let end = i64::try_from(self.shown.len()).expect("a column fits in memory");
        self.shown_offsets.push(end);
        self.swapped.push(swapped);
        self.repeat.push(repeat);
        self.aspect.push(aspect);
        self.key.extend_from_slice(key);
    }
}
