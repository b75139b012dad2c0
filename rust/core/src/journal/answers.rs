//! Which completion counts for each request of the plan.

use crate::error::same_length;
use crate::Error;

/// `outcomes` of a completion that answers its request; errors have the code of their `Status`.
pub const FINAL: u8 = 0;
/// `outcomes` of a completion that was cancelled.
pub const CANCELLED: u8 = 255;

const CODES: i32 = 256;

/// Completions that came back, by column.
#[derive(Clone, Copy, Debug)]
pub struct Came<'a> {
    /// Row of the plan, -1 where it has none.
    pub rows: &'a [i64],
    /// Attempt at the request.
    pub attempts: &'a [i32],
    /// [`FINAL`], [`CANCELLED`], or what went wrong.
    pub outcomes: &'a [u8],
    /// Number of the launch.
    pub launches: &'a [i32],
    /// Place in the launch.
    pub places: &'a [i64],
}

/// What is known of each row of the plan.
#[derive(Debug)]
pub struct Held<'a> {
    /// Highest attempt that came back, cancelled ones apart.
    pub attempts: &'a mut [i32],
    /// Highest attempt that failed, times 256, and why it did.
    pub failures: &'a mut [i32],
    /// Attempt of the completion that counts; 0 for none.
    pub final_attempts: &'a mut [i32],
    /// Number of its launch; -1 for none.
    pub launches: &'a mut [i32],
    /// Its place in the launch.
    pub places: &'a mut [i64],
}

/// Completions by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// They answer a request.
    pub done: usize,
    /// They ended in an error.
    pub failed: usize,
    /// They were cancelled.
    pub cancelled: usize,
    /// The plan does not have their request.
    pub unknown: usize,
}

/// Take in completions, in any order.
///
/// Of a request's answers the one of the highest attempt counts, then that of the first launch by
/// `ranks`, one for each number of a launch, then that of the smallest place. Errors and what was
/// cancelled never count.
///
/// # Errors
///
/// [`Error::LengthMismatch`] where columns differ in length, [`Error::OutOfRange`] where a row or a
/// launch is none. Nothing is taken in then.
pub fn take_in(came: &Came<'_>, held: &mut Held<'_>, ranks: &[i32]) -> Result<Tally, Error> {
    came.check(held.len()?, ranks.len())?;
    let mut tally = Tally::default();
    for index in 0..came.rows.len() {
        let Ok(row) = usize::try_from(came.rows[index]) else {
            tally.unknown += 1;
            continue;
        };
        let attempt = came.attempts[index];
        if came.outcomes[index] == CANCELLED {
            tally.cancelled += 1;
            continue;
        }
        held.attempts[row] = held.attempts[row].max(attempt);
        if came.outcomes[index] == FINAL {
            tally.done += 1;
            held.settle(row, attempt, (came.launches[index], came.places[index]), ranks);
        } else {
            tally.failed += 1;
            let failure = attempt.wrapping_mul(CODES).wrapping_add(came.outcomes[index].into());
            held.failures[row] = held.failures[row].max(failure);
        }
    }
    Ok(tally)
}

impl Came<'_> {
    fn check(&self, held: usize, launches: usize) -> Result<(), Error> {
        let rows = ("rows", self.rows.len());
        same_length(rows, ("attempts", self.attempts.len()))?;
        same_length(rows, ("outcomes", self.outcomes.len()))?;
        same_length(rows, ("launches", self.launches.len()))?;
        same_length(rows, ("places", self.places.len()))?;
        let is_row = |row: i64| usize::try_from(row).map_or(row == -1, |row| row < held);
        if let Some(row) = self.rows.iter().position(|row| !is_row(*row)) {
            let value = self.rows[row].to_string();
            return Err(Error::OutOfRange {
                column: "rows",
                row,
                value,
                allowed: "rows of the plan",
            });
        }
        let is_launch = |number: i32| usize::try_from(number).is_ok_and(|number| number < launches);
        if let Some(row) = self.launches.iter().position(|number| !is_launch(*number)) {
            let value = self.launches[row].to_string();
            let allowed = "numbers of launches";
            return Err(Error::OutOfRange { column: "launches", row, value, allowed });
        }
        Ok(())
    }
}

