//! The format `result`: `[RESULT]`, then the verdict, then the end of the text.

use std::ops::Range;

use memchr::memmem;

use super::format::Format;
use super::number;
use super::readable::{trimmed, Readable};
use super::tally::{Tally, Value};

const MARK: &str = "[RESULT]";

/// Report the verdict at the end of `text`, and any before it that may contradict it.
pub(super) fn read(
    format: &Format,
    text: &str,
    readable: &Readable<'_>,
    cut: bool,
    tally: &mut Tally,
) {
    let mut last = None;
    for part in readable.parts() {
        for found in memmem::find_iter(text[part.clone()].as_bytes(), MARK) {
            let start = part.start + found + MARK.len();
            if let Some(before) = last.replace(start..part.end) {
                if let Some((value, span)) = leading(format, text, before) {
                    tally.saw(value, span);
                }
            }
        }
    }
    let Some(rest) = last else { return };
    let rest = trimmed(text, rest);
    let ends_text = text[rest.end..].trim_end().is_empty();
    match format.value(&text[rest.clone()]) {
        Some(_) if cut && rest.end == text.len() => tally.saw_open(),
        Some(value) if ends_text => tally.saw(value, rest),
        _ if cut => tally.saw_open(),
        _ => tally.saw_broken(),
    }
}

/// The verdict that the text of `range` begins with.
fn leading(format: &Format, text: &str, range: Range<usize>) -> Option<(Value, Range<usize>)> {
    let word = text[range.clone()].trim_start();
    let start = range.end - word.len();
    let length = if format.reads_numbers() {
        number::length(word.as_bytes())
    } else {
        word.find(|sign: char| sign.is_whitespace() || "[.,;".contains(sign)).unwrap_or(word.len())
    };
    let value = format.value(&word[..length])?;
    Some((value, start..start + length))
}
