//! Outcomes as the statistics take them, and what is refused.

use crate::error::{same_length, Error};

/// The integer that stands for 1 in a `value` column: values are multiples of 2^-24.
pub const FIXED_ONE: i64 = 1 << 24;

/// Largest size of a value: the difference of two values, each at most 1024 in size.
pub const MAX_VALUE: i64 = 2048 * FIXED_ONE;

/// Largest weight of one outcome.
pub const MAX_WEIGHT: u8 = 6;

/// Outcomes as columns of equal length.
#[derive(Debug, Clone, Copy)]
pub struct OutcomeRows<'a> {
    /// Resampling id of the cluster of each row.
    pub cluster_id64: &'a [u64],
    /// Multiples of 2^-24, at most [`MAX_VALUE`] in size.
    pub value: &'a [i64],
    /// At most [`MAX_WEIGHT`]; 0 leaves the row out.
    pub weight: &'a [u8],
    /// Which slice each row belongs to.
    pub slice: &'a [u32],
}

impl<'a> OutcomeRows<'a> {
    /// At most `size` rows at a time; the columns are of one length.
    pub(super) fn chunks(self, size: usize) -> impl Iterator<Item = Self> {
        let rows = self.value.len();
        (0..rows).step_by(size).map(move |start| {
            let range = start..rows.min(start + size);
            Self {
                cluster_id64: &self.cluster_id64[range.clone()],
                value: &self.value[range.clone()],
                weight: &self.weight[range.clone()],
                slice: &self.slice[range],
            }
        })
    }
}

/// What every sum of this stage says when it leaves its integer.
pub(super) const OVERFLOW: Error = Error::Overflow { column: "value" };

/// Refuse columns of different lengths, and the first row with a value, weight or slice beyond its
/// limit.
pub(super) fn check(rows: OutcomeRows<'_>, num_slices: u32) -> Result<(), Error> {
    let length = ("value", rows.value.len());
    same_length(("cluster_id64", rows.cluster_id64.len()), length)?;
    same_length(("weight", rows.weight.len()), length)?;
    same_length(("slice", rows.slice.len()), length)?;
    let refuse =
        |column, row, value, allowed| Err(Error::OutOfRange { column, row, value, allowed });
    if let Some(row) = rows.value.iter().position(|v| v.unsigned_abs() > MAX_VALUE.unsigned_abs()) {
        return refuse("value", row, rows.value[row].to_string(), "-2048 to 2048 times 2^24");
    }
    if let Some(row) = rows.weight.iter().position(|&w| w > MAX_WEIGHT) {
        return refuse("weight", row, rows.weight[row].to_string(), "0 to 6");
    }
    if let Some(row) = rows.slice.iter().position(|&slice| slice >= num_slices) {
        return refuse("slice", row, rows.slice[row].to_string(), "codes below `num_slices`");
    }
    Ok(())
}
