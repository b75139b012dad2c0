//! Draws of many replicates at a time, compiled for each width of vector and chosen at run time.
//!
//! The loops are plain: the compiler makes vectors of them. Every path gives the same integers.
//! They are held in doubles, since every processor multiplies and adds vectors of those and few do
//! of 64-bit integers; [`Work`] keeps each within 2^53, where they are exact.

use super::rows::OVERFLOW;
use super::weights::{mix, LANES, STEP, THRESHOLDS};
use super::work::{Group, Work};
use crate::error::{named, Error};

/// Replicates that are drawn at a time.
pub(super) const BLOCK: usize = 64;

/// Hashes that make one block.
const HASHES: usize = BLOCK / LANES;

/// What each hash of a block adds to the word of a cluster.
type Steps = [u64; HASHES];

/// Draws that fit the 16 bits in which they are counted: of 8,191 clusters.
const STRETCH: usize = u16::MAX as usize / THRESHOLDS.len();

/// One number for each replicate of a block.
pub(super) type Block<T> = [T; BLOCK];

/// Exact sums of one slice in one block of replicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) sum: Block<i128>,
    pub(super) weight: Block<i128>,
}

impl Totals {
    pub(super) const ZERO: Self = Self { sum: [0; BLOCK], weight: [0; BLOCK] };
}

/// How wide the vectors of the kernel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Path {
    /// What every processor of this family can.
    Portable,
    /// 256 bits. Only [`Path::available`] makes one: it has looked whether the processor can.
    #[cfg(target_arch = "x86_64")]
    #[non_exhaustive]
    Avx2,
    /// 512 bits. As above.
    #[cfg(target_arch = "x86_64")]
    #[non_exhaustive]
    Avx512,
}

impl Path {
    /// The widest that this processor can.
    #[must_use]
    pub fn best() -> Self {
        Self::available().last().map_or(Self::Portable, |&(_, path)| path)
    }

    /// One by name, for tests and benches.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] for one that does not exist, or that this processor cannot.
    pub fn named(name: &str) -> Result<Self, Error> {
        named("path", name, &Self::available())
    }

    /// What this processor can, by name, the widest last.
    #[must_use]
    pub fn available() -> Vec<(&'static str, Self)> {
        let mut paths = vec![("portable", Self::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                paths.push(("avx2", Self::Avx2));
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                paths.push(("avx512", Self::Avx512));
            }
        }
        paths
    }
}

/// Sums of one slice over a run of groups. Integers.
#[derive(Clone)]
struct Sums {
    sum: Block<f64>,
    weight: Block<f64>,
}

impl Sums {
    const ZERO: Self = Self { sum: [0.0; BLOCK], weight: [0.0; BLOCK] };
}

/// Add a chunk to the totals of block number `block`, one for each slice.
///
/// # Errors
///
/// [`Error::Overflow`] where a total leaves 128 bits.
pub(super) fn add(
    work: &Work,
    path: Path,
    block: usize,
    totals: &mut [Totals],
) -> Result<(), Error> {
    let steps = std::array::from_fn(|at| ((block * HASHES + at + 1) as u64).wrapping_mul(STEP));
    let mut sums = vec![Sums::ZERO; totals.len()];
    for run in &work.runs {
        let groups = &work.groups[run.clone()];
        match path {
            Path::Portable => add_groups(work, groups, &steps, &mut sums),
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "the compiler cannot know what this processor can")]
            // SAFETY: `Path::available` gives this path only where its features were detected.
            Path::Avx2 => unsafe { add_groups_avx2(work, groups, &steps, &mut sums) },
            #[cfg(target_arch = "x86_64")]
            #[allow(unsafe_code, reason = "the compiler cannot know what this processor can")]
            // SAFETY: as above.
            Path::Avx512 => unsafe { add_groups_avx512(work, groups, &steps, &mut sums) },
        }
        for (total, sums) in totals.iter_mut().zip(&mut sums) {
            flush(&mut total.sum, &mut sums.sum)?;
            flush(&mut total.weight, &mut sums.weight)?;
        }
    }
    Ok(())
}

