//! What a kernel adds up: the clusters of one chunk of rows, those alike side by side.
//!
//! All that a replicate needs of a cluster is its *signature*: its sums in each slice. Scores are
//! discrete, so many clusters share one, and the draws of all of them are counted before anything
//! is multiplied. A cluster like no other is a group of one.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::ops::Range;

use super::rows::{OutcomeRows, MAX_VALUE, MAX_WEIGHT};
use super::weights::{cluster_word, mix, MAX_DRAWS, STEP};

/// Rows of one chunk at most: the sums of a cluster then fit 63 bits.
pub(super) const MAX_ROWS: usize = 1 << 24;
const _: () = assert!(MAX_ROWS as i128 * MAX_VALUE as i128 * (MAX_WEIGHT as i128) < 1 << 63);
// Nor do all draws of a chunk leave 31 bits, or all weights the integers that a double holds.
const _: () = assert!((MAX_ROWS as u64) * MAX_DRAWS < 1 << 31);
const _: () = assert!((MAX_ROWS as u64) * MAX_DRAWS * (MAX_WEIGHT as u64) < EXACT);

/// Up to here every integer is a double, and so is every sum of such that stays within it.
const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;

/// Largest size of a sum that one draw adds; a larger one is added in several pieces.
const MAX_PIECE: i64 = (EXACT / MAX_DRAWS).cast_signed();

/// What one draw of a cluster adds to the sums of one slice. Integers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) slice: usize,
    pub(super) sum: f64,
    pub(super) weight: f64,
}

/// Clusters with the same parts.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Of [`Work::words`].
    pub(super) words: Range<usize>,
    /// Of [`Work::parts`].
    pub(super) parts: Range<usize>,
}

/// A chunk of rows, made ready for any block of replicates.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// One per cluster, those of a group side by side.
    pub(super) words: Vec<u64>,
    pub(super) parts: Vec<Part>,
    pub(super) groups: Vec<Group>,
    /// Stretches of `groups` whose sums stay exact in doubles, whatever is drawn.
    pub(super) runs: Vec<Range<usize>>,
    /// Bound of the sums of the run that is open.
    reach: u64,
}

/// Sums of one cluster in one slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Sums {
    slice: u32,
    weight: u32,
    sum: i64,
}

/// Clusters of a chunk, each with its sums by ascending slice.
#[derive(Default)]
struct Clusters {
    ids: Vec<u64>,
    sums: Vec<Sums>,
    /// Where the sums of each cluster end.
    ends: Vec<usize>,
}

/// Make a chunk ready: `rows` were checked and are at most [`MAX_ROWS`].
///
/// `place` maps a slice to its place among the wanted ones; rows of a slice without a place are
/// left out.
pub(super) fn prepare(rows: OutcomeRows<'_>, place: &[Option<u32>], seed: u64) -> Work {
    debug_assert!(rows.value.len() <= MAX_ROWS);
    let clusters = sums_by_cluster(rows, place);
    let mut signatures = Numbered::default();
    let group_of: Vec<u32> =
        (0..clusters.ends.len()).map(|at| signatures.number(clusters.of(at))).collect();
    let (order, ends) = sort_by_number(&group_of);
    let words = order.iter().map(|&at| cluster_word(seed, clusters.ids[at])).collect();
    let mut work = Work { words, ..Work::default() };
    let mut start = 0;
    for end in ends {
        work.push(start..end, clusters.of(order[start]));
        start = end;
    }
    work.close_run();
    work
}

