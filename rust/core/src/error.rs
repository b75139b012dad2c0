//! The one error type of this crate.

/// Why a kernel refused its input. Rows are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two columns that describe the same rows differ in length.
    #[error("`{left}` has {left_len} rows but `{right}` has {right_len}")]
    LengthMismatch {
        /// Name of the first column, as the Python caller knows it.
        left: &'static str,
        /// Rows in `left`.
        left_len: usize,
        /// Name of the second column.
        right: &'static str,
        /// Rows in `right`.
        right_len: usize,
    },
    /// A coded column holds a number that stands for nothing.
    #[error("row {row} of `{column}` holds code {code}; codes run from 0 to {max}")]
    UnknownCode {
        /// Name of the column.
        column: &'static str,
        /// First offending row.
        row: usize,
        /// The value found there.
        code: u8,
        /// Largest code with a meaning.
        max: u8,
    },
    /// A value lies outside what the column may hold.
    #[error("row {row} of `{column}` holds {value}; allowed: {allowed}")]
    OutOfRange {
        /// Name of the column.
        column: &'static str,
        /// First offending row.
        row: usize,
        /// The value found there.
        value: String,
        /// What the column may hold.
        allowed: &'static str,
    },
    /// A name stands for no rule, format or mode.
    #[error("no {kind} named `{name}`; known: {known}")]
    UnknownName {
        /// What kind of thing was named.
        kind: &'static str,
        /// The name given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A pattern or label of a verdict format cannot be used.
    #[error("{reason}")]
    BadFormat {
        /// What is wrong with it.
        reason: String,
    },
    /// Two shards were drawn under different seeds.
    #[error("the shards have the seeds {left} and {right}; only shards of one seed merge")]
    SeedMismatch {
        /// Seed of the first shard.
        left: u64,
        /// Seed of the second shard.
        right: u64,
    },
    /// An exact sum left the range of its integer.
    #[error("the exact sum of `{column}` overflows")]
    Overflow {
        /// Name of the column.
        column: &'static str,
    },
}

/// Refuse two columns of one table whose lengths differ.
///
/// # Errors
///
/// [`Error::LengthMismatch`], naming both.
pub fn same_length(left: (&'static str, usize), right: (&'static str, usize)) -> Result<(), Error> {
    if left.1 == right.1 {
        return Ok(());
    }
    Err(Error::LengthMismatch {
        left: left.0,
        left_len: left.1,
        right: right.0,
        right_len: right.1,
    })
}

/// Look a name up in a list of the names that exist.
pub(crate) fn named<T: Copy>(
    kind: &'static str,
    name: &str,
    names: &[(&'static str, T)],
) -> Result<T, Error> {
    let found = names.iter().find(|(known, _)| *known == name);
    found.map(|&(_, value)| value).ok_or_else(|| Error::UnknownName {
        kind,
        name: name.to_owned(),
        known: names.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", "),
    })
}
