//! Formats that put the verdict into double brackets: `bracket`, `arena5`, `rating`.

use std::ops::Range;

use memchr::memmem;

use super::format::{Family, Format};
use super::readable::Readable;
use super::tally::{Tally, Value};

/// Bytes that may stand between the brackets.
const LONGEST: usize = 256;

/// What stands behind `[[`.
enum Content {
    /// Up to `]]`.
    Closed(Range<usize>),
    /// Up to a single `]`.
    HalfClosed(Range<usize>),
    /// Up to the end of the part.
    AtEnd(Range<usize>),
    /// Something that is no marker.
    Nothing,
}

/// Report every marker of `text` to `tally`.
pub(super) fn read(
    format: &Format,
    text: &str,
    readable: &Readable<'_>,
    cut: bool,
    tally: &mut Tally,
) {
    for part in readable.parts() {
        let cut = cut && part.end == text.len();
        let bytes = &text.as_bytes()[..part.end];
        let mut at = part.start;
        while let Some(found) = memmem::find(&bytes[at..], b"[[") {
            let start = at + found + 2;
            at = start - 1;
            match content(bytes, start) {
                Content::Closed(inside) => {
                    at = inside.end + 2;
                    note(format, text, inside, tally);
                }
                Content::HalfClosed(inside) | Content::AtEnd(inside)
                    if cut && inside.end + 1 >= bytes.len() =>
                {
                    tally.saw_open();
                }
                Content::HalfClosed(inside) | Content::AtEnd(inside) => {
                    at = inside.end;
                    if is_verdict_like(format, &text[inside]) {
                        tally.saw_dissent();
                    }
                }
                Content::Nothing => {}
            }
        }
        if cut && bytes.ends_with(b"[") {
            tally.saw_open();
        }
    }
}

fn content(bytes: &[u8], start: usize) -> Content {
    let window = &bytes[start..bytes.len().min(start + LONGEST)];
    let Some(length) = window.iter().position(|byte| matches!(byte, b']' | b'[' | b'\n')) else {
        let end = start + window.len();
        return if end == bytes.len() { Content::AtEnd(start..end) } else { Content::Nothing };
    };
    let end = start + length;
    match (bytes[end], bytes.get(end + 1)) {
        (b']', Some(b']')) => Content::Closed(start..end),
        (b']', _) => Content::HalfClosed(start..end),
        _ => Content::Nothing,
    }
}

fn note(format: &Format, text: &str, inside: Range<usize>, tally: &mut Tally) {
    let word = &text[inside.clone()];
    let span = inside.start - 2..inside.end + 2;
    if let Some(value) = exact(format, word) {
        tally.saw(value, span);
    } else if is_verdict_like(format, word) {
        if format.reads_numbers() {
            tally.saw_broken();
        } else {
            tally.saw_dissent();
        }
    }
}

/// The verdict that `word` is, exactly.
pub(super) fn exact(format: &Format, word: &str) -> Option<Value> {
    if matches!(format.family, Family::Arena5) {
        return arena5(word);
    }
    format.value(word)
}

/// `A>>B` to `B>>A`, either answer named first. The labels of the format stand in this order.
fn arena5(word: &str) -> Option<Value> {
    let place = match word {
        "A>>B" | "B<<A" => 0,
        "A>B" | "B<A" => 1,
        "A=B" | "B=A" => 2,
        "B>A" | "A<B" => 3,
        "B>>A" | "A<<B" => 4,
        _ => return None,
    };
    Some(Value::Label(place))
}

/// Whether `word` looks like a verdict that the format does not have: `a`, ` A `, `AB`, `A>C`,
/// `Assistant A`; where numbers are read, anything with a digit of any script. Such a marker is
/// never read, and never overruled by another one either.
fn is_verdict_like(format: &Format, word: &str) -> bool {
    const SHORT: usize = 3;
    let word = word.trim();
    if format.reads_numbers() {
        return word.contains(char::is_numeric);
    }
    format.labels.iter().any(|label| label.text.eq_ignore_ascii_case(word))
        || word.contains(['<', '>', '='])
        || word.chars().count() <= SHORT && word.starts_with(char::is_alphabetic)
        || words(word)
            .any(|one| format.labels.iter().any(|label| words(&label.text).any(|of| of == one)))
}

/// The runs of letters and digits in `text`.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty())
}
