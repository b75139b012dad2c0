//! Prompts as sequences of segments, and the trie of what they share.
//!
//! Two prompts share what their segments share from the first on: an engine that keeps the prefix
//! of one computes only the rest of the other. Going through the trie depth first, what is shared
//! is used again while it is still there, however little the engine can keep.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use super::columns::{check_offsets, place};
use crate::error::Error;

/// Prompts in segments, one row a prompt. Numbers of segments are local to one set.
#[derive(Clone, Copy, Debug)]
pub struct Segments<'a> {
    numbers: &'a [u32],
    offsets: &'a [i64],
    ids: &'a [i32],
    id_offsets: &'a [i64],
}

impl<'a> Segments<'a> {
    /// A set of prompts whose columns were checked, once.
    ///
    /// Row `k` is `segments[segment_offsets[k]..segment_offsets[k + 1]]`; segment `s` has the token
    /// ids `ids[id_offsets[s]..id_offsets[s + 1]]`, none where the tokenizer is unknown.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`], naming the first offset that falls or leaves its column, or the first
    /// segment whose number has no ids; [`Error::Overflow`] where there are more than 2^32 - 2
    /// prompts or places of segments.
    pub fn new(
        segments: &'a [u32],
        segment_offsets: &'a [i64],
        ids: &'a [i32],
        id_offsets: &'a [i64],
    ) -> Result<Self, Error> {
        check_offsets("segment_offsets", segment_offsets, segments.len())?;
        check_offsets("id_offsets", id_offsets, ids.len())?;
        for (column, len) in [("segments", segments.len()), ("prompts", segment_offsets.len())] {
            if len >= NONE as usize {
                return Err(Error::Overflow { column });
            }
        }
        let distinct = id_offsets.len() - 1;
        if let Some(row) = segments.iter().position(|&segment| segment as usize >= distinct) {
            return Err(Error::OutOfRange {
                column: "segments",
                row,
                value: segments[row].to_string(),
                allowed: "numbers of the segments that `id_offsets` speaks of",
            });
        }
        Ok(Self { numbers: segments, offsets: segment_offsets, ids, id_offsets })
    }

    /// Number of prompts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no prompt.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of distinct segments.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.id_offsets.len() - 1
    }

    /// Segments of one prompt.
    #[must_use]
    pub fn row(&self, row: usize) -> &'a [u32] {
        &self.numbers[place(self.offsets[row])..place(self.offsets[row + 1])]
    }

    /// Token ids of one segment.
    #[must_use]
    pub fn ids_of(&self, segment: u32) -> &'a [i32] {
        &self.ids[self.span_of(segment)]
    }

    /// Token ids of all distinct segments, joined.
    #[must_use]
    pub fn ids(&self) -> &'a [i32] {
        self.ids
    }

    /// Where the token ids of one segment stand in [`Segments::ids`].
    #[must_use]
    pub fn span_of(&self, segment: u32) -> Range<usize> {
        let segment = segment as usize;
        place(self.id_offsets[segment])..place(self.id_offsets[segment + 1])
    }

    /// Tokens of one segment.
    #[must_use]
    pub fn tokens(&self, segment: u32) -> usize {
        self.span_of(segment).len()
    }
}

/// Rows in the order of sending.
///
/// Depth first over the trie of segment numbers: prompts that end at a node, in the order of rows,
/// then its children in the order in which they first appear.
#[must_use]
pub fn order(segments: &Segments<'_>) -> Vec<u32> {
    let trie = Trie::new(segments);
    let mut starts = trie.first_places();
    let mut order = vec![0; segments.len()];
    for (row, &end) in (0..).zip(&trie.ends) {
        let start = &mut starts[end as usize];
        order[*start as usize] = row;
        *start += 1;
    }
    order
}

/// No node.
const NONE: u32 = u32::MAX;

/// The trie of a set of prompts; node 0 is its root. A child has a higher number than its parent.
pub(super) struct Trie {
    first_child: Vec<u32>,
    last_child: Vec<u32>,
    next: Vec<u32>,
    /// Node at which each prompt ends: equal for equal prompts, and for these alone.
    pub(super) ends: Vec<u32>,
}

impl Trie {
    pub(super) fn new(segments: &Segments<'_>) -> Self {
        let mut trie = Self {
            first_child: vec![NONE],
            last_child: vec![NONE],
            next: vec![NONE],
            ends: Vec::with_capacity(segments.len()),
        };
        let mut children = HashMap::<u64, u32, BuildHasherDefault<Mixed>>::default();
        // Rows beside each other share most: what they share is found by comparing them.
        let (mut before, mut path): (&[u32], Vec<u32>) = (&[], vec![0]);
        for row in 0..segments.len() {
            let prompt = segments.row(row);
            let shared = prompt.iter().zip(before).take_while(|(left, right)| left == right);
            path.truncate(1 + shared.count());
            let mut node = path[path.len() - 1];
            for &segment in &prompt[path.len() - 1..] {
                let edge = u64::from(node) << 32 | u64::from(segment);
                node = *children.entry(edge).or_insert_with(|| trie.add(node));
                path.push(node);
            }
            trie.ends.push(node);
            before = prompt;
        }
        trie
    }

    /// Number of nodes, the root among them.
    pub(super) fn len(&self) -> usize {
        self.next.len()
    }

    fn add(&mut self, parent: u32) -> u32 {
        // `Segments::new` has counted: there are fewer nodes than numbers.
        let node = u32::try_from(self.next.len()).unwrap_or(NONE);
        for links in [&mut self.first_child, &mut self.last_child, &mut self.next] {
            links.push(NONE);
        }
        let last = std::mem::replace(&mut self.last_child[parent as usize], node);
        if last == NONE {
            self.first_child[parent as usize] = node;
        } else {
            self.next[last as usize] = node;
        }
        node
    }

    /// Of each node, the place of the first prompt that ends there, depth first.
    fn first_places(&self) -> Vec<u32> {
        let mut ending = vec![0_u32; self.next.len()];
        for &end in &self.ends {
            ending[end as usize] += 1;
        }
        let (mut place, mut open) = (0, vec![0]);
        while let Some(node) = open.pop() {
            let at = node as usize;
            let here = std::mem::replace(&mut ending[at], place);
            place += here;
            open.extend([self.next[at], self.first_child[at]].iter().filter(|&&node| node != NONE));
        }
        ending
    }
}

/// Spreads the bits of one number: edges of a trie are no secrets that an attacker could collide.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }

    fn finish(&self) -> u64 {
        // The table takes its place from the low bits and its tag from the high ones.
        self.0.wrapping_mul(0xd6e8_feb8_6659_fd93)
    }
}
