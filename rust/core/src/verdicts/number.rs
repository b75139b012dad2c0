//! Numbers as a judge writes them: an optional minus, digits, an optional fraction.

use std::ops::Range;

/// Digits that an `f64` holds exactly.
const EXACT_DIGITS: usize = 15;

/// The length of the number at the start of `bytes`, 0 where there is none. A point counts only
/// with digits behind it; there is no exponent, no `+`, no leading point.
pub(super) fn length(bytes: &[u8]) -> usize {
    let sign = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(&bytes[sign..]);
    if whole == 0 {
        return 0;
    }
    let end = sign + whole;
    match bytes.get(end) {
        Some(b'.') => match digits(&bytes[end + 1..]) {
            0 => end,
            fraction => end + 1 + fraction,
        },
        _ => end,
    }
}

/// How many ASCII digits `bytes` begins with.
pub(super) fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// The value of `text` if it is a number and nothing else.
pub(super) fn whole(text: &str) -> Option<f64> {
    (!text.is_empty() && length(text.as_bytes()) == text.len()).then(|| value(text))
}

/// The value of a well-formed number, of this grammar or of JSON's. A number past the range of
/// `f64` becomes infinite, which no scale holds.
pub(super) fn value(text: &str) -> f64 {
    let bytes = text.as_bytes();
    if bytes.len() <= EXACT_DIGITS && digits(bytes) == bytes.len() {
        return bytes.iter().fold(0.0, |sum, byte| sum * 10.0 + f64::from(byte - b'0'));
    }
    text.parse().unwrap_or(f64::NAN)
}

/// Whether the text of `span` might have become a longer number or word, had `text` not been cut
/// at its end.
pub(super) fn may_go_on(text: &str, span: &Range<usize>) -> bool {
    span.end == text.len()
        && text[span.clone()].ends_with(|last: char| last.is_alphanumeric() || last == '.')
}
