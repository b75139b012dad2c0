//! The columns that go into the planner and come out of it.

use crate::error::Error;

/// A column of byte strings: row `k` is `bytes[offsets[k]..offsets[k + 1]]`, empty for "not there".
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a> {
    bytes: &'a [u8],
    offsets: &'a [i64],
}

impl<'a> Bytes<'a> {
    /// A column whose offsets were checked, once.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`], naming the first offset that falls or leaves the bytes.
    pub fn new(column: &'static str, bytes: &'a [u8], offsets: &'a [i64]) -> Result<Self, Error> {
        check_offsets(column, offsets, bytes.len())?;
        Ok(Self { bytes, offsets })
    }

    /// Rows of the column.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether the column has no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of one row.
    #[must_use]
    pub fn row(&self, row: usize) -> &'a [u8] {
        &self.bytes[place(self.offsets[row])..place(self.offsets[row + 1])]
    }
}

/// Refuse offsets that do not start at 0, fall, or do not end at `len`.
pub(crate) fn check_offsets(
    column: &'static str,
    offsets: &[i64],
    len: usize,
) -> Result<(), Error> {
    let refuse = |row: usize, value: i64| {
        let allowed = "offsets from 0 to the number of values, never falling";
        Err(Error::OutOfRange { column, row, value: value.to_string(), allowed })
    };
    let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else {
        return refuse(0, 0);
    };
    if first != 0 {
        return refuse(0, first);
    }
    if let Some(row) = offsets.windows(2).position(|pair| pair[1] < pair[0]) {
        return refuse(row + 1, offsets[row + 1]);
    }
    if usize::try_from(last) == Ok(len) {
        return Ok(());
    }
    refuse(offsets.len() - 1, last)
}

/// A checked offset as an index.
pub(crate) fn place(offset: i64) -> usize {
    usize::try_from(offset).expect("offsets are checked to be at least 0")
}

/// The planned judgments, one row each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Index of the item in the order of the run.
    pub item: Vec<u32>,
    /// Index of the answer shown first.
    pub first: Vec<u16>,
    /// Index of the answer shown second; [`crate::batches::keys::NO_ANSWER`] where one is shown.
    pub second: Vec<u16>,
    /// Indices of the answers shown, all rows joined.
    pub shown: Vec<u16>,
    /// Where the answers of each row start in `shown`; one more than there are rows.
    pub shown_offsets: Vec<i64>,
    /// 1 where the answers are shown from the last to the first.
    pub swapped: Vec<u8>,
    /// Which repeat, from 0.
    pub repeat: Vec<u16>,
    /// Index into the aspects.
    pub aspect: Vec<u16>,
    /// Keys, 16 bytes a row, joined.
    pub key: Vec<u8>,
    /// Requests with one group share more than the rubric.
    pub prefix_group: Vec<u64>,
}