/// Move integers from doubles to where they cannot overflow unseen.
#[allow(clippy::cast_possible_truncation, reason = "integers within 2^53")]
fn flush(totals: &mut Block<i128>, sums: &mut Block<f64>) -> Result<(), Error> {
    for (total, sum) in totals.iter_mut().zip(sums) {
        *total = total.checked_add(i128::from(*sum as i64)).ok_or(OVERFLOW)?;
        *sum = 0.0;
    }
    Ok(())
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_groups_avx2(work: &Work, groups: &[Group], steps: &Steps, sums: &mut [Sums]) {
    add_groups(work, groups, steps, sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512dq,avx512vl")]
fn add_groups_avx512(work: &Work, groups: &[Group], steps: &Steps, sums: &mut [Sums]) {
    add_groups(work, groups, steps, sums);
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled under the features of its caller")]
fn add_groups(work: &Work, groups: &[Group], steps: &Steps, sums: &mut [Sums]) {
    for group in groups {
        let mut draws = [0i32; BLOCK];
        for stretch in work.words[group.words.clone()].chunks(STRETCH) {
            let mut counts = [0u16; BLOCK];
            for &word in stretch {
                draw(word, steps, &mut counts);
            }
            for (draws, count) in draws.iter_mut().zip(counts) {
                *draws += i32::from(count);
            }
        }
        let draws = draws.map(f64::from);
        for part in &work.parts[group.parts.clone()] {
            let sums = &mut sums[part.slice];
            for (at, drawn) in draws.into_iter().enumerate() {
                sums.sum[at] += drawn * part.sum;
                sums.weight[at] += drawn * part.weight;
            }
        }
    }
}

/// Add the draws of one cluster.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled under the features of its caller")]
fn draw(word: u64, steps: &Steps, counts: &mut Block<u16>) {
    let mut lanes = [[0; 8]; HASHES];
    for (lanes, step) in lanes.iter_mut().zip(steps) {
        *lanes = mix(word.wrapping_add(*step)).to_le_bytes();
    }
    let lanes = lanes.as_flattened();
    for (count, lane) in counts.iter_mut().zip(lanes.chunks_exact(2)) {
        let lane = u16::from_le_bytes([lane[0], lane[1]]);
        for threshold in THRESHOLDS {
            *count += u16::from(lane >= threshold);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::weights::poisson_weight;
    use super::super::work::Part;
    use super::*;

    /// The word of a cluster whose hash of a block, numbered from 0, is `hash`.
    fn word_of(hash: u64, block: u64) -> u64 {
        let state = hash ^ (hash >> 31) ^ (hash >> 62);
        let state = state.wrapping_mul(0x3196_42B2_D24D_8EC3);
        let state = (state ^ (state >> 27) ^ (state >> 54)).wrapping_mul(0x96DE_1B17_3F11_9089);
        let state = state ^ (state >> 30) ^ (state >> 60);
        state.wrapping_sub((block + 1).wrapping_mul(STEP))
    }

    fn draws(word: u64, path: Path) -> Block<i128> {
        let mut one = Work::default();
        one.words.push(word);
        one.parts.push(Part { slice: 0, sum: 0.0, weight: 1.0 });
        one.groups.push(Group { words: 0..1, parts: 0..1 });
        one.runs.push(0..1);
        let mut totals = [Totals::ZERO];
        add(&one, path, 1, &mut totals).expect("small");
        totals[0].weight
    }

    #[test]
    fn each_weight_begins_at_its_threshold_on_every_path() {
        let published = [24109, 48219, 60273, 64292, 65296, 65497, 65531, 65535];
        for (below, first) in published.into_iter().enumerate() {
            let (lanes, weights) = ([first - 1, first, 0, 0xFFFF], [below, below + 1, 0, 8]);
            let hash = lanes.iter().rev().fold(0, |hash: u64, lane| hash << 16 | lane);
            for block in 0..HASHES {
                let word = word_of(hash, (HASHES + block) as u64); // of the second block of 64
                for (lane, weight) in weights.into_iter().enumerate() {
                    let at = LANES * block + lane;
                    #[allow(clippy::cast_possible_truncation, reason = "at most 128")]
                    let replicate = (BLOCK + at) as u32;
                    assert_eq!(usize::from(poisson_weight(word, replicate)), weight);
                    for (name, path) in Path::available() {
                        assert_eq!(draws(word, path)[at], weight as i128, "{name} {first} {at}");
                    }
                }
            }
        }
    }
}