impl Held<'_> {
    fn len(&self) -> Result<usize, Error> {
        let rows = ("attempts", self.attempts.len());
        same_length(rows, ("failures", self.failures.len()))?;
        same_length(rows, ("final_attempts", self.final_attempts.len()))?;
        same_length(rows, ("launches", self.launches.len()))?;
        same_length(rows, ("places", self.places.len()))?;
        Ok(rows.1)
    }

    fn settle(&mut self, row: usize, attempt: i32, (launch, place): (i32, i64), ranks: &[i32]) {
        let rank = |launch: i32| {
            usize::try_from(launch)
                .ok()
                .and_then(|number| ranks.get(number))
                .map_or(i32::MAX, |r| *r)
        };
        let new = (-i64::from(attempt), rank(launch), place);
        let old =
            (-i64::from(self.final_attempts[row]), rank(self.launches[row]), self.places[row]);
        if new < old {
            self.final_attempts[row] = attempt;
            self.launches[row] = launch;
            self.places[row] = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Columns = (Vec<i32>, Vec<i32>, Vec<i32>, Vec<i32>, Vec<i64>);

    fn unasked() -> Columns {
        (vec![0; 2], vec![0; 2], vec![0; 2], vec![-1; 2], vec![0; 2])
    }

    fn take(columns: &mut Columns, came: &Came<'_>) -> Result<Tally, Error> {
        let mut held = Held {
            attempts: &mut columns.0,
            failures: &mut columns.1,
            final_attempts: &mut columns.2,
            launches: &mut columns.3,
            places: &mut columns.4,
        };
        take_in(came, &mut held, &[1, 0])
    }

    #[test]
    fn what_counts_does_not_depend_on_the_order() {
        let came = [(2, 0, 5), (2, 1, 9), (2, 1, 8), (1, 1, 0)];
        for turn in 0..came.len() {
            let mut columns = unasked();
            for (attempt, launch, place) in came.iter().cycle().skip(turn).take(came.len()) {
                let one = Came {
                    rows: &[1],
                    attempts: &[*attempt],
                    outcomes: &[FINAL],
                    launches: &[*launch],
                    places: &[*place],
                };
                take(&mut columns, &one).expect("all are of the plan");
            }
            assert_eq!((columns.2[1], columns.3[1], columns.4[1]), (2, 1, 8));
            assert_eq!(columns.2[0], 0);
        }
    }

    #[test]
    fn each_completion_is_counted_as_one_thing() {
        let came = Came {
            rows: &[0, 0, 1, -1],
            attempts: &[1, 2, 3, 4],
            outcomes: &[FINAL, 17, CANCELLED, FINAL],
            launches: &[0; 4],
            places: &[0, 1, 2, 3],
        };
        let mut columns = unasked();
        let tally = take(&mut columns, &came).expect("all are of the plan, or of none");
        assert_eq!(tally, Tally { done: 1, failed: 1, cancelled: 1, unknown: 1 });
        assert_eq!(columns.0, [2, 0], "what was cancelled is no attempt");
        assert_eq!(columns.1, [2 * 256 + 17, 0]);
        assert_eq!(columns.2, [1, 0]);
    }

    #[test]
    fn what_points_nowhere_is_refused_and_changes_nothing() {
        let good = Came {
            rows: &[0, 1],
            attempts: &[1, 1],
            outcomes: &[FINAL, FINAL],
            launches: &[0, 1],
            places: &[0, 1],
        };
        for (came, words) in [
            (Came { rows: &[0, 2], ..good }, "row 1 of `rows` holds 2; allowed: rows of the plan"),
            (Came { rows: &[0, -2], ..good }, "row 1 of `rows` holds -2"),
            (Came { launches: &[0, 2], ..good }, "row 1 of `launches` holds 2"),
            (Came { launches: &[-1, 0], ..good }, "row 0 of `launches` holds -1"),
            (Came { places: &[0], ..good }, "`rows` has 2 rows but `places` has 1"),
        ] {
            let mut columns = unasked();
            let error = take(&mut columns, &came).expect_err(words);
            assert!(error.to_string().starts_with(words), "{error}");
            assert_eq!(columns, unasked());
        }
    }
}
