//! Keys of the full blocks of a prompt, each of which stands for all tokens up to its end.

use super::super::trie::Segments;

const START: u64 = 0x9e37_79b9_7f4a_7c15;
const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;

/// The key of what follows `key`: 64 bits, never 0.
pub(super) fn mixed(key: u64, word: u64) -> u64 {
    let product = u128::from(key ^ word ^ START) * u128::from(FACTOR);
    #[allow(clippy::cast_possible_truncation, reason = "both halves are used")]
    let folded = (product >> 64) as u64 ^ product as u64;
    let spread = folded.rotate_left(23) ^ word.wrapping_mul(START);
    if spread == 0 {
        1
    } else {
        spread
    }
}

/// Keys of one prompt after the other, computed from where it parts from the one before.
#[derive(Debug)]
pub(super) struct Chain {
    block: usize,
    segments: Vec<u32>,
    /// Tokens up to the end of each segment.
    ends: Vec<usize>,
    keys: Vec<u64>,
    /// Tokens behind the last full block.
    tail: Vec<i32>,
}

impl Chain {
    /// Keys of blocks of so many tokens.
    pub(super) fn new(block: usize) -> Self {
        let tail = Vec::with_capacity(block);
        Self { block, segments: Vec::new(), ends: Vec::new(), keys: Vec::new(), tail }
    }

    /// Numbers of segments mean something else from here on.
    pub(super) fn new_set(&mut self) {
        self.segments.clear();
        self.ends.clear();
        self.keys.clear();
    }

    /// Keys of the full blocks of a prompt.
    pub(super) fn keys(&self) -> &[u64] {
        &self.keys
    }

    /// Go on to a prompt; its tokens.
    pub(super) fn advance(&mut self, set: &Segments<'_>, row: usize) -> usize {
        let prompt = set.row(row);
        let common = self.segments.iter().zip(prompt).take_while(|(old, new)| old == new).count();
        self.segments.truncate(common);
        self.ends.truncate(common);
        let known = self.ends.last().copied().unwrap_or(0);
        let start = known / self.block * self.block;
        self.keys.truncate(known / self.block);
        self.tail.clear();
        // What stands behind the last block that both have is hashed once more.
        let first = self.ends.partition_point(|&end| end <= start);
        for place in first..common {
            let ids = set.ids_of(prompt[place]);
            self.feed(&ids[ids.len() - (self.ends[place] - start).min(ids.len())..]);
        }
        let mut end = known;
        for &segment in &prompt[common..] {
            let ids = set.ids_of(segment);
            self.feed(ids);
            end += ids.len();
            self.segments.push(segment);
            self.ends.push(end);
        }
        end
    }

    fn feed(&mut self, mut ids: &[i32]) {
        if !self.tail.is_empty() {
            let (now, later) = ids.split_at(ids.len().min(self.block - self.tail.len()));
            self.tail.extend_from_slice(now);
            if self.tail.len() < self.block {
                return;
            }
            self.keys.push(key_of(self.keys.last().copied(), &self.tail));
            self.tail.clear();
            ids = later;
        }
        let full = ids.chunks_exact(self.block);
        self.tail.extend_from_slice(full.remainder());
        for block in full {
            self.keys.push(key_of(self.keys.last().copied(), block));
        }
    }
}

fn key_of(parent: Option<u64>, ids: &[i32]) -> u64 {
    let pairs = ids.chunks(2).map(|pair| {
        let word = |id: &i32| u64::from(id.cast_unsigned());
        pair.iter().fold(0, |both, id| both << 32 | word(id))
    });
    pairs.fold(parent.unwrap_or(START), mixed)
}
