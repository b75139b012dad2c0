//! The names of judgments: what goes into a key, in which order, as which bytes.
//!
//! `framed(tag, fields)` is the hash of [`crate::hashes`]. Texts are UTF-8, integers little-endian.
//!
//! ```text
//! content = framed("judgefast content 1", question_sha256, reference_sha256), all 32 bytes
//! key     = framed("judgefast key 1", fields), the first 16 bytes; the fields, in this order:
//!             item_id
//!             content
//!             u16 number of answers shown
//!             sha256 of each answer shown, a field each; empty where the answer has no text
//!             u16 index of each answer shown, all in one field
//!             u16 each place of the permutation of the verdict options, all in one field; empty
//!               where the options stand as in the rubric
//!             judge
//!             prompt_hash, as 64 hex digits
//!             aspect
//!             u32 repeat
//! group   = framed("judgefast group 1", prompt_hash, question_sha256), the first 8 bytes;
//!             where the item has no question, item_id is a third field
//! swapped = the lowest bit of framed("judgefast orientation 1", u64 seed, item_id), the first
//!             8 bytes; where an item has more than two answers and two are compared, their u16
//!             indices, lower first, are a third field
//! ```
//!
//! The item's id makes two items with the same texts differ; the indices make two answers of one
//! item with the same text differ. Test vectors: `docs/keys.md`.

use super::columns::Bytes;
use crate::hashes::{shows_swapped, Framed};

/// `second` of a judgment that shows one answer, and `baseline` of a scored answer.
pub const NO_ANSWER: u16 = u16::MAX;

/// What all keys of one aspect have in common.
#[derive(Clone, Copy, Debug)]
pub struct Aspect<'a> {
    /// Unique in a rubric.
    pub name: &'a str,
    /// Identity of the trusted part of the prompt that asks it, 64 hex digits.
    pub prompt_hash: &'a str,
}

/// What all keys of one item have in common.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// Unique in a run.
    pub item_id: &'a str,
    /// Of [`content`].
    pub content: [u8; 32],
    /// The sha256 of each answer.
    pub answers: Bytes<'a>,
    /// Row of the item's first answer in `answers`.
    pub first_answer: usize,
}

/// Identity of an item's question and reference.
#[must_use]
pub fn content(question_sha256: &[u8], reference_sha256: &[u8]) -> [u8; 32] {
    Framed::new("judgefast content 1").field(question_sha256).field(reference_sha256).digest()
}

/// A key up to its last three fields, for one choice of answers shown; [`finish`] ends it.
///
/// `indices` is working space: it is overwritten.
///
/// # Panics
///
/// More than 65535 answers are shown.
#[must_use]
pub fn start(judge: &str, item: &Item<'_>, shown: &[u16], indices: &mut Vec<u8>) -> Framed {
    let count = u16::try_from(shown.len()).expect("at most 65535 answers are shown");
    let mut hash = Framed::new("judgefast key 1");
    hash.push(item.item_id.as_bytes());
    hash.push(&item.content);
    hash.push(&count.to_le_bytes());
    for &answer in shown {
        hash.push(item.answers.row(item.first_answer + usize::from(answer)));
    }
    indices.clear();
    indices.extend(shown.iter().flat_map(|answer| answer.to_le_bytes()));
    hash.push(indices);
    hash.push(&[]); // the options stand as in the rubric
    hash.push(judge.as_bytes());
    hash
}

/// The key of one judgment.
#[must_use]
pub fn finish(start: &Framed, aspect: Aspect<'_>, repeat: u16) -> [u8; 16] {
    let asked = start.clone().field(aspect.prompt_hash.as_bytes()).field(aspect.name.as_bytes());
    asked.field(&u32::from(repeat).to_le_bytes()).key()
}

/// Requests with the same group share rubric and question; the hash is that of the first aspect.
#[must_use]
pub fn prefix_group(prompt_hash: &str, question_sha256: &[u8], item_id: &str) -> u64 {
    let hash = Framed::new("judgefast group 1").field(prompt_hash.as_bytes());
    if question_sha256.is_empty() {
        return hash.field(&[]).field(item_id.as_bytes()).u64();
    }
    hash.field(question_sha256).u64()
}

/// Whether one pair of an item's several answers is shown swapped when one order is judged.
#[must_use]
pub fn pair_shows_swapped(seed: u64, item_id: &str, pair: (u16, u16), num_answers: usize) -> bool {
    if num_answers == 2 {
        return shows_swapped(seed, item_id);
    }
    let [low, high] = [pair.0.to_le_bytes(), pair.1.to_le_bytes()];
    let word = Framed::new("judgefast orientation 1")
        .field(&seed.to_le_bytes())
        .field(item_id.as_bytes())
        .field(&[low[0], low[1], high[0], high[1]])
        .u64();
    word & 1 == 1
}
