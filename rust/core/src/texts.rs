//! Hashes of texts and of prompts, each read where it lies: nothing is copied to be hashed.

use crate::hashes::Framed;

/// Identity of a plain text as it was read.
///
/// ```
/// let digest = judgefast_core::texts::text_hash("Paris");
/// assert_eq!(digest[..4], [0xd9, 0x2b, 0x88, 0x4c]);
/// ```
#[must_use]
pub fn text_hash(text: &str) -> [u8; 32] {
    Framed::new("judgefast text 1").field(text.as_bytes()).digest()
}

/// The hash of a prompt's segments in the making; a copy goes on by itself.
#[derive(Clone)]
pub struct SegmentsHash(Framed);

impl SegmentsHash {
    /// Begin a prompt.
    #[must_use]
    pub fn new() -> Self {
        Self(Framed::new("judgefast segments 1"))
    }

    /// Add a segment: its origin and its UTF-8. One without text leaves no trace.
    pub fn push(&mut self, text: &[u8], trusted: bool) {
        if !text.is_empty() {
            self.0.push(if trusted { b"ours" } else { b"theirs" });
            self.0.push(text);
        }
    }

    /// The first 16 bytes.
    #[must_use]
    pub fn key(self) -> [u8; 16] {
        self.0.key()
    }
}

impl Default for SegmentsHash {
    fn default() -> Self {
        Self::new()
    }
}
