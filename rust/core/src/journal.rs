//! The journal: lines that prove themselves whole, and the join from completions to the plan.

mod answers;
mod completions;
mod line;

use memchr::memchr;

use crate::error::{same_length, Error};

pub use answers::{take_in, Came, Held, Tally, CANCELLED, FINAL};
pub use completions::{
    frame_completions, read_completions, AnswerLists, Completions, Names, Texts,
};

/// Bytes before the JSON of a line: 8 hex digits of CRC-32C and a space.
const PREFIX: usize = 9;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Put the CRC-32C of each JSON line before it. `lines` ends with a line feed, or is empty.
///
/// ```
/// let framed = judgefast_core::journal::frame_lines(b"{}\n");
/// assert_eq!(framed, b"297bd0aa {}\n");
/// ```
#[must_use]
pub fn frame_lines(lines: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(lines.len() + lines.len() / 16);
    let mut rest = lines;
    while !rest.is_empty() {
        let end = memchr(b'\n', rest).unwrap_or(rest.len());
        let json = &rest[..end];
        framed.extend_from_slice(&hex(crc32c::crc32c(json)));
        framed.push(b' ');
        framed.extend_from_slice(json);
        framed.push(b'\n');
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    framed
}

/// What a segment holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Start and end of the JSON of each whole line, in bytes.
    pub spans: Vec<[usize; 2]>,
    /// Bytes up to the end of the last whole line before the first that is not.
    pub kept: usize,
    /// Whether a whole line stands behind one that is not: no torn tail, but damage.
    pub is_damaged: bool,
}

/// Check every line of a segment.
///
/// A write that was cut leaves whole lines and then bytes that are none: these are beyond `kept`.
/// A whole line behind such bytes cannot come from a cut write; then the segment is damaged.
#[must_use]
pub fn check_lines(bytes: &[u8]) -> Checked {
    let mut checked = Checked { spans: Vec::new(), kept: 0, is_damaged: false };
    let mut is_torn = false;
    let mut start = 0;
    while let Some(length) = memchr(b'\n', &bytes[start..]) {
        let end = start + length;
        if is_whole(&bytes[start..end]) {
            if is_torn {
                checked.is_damaged = true;
                return checked;
            }
            checked.spans.push([start + PREFIX, end]);
            checked.kept = end + 1;
        } else {
            is_torn = true;
        }
        start = end + 1;
    }
    checked
}

fn is_whole(line: &[u8]) -> bool {
    line.len() > PREFIX
        && line[PREFIX - 1] == b' '
        && line[..PREFIX - 1] == hex(crc32c::crc32c(&line[PREFIX..]))
}

fn hex(word: u32) -> [u8; 8] {
    std::array::from_fn(|digit| HEX[(word >> (28 - 4 * digit) & 15) as usize])
}

/// Number of a row of the plan, `EMPTY` in a free slot.
type Row = u32;
const EMPTY: Row = Row::MAX;
const ID_BYTES: usize = 16;

/// Where each request stands in the plan: open addressing over the ids, which stay the caller's.
///
/// Every call is given the ids that the index was made of, 16 bytes a request.
#[derive(Debug, Clone)]
pub struct RequestIndex {
    num: usize,
    slots: Vec<Row>,
}

