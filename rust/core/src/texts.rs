//! Hashes and columns of texts, each read where it lies: nothing is copied to be hashed.

use crate::hashes::Framed;

/// Offsets, bytes, and a bitmap of the texts that are there; none where all are.
pub type TextColumn = (Vec<i32>, Vec<u8>, Option<Vec<u8>>);

/// Identity of a plain text as it was read.
///
/// ```
/// let digest = judgefast_core::texts::text_hash(b"Paris");
/// assert_eq!(digest[..4], [0xd9, 0x2b, 0x88, 0x4c]);
/// ```
#[must_use]
pub fn text_hash(text: &[u8]) -> [u8; 32] {
    Framed::new("judgefast text 1").field(text).digest()
}

/// Texts as a column of Arrow: offsets, bytes, and a bitmap of those that are there, which is
/// left out where all are. Nothing grows on the way, so that fresh memory is touched once.
///
/// Returns `None` where the texts have more bytes than an `i32` can count.
///
/// ```
/// let (offsets, bytes, present) =
///     judgefast_core::texts::text_column(&[Some(b"ab".as_slice()), None]).expect("few bytes");
/// assert_eq!((offsets, bytes, present), (vec![0, 2, 2], b"ab".to_vec(), Some(vec![1])));
/// ```
#[must_use]
pub fn text_column(texts: &[Option<&[u8]>]) -> Option<TextColumn> {
    let size: usize = texts.iter().flatten().map(|text| text.len()).sum();
    i32::try_from(size).ok()?;
    let mut offsets = Vec::with_capacity(texts.len() + 1);
    let mut bytes = Vec::with_capacity(size);
    let mut present = vec![0_u8; texts.len().div_ceil(8)];
    offsets.push(0);
    for (row, text) in texts.iter().enumerate() {
        if let Some(text) = text {
            bytes.extend_from_slice(text);
            present[row / 8] |= 1 << (row % 8);
        }
        offsets.push(i32::try_from(bytes.len()).ok()?);
    }
    let all = texts.iter().all(Option::is_some);
    Some((offsets, bytes, (!all).then_some(present)))
}
