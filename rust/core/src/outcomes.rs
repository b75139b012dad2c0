//! Stage 6: the verdicts on one item, in both orders and all repeats, become one outcome.
//!
//! Three kinds: `compare` for two answers, `choose` for the best of several, `score` for answers
//! judged alone. Each walks the plan once; the judgments of one outcome are contiguous in it. A
//! judgment whose status is not `parsed` has no vote, whatever stands in its other columns.
//!
//! A comparison is computed as its distance from a tie, so that changing the two answers' names
//! changes the sign and nothing else: `value(b, a) = 1 - value(a, b)`, to the last bit. Values
//! are f64 summed in plan order until `fixed` rounds them, once.

mod choose;
mod columns;
mod compare;
mod groups;
mod rules;
mod score;

pub use crate::verdicts::{CHOICE_NONE, CHOICE_TIE};
pub use columns::{Judgments, Labels, Outcomes, Verdicts};
pub use rules::{OneFailed, Position, Rule, Status};

use crate::batches::Mode;
use crate::error::Error;

/// How the verdicts of a run become outcomes.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// What was asked.
    pub mode: Mode,
    /// How the two orders of a repeat become one.
    pub rule: Rule,
    /// What a repeat comes to of which one order was read.
    pub one_failed: OneFailed,
    /// What the labels of `p_labels` mean.
    pub labels: Labels<'a>,
    /// For each item the answer that the others are compared with;
    /// [`crate::batches::keys::NO_ANSWER`] for the one with the lower index. Comparisons alone.
    pub baseline: Option<&'a [u16]>,
}

/// Reconcile the verdicts of a plan.
///
/// # Errors
///
/// [`Error::LengthMismatch`] where columns differ in length, [`Error::OutOfRange`] where a parsed
/// verdict holds what the mode cannot use or the plan's rows do not form comparisons, both naming
/// the row; [`Error::BadFormat`] for a rule that the mode does not have.
pub fn reconcile(
    judgments: &Judgments<'_>,
    verdicts: &Verdicts<'_>,
    settings: &Settings<'_>,
) -> Result<Outcomes, Error> {
    columns::check(judgments, verdicts, &settings.labels)?;
    rules::check(settings.mode, settings.rule)?;
    match settings.mode {
        Mode::Pairwise => compare::reconcile(judgments, verdicts, settings),
        Mode::Choice => choose::reconcile(judgments, verdicts, settings),
        Mode::Scalar | Mode::Binary => score::reconcile(judgments, verdicts, settings),
    }
}

/// 1.0 as a `value`.
const FIXED_ONE: f64 = 16_777_216.0;

/// Largest magnitude of a value.
const MAX_VALUE: f64 = 1024.0;

/// A value as a multiple of 2^-24, half to even.
fn fixed(value: f64, row: usize) -> Result<i64, Error> {
    if value.abs() <= MAX_VALUE {
        #[allow(clippy::cast_possible_truncation, reason = "a whole number of at most 2^34")]
        return Ok((value * FIXED_ONE).round_ties_even() as i64);
    }
    let allowed = "values from -1024 to 1024";
    Err(Error::OutOfRange { column: "value", row, value: value.to_string(), allowed })
}