impl RequestIndex {
    /// Index the ids of a plan.
    ///
    /// `asked_by` is the row that asks for each one, itself where it has a request of its own; those
    /// alone are found. Empty where all have.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] where an id comes twice or there are 2^32 - 1 or more, and where a row
    /// is asked by one that has no request, or another id. [`Error::LengthMismatch`].
    pub fn new(plan: &[u8], asked_by: &[u32]) -> Result<Self, Error> {
        let num = plan.len() / ID_BYTES;
        if num >= EMPTY as usize {
            return Err(Error::OutOfRange {
                column: "request_id",
                row: EMPTY as usize,
                value: format!("{num} rows"),
                allowed: "fewer than 4,294,967,295 rows",
            });
        }
        let mut index = Self { num, slots: vec![EMPTY; (num * 3 / 2 + 1).next_power_of_two()] };
        if !asked_by.is_empty() {
            same_length(("request_id", num), ("asked_by", asked_by.len()))?;
        }
        for ((row, id), number) in words(plan).enumerate().zip(0..) {
            if let Some(owner) = asked_by.get(row).filter(|owner| **owner != number) {
                if asked_by.get(*owner as usize) != Some(owner) || id_at(plan, *owner) != id {
                    return Err(Error::OutOfRange {
                        column: "asked_by",
                        row,
                        value: owner.to_string(),
                        allowed: "a row with that request of its own",
                    });
                }
                continue;
            }
            let slot = index.slot_of(plan, id);
            if index.slots[slot] != EMPTY {
                return Err(Error::OutOfRange {
                    column: "request_id",
                    row,
                    value: format!("{:032x}", id.swap_bytes()),
                    allowed: "each id once",
                });
            }
            index.slots[slot] = number;
        }
        Ok(index)
    }

    /// The row of each id, -1 where the plan has none; `ids` holds 16 bytes an id.
    #[must_use]
    pub fn rows(&self, plan: &[u8], ids: &[u8]) -> Vec<i64> {
        words(ids)
            .map(|id| match self.slots[self.slot_of(plan, id)] {
                EMPTY => -1,
                row => i64::from(row),
            })
            .collect()
    }

    /// Requests in the index.
    #[must_use]
    pub fn len(&self) -> usize {
        self.num
    }

    /// Whether the plan is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.num == 0
    }

    /// The slot that holds `id`, else the free one where it would go.
    fn slot_of(&self, plan: &[u8], id: u128) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = spread(id) & mask;
        while self.slots[slot] != EMPTY && id_at(plan, self.slots[slot]) != id {
            slot = (slot + 1) & mask;
        }
        slot
    }
}

fn id_at(plan: &[u8], row: Row) -> u128 {
    word(&plan[row as usize * ID_BYTES..][..ID_BYTES])
}

/// Ids are hashes already; this only folds them, so that ids made by hand do not pile up.
fn spread(id: u128) -> usize {
    let bytes = id.to_le_bytes();
    let mut half = [0; 8];
    half.copy_from_slice(&bytes[..8]);
    let low = u64::from_le_bytes(half);
    half.copy_from_slice(&bytes[8..]);
    let folded =
        (low ^ u64::from_le_bytes(half).rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (folded >> 32) ^ folded;
    usize::try_from(mixed & u64::from(u32::MAX)).unwrap_or_default()
}

fn words(ids: &[u8]) -> impl Iterator<Item = u128> + '_ {
    ids.chunks_exact(ID_BYTES).map(word)
}

