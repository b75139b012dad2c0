//! Every identifier of judgefast: sha256 over a tag of its use and length-framed fields.
//!
//! The definition is part of the file formats (`docs/formats.md`), so that another program can
//! compute the same bytes: `sha256(tag || 0x00 || for each field: u64-LE length || bytes)`. Two
//! uses never share a tag, hence no two uses are correlated.

use sha2::{Digest, Sha256};

/// A sha256 in the making, its fields framed by their length.
#[derive(Clone)]
pub struct Framed(Sha256);

impl Framed {
    /// Start a hash for one use.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        let mut state = Sha256::new();
        state.update(tag.as_bytes());
        state.update([0]);
        Self(state)
    }

    /// Add one field.
    #[must_use]
    pub fn field(mut self, bytes: &[u8]) -> Self {
        self.push(bytes);
        self
    }

    /// Add one field in place.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Add one field that lies in parts, in place.
    pub fn push_joined<'a>(&mut self, parts: impl Iterator<Item = &'a [u8]> + Clone) {
        let len: usize = parts.clone().map(<[u8]>::len).sum();
        self.0.update((len as u64).to_le_bytes());
        for part in parts {
            self.0.update(part);
        }
    }

    /// All 32 bytes.
    #[must_use]
    pub fn digest(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The first 16 bytes.
    #[must_use]
    pub fn key(self) -> [u8; 16] {
        let digest = self.digest();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        key
    }

    /// The first 8 bytes, little-endian.
    #[must_use]
    pub fn u64(self) -> u64 {
        let digest = self.digest();
        let mut word = [0; 8];
        word.copy_from_slice(&digest[..8]);
        u64::from_le_bytes(word)
    }
}

/// The resampling id of a cluster: the same on every machine, whatever file it came from.
///
/// The one hash without framing, since it has one field:
/// `sha256("judgefast cluster 1" || 0x00 || utf8)`, first 8 bytes, little-endian.
///
/// ```
/// assert_eq!(judgefast_core::hashes::cluster_id64("q1"), 0x3ec0_8dcd_2d07_810f);
/// ```
#[must_use]
pub fn cluster_id64(cluster: &str) -> u64 {
    let mut state = Sha256::new();
    state.update(b"judgefast cluster 1\0");
    state.update(cluster.as_bytes());
    let digest: [u8; 32] = state.finalize().into();
    let mut word = [0; 8];
    word.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(word)
}

/// Where a cluster stands in the seeded shuffle of a run.
#[must_use]
pub fn shuffle_key(seed: u64, cluster: &str) -> u64 {
    Framed::new("judgefast shuffle 1").field(&seed.to_le_bytes()).field(cluster.as_bytes()).u64()
}

/// Where an item stands in the seeded draw of `--limit`.
#[must_use]
pub fn limit_key(seed: u64, item_id: &str) -> u64 {
    Framed::new("judgefast limit 1").field(&seed.to_le_bytes()).field(item_id.as_bytes()).u64()
}

/// Seed of the engine's sampling for one request, from its key: 63 bits.
///
/// ```
/// assert_eq!(judgefast_core::hashes::sampling_seed(&[0; 16]), 4_784_011_657_166_072_039);
/// ```
#[must_use]
pub fn sampling_seed(key: &[u8]) -> u64 {
    Framed::new("judgefast sampling 1").field(key).u64() & (u64::MAX >> 1)
}

/// Whether an item shows its answers swapped when only one order is judged.
#[must_use]
pub fn shows_swapped(seed: u64, item_id: &str) -> bool {
    let word = Framed::new("judgefast orientation 1")
        .field(&seed.to_le_bytes())
        .field(item_id.as_bytes())
        .u64();
    word & 1 == 1
}
