//! What prompts share from their first token on, whatever the segments that it lies in.

use std::cmp::Ordering;

use super::trie::Segments;
use crate::error::Error;

/// Tokens that are computed where each prefix that prompts share is computed once: nodes of the
/// trie over their token ids. No cache computes fewer.
///
/// # Errors
///
/// [`Error::Overflow`] where they are more than 2^64 - 1.
pub fn ideal(segments: &Segments<'_>) -> Result<u64, Error> {
    let mut rows: Vec<usize> = (0..segments.len()).collect();
    rows.sort_unstable_by(|&left, &right| compare(segments, left, right).0);
    let mut sum = 0_u64;
    for (place, &row) in rows.iter().enumerate() {
        let tokens: usize = segments.row(row).iter().map(|&each| segments.tokens(each)).sum();
        // Of all prompts before it in this order, the nearest one shares most.
        let shared = place.checked_sub(1).map_or(0, |at| compare(segments, rows[at], row).1);
        sum = sum
            .checked_add((tokens - shared) as u64)
            .ok_or(Error::Overflow { column: "prompt_tokens" })?;
    }
    Ok(sum)
}

/// Two prompts by their token ids, and how many they share from the first one on.
fn compare(segments: &Segments<'_>, left: usize, right: usize) -> (Ordering, usize) {
    let mut left = Cursor { segments, row: segments.row(left), offset: 0 };
    let mut right = Cursor { segments, row: segments.row(right), offset: 0 };
    let mut shared = 0;
    loop {
        let (one, other) = match (left.rest(), right.rest()) {
            (Some(one), Some(other)) => (one, other),
            (one, other) => return (one.is_some().cmp(&other.is_some()), shared),
        };
        let length = one.len().min(other.len());
        let same = if std::ptr::eq(one.as_ptr(), other.as_ptr()) {
            length // the same place of the same segment
        } else {
            one.iter().zip(other).take_while(|(one, other)| one == other).count()
        };
        shared += same;
        if same < length {
            return (one[same].cmp(&other[same]), shared);
        }
        left.offset += same;
        right.offset += same;
    }
}

/// A place in a prompt.
struct Cursor<'a> {
    segments: &'a Segments<'a>,
    /// Segments from this place on.
    row: &'a [u32],
    /// Tokens of the first of them that lie behind.
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// What is left of the segment here; `None` at the end of the prompt.
    fn rest(&mut self) -> Option<&'a [i32]> {
        while let Some((&segment, others)) = self.row.split_first() {
            let ids = self.segments.ids_of(segment);
            if self.offset < ids.len() {
                return Some(&ids[self.offset..]);
            }
            self.row = others;
            self.offset = 0;
        }
        None
    }
}