fn word(id: &[u8]) -> u128 {
    let mut word = [0; ID_BYTES];
    word.copy_from_slice(id);
    u128::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// CRC-32C one bit at a time, from its definition.
    fn slow_crc32c(bytes: &[u8]) -> u32 {
        let mut register = u32::MAX;
        for byte in bytes {
            register ^= u32::from(*byte);
            for _ in 0..8 {
                register =
                    if register & 1 == 1 { register >> 1 ^ 0x82f6_3b78 } else { register >> 1 };
            }
        }
        !register
    }

    fn joined(lines: &[String]) -> String {
        lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    fn line_feeds(bytes: &[u8]) -> usize {
        memchr::memchr_iter(b'\n', bytes).count()
    }

    #[test]
    fn the_sum_is_that_of_rfc_3720() {
        assert_eq!(slow_crc32c(b"123456789"), 0xe306_9283);
        assert!(frame_lines(b"123456789\n").starts_with(b"e3069283 "));
    }

    #[test]
    fn a_segment_without_lines_is_whole() {
        assert_eq!(check_lines(b""), Checked { spans: vec![], kept: 0, is_damaged: false });
    }

    #[test]
    fn an_id_that_comes_twice_is_refused_with_its_row() {
        let error = RequestIndex::new(&[7; 32], &[]).expect_err("the second id is the first");
        assert_eq!(
            error.to_string(),
            format!("row 1 of `request_id` holds {}; allowed: each id once", "07".repeat(16))
        );
    }

    #[test]
    fn a_row_that_another_asks_for_is_found_as_that_one() {
        let ids: Vec<u8> = [3_u128, 5, 3, 5].iter().flat_map(|id| id.to_le_bytes()).collect();
        let index = RequestIndex::new(&ids, &[2, 1, 2, 1]).expect("each id has one row of its own");
        let asked: Vec<u8> = [5_u128, 3, 4].iter().flat_map(|id| id.to_le_bytes()).collect();
        assert_eq!(index.rows(&ids, &asked), [1, 2, -1]);
        for (asked_by, words) in [
            (
                [1, 1, 2, 1],
                "row 0 of `asked_by` holds 1; allowed: a row with that request of its own",
            ),
            ([2, 1, 0, 1], "row 0 of `asked_by` holds 2"),
            ([9, 1, 2, 1], "row 0 of `asked_by` holds 9"),
            ([0, 1, 2, 1], "row 2 of `request_id` holds"),
        ] {
            let error = RequestIndex::new(&ids, &asked_by).expect_err(words);
            assert!(error.to_string().starts_with(words), "{error}");
        }
        let error = RequestIndex::new(&ids, &[0]).expect_err("there are four rows");
        assert_eq!(error.to_string(), "`request_id` has 4 rows but `asked_by` has 1");
    }

    proptest! {
        #[test]
        fn every_line_comes_back(lines in prop::collection::vec("[ -~]{1,40}", 0..20)) {
            let text = joined(&lines);
            let framed = frame_lines(text.as_bytes());
            let checked = check_lines(&framed);
            prop_assert!(!checked.is_damaged);
            prop_assert_eq!(checked.kept, framed.len());
            let back: Vec<&[u8]> = checked
                .spans
                .iter()
                .map(|[start, end]| &framed[*start..*end])
                .collect();
            prop_assert_eq!(&back, &lines.iter().map(String::as_bytes).collect::<Vec<_>>());
            for (line, [start, _]) in lines.iter().zip(&checked.spans) {
                let sum = format!("{:08x} ", slow_crc32c(line.as_bytes()));
                prop_assert_eq!(&framed[*start - 9..*start], sum.as_bytes());
            }
        }

        #[test]
        fn a_cut_loses_only_the_line_it_cuts(
            lines in prop::collection::vec("[ -~]{1,40}", 1..20), cut in any::<prop::sample::Index>()
        ) {
            let text = joined(&lines);
            let framed = frame_lines(text.as_bytes());
            let cut = cut.index(framed.len());
            let checked = check_lines(&framed[..cut]);
            let whole = line_feeds(&framed[..cut]);
            prop_assert!(!checked.is_damaged);
            prop_assert_eq!(checked.spans.len(), whole);
            prop_assert!(checked.kept <= cut);
        }

        #[test]
        fn a_flipped_bit_is_damage_or_the_end(
            lines in prop::collection::vec("[ -~]{1,40}", 2..20),
            at in any::<prop::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let text = joined(&lines);
            let mut framed = frame_lines(text.as_bytes());
            let at = at.index(framed.len());
            let line = line_feeds(&framed[..at]);
            framed[at] ^= 1 << bit;
            let checked = check_lines(&framed);
            prop_assert_eq!(checked.spans.len(), line);
            if line + 2 < lines.len() {
                prop_assert!(checked.is_damaged);
            }
        }

        #[test]
        fn rows_are_those_of_a_map(ids in prop::collection::hash_set(0_u128..60, 0..40)) {
            let ids: Vec<u128> = ids.into_iter().collect();
            let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
            let map: HashMap<u128, i64> = ids.iter().copied().zip(0..).collect();
            let index = RequestIndex::new(&bytes, &[]).expect("a set has each id once");
            let asked: Vec<u8> = (0_u128..60).flat_map(u128::to_le_bytes).collect();
            let expected: Vec<i64> =
                (0..60).map(|id| map.get(&id).copied().unwrap_or(-1)).collect();
            prop_assert_eq!(index.rows(&bytes, &asked), expected);
        }
    }
}
