//! Stage 5: the text of a completion becomes a typed verdict, or a typed reason why there is none.
//!
//! A reader never guesses: no default, no clamp, no number taken from a citation or an example.
//! Each family of formats has a file of its own that reports what it *saw* to a `tally::Tally`;
//! the tally alone decides what that comes to, so that every format keeps the same rules. They are
//! written down in `docs/verdicts.md`.

mod columns;
mod format;
mod json;
mod json_object;
mod label;
mod lenient;
mod marker;
mod number;
mod pair;
mod parser;
mod patterns;
mod readable;
mod result;
mod tally;

pub use columns::Columns;
pub use format::{Choice, FormatSpec, LabelSpec, PatternSpec};
pub use parser::{Parser, Verdict};

/// What became of one text. The codes are those of `judgefast.codes.Status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// A verdict was read.
    Parsed = 0,
    /// Nothing but white space.
    Empty = 1,
    /// Cut off before the verdict was complete.
    Truncated = 2,
    /// The judge declined, in words.
    Refused = 3,
    /// Text without a verdict of this format.
    NoVerdict = 4,
    /// Verdicts that differ.
    Conflicting = 5,
    /// A verdict that the scale does not have.
    OutOfRange = 6,
    /// A verdict whose form is broken.
    Malformed = 7,
}

/// `choice` of a tie.
pub const CHOICE_TIE: u8 = 254;

/// `choice` where there is none.
pub const CHOICE_NONE: u8 = 255;
