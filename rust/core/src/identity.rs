//! Bytes that identify the values and the items of a data set: the bulk twin of
//! `python/judgefast/datasets/identity.py`, with the same bytes. See `docs/datasets.md`.

use crate::hashes::Framed;

/// Add a text, in UTF-8.
pub fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b's');
    out.extend_from_slice(text);
}

/// Add an integer, as decimal text.
pub fn push_integer(out: &mut Vec<u8>, value: i64) {
    out.push(b'i');
    out.extend_from_slice(value.to_string().as_bytes());
}

/// Add a float, as its 8 bytes.
pub fn push_float(out: &mut Vec<u8>, value: f64) {
    out.push(b'd');
    out.extend_from_slice(&value.to_le_bytes());
}

/// Add what `write` adds, framed by its length.
///
/// # Errors
/// Those of `write`.
pub fn push_frame<E>(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    write(out)?;
    let size = (out.len() - start - 8) as u64;
    out[start..start + 8].copy_from_slice(&size.to_le_bytes());
    Ok(())
}

/// Cluster of an item that names none, by the hashes of its question and its reference.
///
/// ```
/// let cluster = judgefast_core::identity::question_cluster(b"", b"");
/// assert_eq!(cluster.len(), 32);
/// ```
#[must_use]
pub fn question_cluster(question: &[u8], reference: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let key = Framed::new("judgefast question 1").field(question).field(reference).key();
    key.iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}
