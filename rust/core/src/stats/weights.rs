//! How often a cluster is drawn in a replicate: a hash of the seed, the cluster and the replicate.
//!
//! The definition is published, with test vectors, in `docs/statistics.md`.

use crate::hashes::Framed;

/// Weight `k` begins at `THRESHOLDS[k - 1]` of a 16-bit lane: the Poisson distribution of mean 1,
/// cut at 8.
pub(super) const THRESHOLDS: [u16; 8] = [24109, 48219, 60273, 64292, 65296, 65497, 65531, 65535];

/// Largest weight of a cluster in a replicate.
pub(super) const MAX_DRAWS: u64 = THRESHOLDS.len() as u64;

/// Replicates that share one 64-bit hash.
pub(super) const LANES: usize = 4;

/// What the state of `SplitMix64` moves by.
pub(super) const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Word of a cluster under a seed, from which all its weights follow.
#[must_use]
pub fn cluster_word(seed: u64, cluster_id64: u64) -> u64 {
    Framed::new("judgefast bootstrap 1")
        .field(&seed.to_le_bytes())
        .field(&cluster_id64.to_le_bytes())
        .u64()
}

/// Output function of `SplitMix64`: Steele, Lea and Flood 2014, OOPSLA.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled under the features of its caller")]
pub(super) const fn mix(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

/// Weight of a cluster in one replicate, 0 to 8. The kernels compute the same, many at a time.
#[must_use]
pub fn poisson_weight(word: u64, replicate: u32) -> u8 {
    let [block, lane] = [replicate / 4, replicate % 4].map(u64::from);
    let hash = mix(word.wrapping_add((block + 1).wrapping_mul(STEP)));
    let drawn = (hash >> (16 * lane)) & 0xFFFF;
    THRESHOLDS.iter().map(|&threshold| u8::from(drawn >= u64::from(threshold))).sum()
}
