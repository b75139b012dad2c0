//! What a reader saw in one text, and what that comes to.

use std::ops::Range;

use super::format::Scale;
use super::Status;

/// One verdict, before it is known whether the scale has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    /// Place of a label in the format.
    Label(u8),
    /// A number.
    Score(f64),
    /// Two numbers: the scores of the answers shown first and second.
    Pair(f64, f64),
}

/// A verdict and the bytes it was read from.
pub(super) type Sighting = (Value, Range<usize>);

/// Everything seen in one text.
#[derive(Debug, Default)]
pub(super) struct Tally {
    found: Option<Sighting>,
    differs: bool,
    broken: bool,
    open: bool,
}

impl Tally {
    /// A well-formed verdict. The span is that of the last one, if they agree.
    pub(super) fn saw(&mut self, value: Value, span: Range<usize>) {
        match &self.found {
            Some((before, _)) if *before != value => self.differs = true,
            _ => self.found = Some((value, span)),
        }
    }

    /// Something in the place of a verdict that cannot be read.
    pub(super) fn saw_broken(&mut self) {
        self.broken = true;
    }

    /// A verdict that the end of a cut text left unfinished.
    pub(super) fn saw_open(&mut self) {
        self.open = true;
    }

    /// A verdict-like thing that speaks against any verdict found.
    pub(super) fn saw_dissent(&mut self) {
        self.differs = true;
    }

    /// Whether a well-formed verdict was seen.
    pub(super) fn has_verdict(&self) -> bool {
        self.found.is_some()
    }

    /// Take over what was seen elsewhere in the same text.
    pub(super) fn merge(&mut self, other: Self) {
        if let Some((value, span)) = other.found {
            self.saw(value, span);
        }
        self.differs |= other.differs;
        self.broken |= other.broken;
        self.open |= other.open;
    }

    /// What it comes to; `NoVerdict` where nothing was seen.
    ///
    /// A text whose last word was cut is truncated even when an earlier one can be read: the last
    /// one may have been the verdict, the earlier one an example.
    pub(super) fn settle(self, scale: &Scale) -> Result<Sighting, Status> {
        let Self { found, differs, broken, open } = self;
        match found {
            Some(_) if differs => Err(Status::Conflicting),
            _ if open => Err(Status::Truncated),
            _ if broken => Err(Status::Malformed),
            Some((value, span)) if on_scale(value, scale) => Ok((value, span)),
            Some(_) => Err(Status::OutOfRange),
            None => Err(Status::NoVerdict),
        }
    }
}

fn on_scale(value: Value, scale: &Scale) -> bool {
    match value {
        Value::Label(_) => true,
        Value::Score(score) => scale.holds(score),
        Value::Pair(first, second) => scale.holds(first) && scale.holds(second),
    }
}
