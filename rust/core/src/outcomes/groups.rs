//! Which rows of a plan belong together: the judgments of one outcome, the orders of one repeat.

use std::ops::Range;

use super::columns::Judgments;
use crate::error::Error;

/// The contiguous runs of rows that `same` holds for, each row against the run's first.
pub(crate) fn runs<'a>(
    rows: Range<usize>,
    same: impl Fn(usize, usize) -> bool + 'a,
) -> impl Iterator<Item = Range<usize>> + 'a {
    let (mut start, end) = (rows.start, rows.end);
    std::iter::from_fn(move || {
        let first = start;
        if first == end {
            return None;
        }
        start += 1;
        while start < end && same(first, start) {
            start += 1;
        }
        Some(first..start)
    })
}

/// The repeats of one comparison: its one or two rows, the second being the other order.
///
/// # Errors
///
/// [`Error::OutOfRange`], naming the row, where a repeat has a third.
pub(crate) fn repeats<'a>(
    judgments: &'a Judgments<'a>,
    rows: Range<usize>,
) -> impl Iterator<Item = Result<(usize, Option<usize>), Error>> + 'a {
    runs(rows, |left, right| judgments.repeat[left] == judgments.repeat[right]).map(|repeat| {
        if repeat.len() > 2 {
            return Err(misplaced(
                judgments,
                repeat.start + 2,
                "at most two rows of one repeat of a comparison, one for each order",
            ));
        }
        Ok((repeat.start, (repeat.len() == 2).then_some(repeat.start + 1)))
    })
}

/// A row that does not fit the comparison it stands in.
pub(crate) fn misplaced(judgments: &Judgments<'_>, row: usize, allowed: &'static str) -> Error {
    let value = format!(
        "answers {} and {} in repeat {}",
        judgments.first[row], judgments.second[row], judgments.repeat[row]
    );
    Error::OutOfRange { column: "plan", row, value, allowed }
}