fn sums_by_cluster(rows: OutcomeRows<'_>, place: &[Option<u32>]) -> Clusters {
    let mut clusters = Clusters::default();
    let mut seen = Numbered::default();
    let mut cluster_of = Vec::with_capacity(rows.value.len());
    let mut own = Vec::with_capacity(rows.value.len());
    for (row, &value) in rows.value.iter().enumerate() {
        let weight = rows.weight[row];
        if let (Some(slice), 1..) = (place[rows.slice[row] as usize], weight) {
            let cluster = seen.number(rows.cluster_id64[row]);
            if cluster as usize == clusters.ids.len() {
                clusters.ids.push(rows.cluster_id64[row]);
            }
            cluster_of.push(cluster);
            own.push(Sums { slice, weight: weight.into(), sum: i64::from(weight) * value });
        }
    }
    let (mut order, ends) = sort_by_number(&cluster_of);
    clusters.sums.reserve(order.len());
    let mut start = 0;
    for end in ends {
        let first = clusters.sums.len();
        order[start..end].sort_unstable_by_key(|&row| own[row].slice);
        for &row in &order[start..end] {
            match clusters.sums[first..].last_mut() {
                Some(last) if last.slice == own[row].slice => {
                    last.weight += own[row].weight;
                    last.sum += own[row].sum;
                }
                _ => clusters.sums.push(own[row]),
            }
        }
        clusters.ends.push(clusters.sums.len());
        start = end;
    }
    clusters
}

impl Clusters {
    fn of(&self, at: usize) -> &[Sums] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.sums[start..self.ends[at]]
    }
}

impl Work {
    /// Add clusters with the same sums, in as many pieces as exactness needs.
    fn push(&mut self, words: Range<usize>, sums: &[Sums]) {
        let mut rest = self.push_piece(words.clone(), sums);
        while !rest.is_empty() {
            rest = self.push_piece(words.clone(), &rest);
        }
    }

    /// Add as much of the sums as one draw may add, and return what is left of them.
    #[allow(clippy::cast_precision_loss, reason = "at most `EXACT` in size")]
    fn push_piece(&mut self, words: Range<usize>, sums: &[Sums]) -> Vec<Sums> {
        let (first, mut largest, mut rest) = (self.parts.len(), 1, Vec::new());
        for &Sums { slice, weight, sum } in sums {
            let piece = sum.clamp(-MAX_PIECE, MAX_PIECE);
            largest = largest.max(piece.unsigned_abs());
            self.parts.push(Part {
                slice: slice as usize,
                sum: piece as f64,
                weight: weight.into(),
            });
            if piece != sum {
                rest.push(Sums { slice, weight: 0, sum: sum - piece });
            }
        }
        let parts = first..self.parts.len();
        let one = MAX_DRAWS * largest;
        let most = usize::try_from(EXACT / one).unwrap_or(usize::MAX);
        for start in words.clone().step_by(most) {
            let words = start..words.end.min(start.saturating_add(most));
            let reach = words.len() as u64 * one;
            if self.reach + reach > EXACT {
                self.close_run();
            }
            self.reach += reach;
            self.groups.push(Group { words, parts: parts.clone() });
        }
        rest
    }

    fn close_run(&mut self) {
        let start = self.runs.last().map_or(0, |run| run.end);
        self.runs.push(start..self.groups.len());
        self.reach = 0;
    }
}

/// Things in the order in which they were first seen.
struct Numbered<K>(HashMap<K, u32, BuildHasherDefault<Mixer>>);

impl<K> Default for Numbered<K> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: Eq + Hash> Numbered<K> {
    fn number(&mut self, thing: K) -> u32 {
        #[allow(clippy::cast_possible_truncation, reason = "no more than `MAX_ROWS`")]
        let next = self.0.len() as u32;
        *self.0.entry(thing).or_insert(next)
    }
}

/// A hash of whole words, since the default one would be the slowest step of all here.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }

    fn write_i64(&mut self, word: i64) {
        self.write_u64(word.cast_unsigned());
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = mix(self.0.wrapping_add(STEP) ^ word);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}

/// Places of the things by ascending number, and where those of each number end. Every number
/// below the largest occurs.
fn sort_by_number(numbers: &[u32]) -> (Vec<usize>, Vec<usize>) {
    let mut starts = vec![0; numbers.iter().max().map_or(0, |&max| max as usize + 1)];
    numbers.iter().for_each(|&number| starts[number as usize] += 1);
    let mut sum = 0;
    for start in &mut starts {
        sum += std::mem::replace(start, sum);
    }
    let mut order = vec![0; numbers.len()];
    for (at, &number) in numbers.iter().enumerate() {
        order[starts[number as usize]] = at;
        starts[number as usize] += 1;
    }
    (order, starts) // each start has moved to its end
}
