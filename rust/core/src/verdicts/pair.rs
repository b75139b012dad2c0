//! The format `score-pair`: the first line is two numbers, one for each answer.

use super::number;
use super::readable::{trimmed, Readable};
use super::tally::{Tally, Value};

/// Report the two numbers of the first line. A first line that was cut is incomplete.
pub(super) fn read(text: &str, readable: &Readable<'_>, cut: bool, tally: &mut Tally) {
    let Some(part) = readable.parts().map(|part| trimmed(text, part)).find(|part| !part.is_empty())
    else {
        return;
    };
    let line_end = memchr::memchr(b'\n', text[part.clone()].as_bytes());
    if cut && line_end.is_none() && text[part.end..].find('\n').is_none() {
        tally.saw_open();
        return;
    }
    let line = trimmed(text, part.start..line_end.map_or(part.end, |end| part.start + end));
    let words = &text[line.clone()];
    if let Some(pair) = two_numbers(words) {
        tally.saw(pair, line);
    } else if words.bytes().all(|byte| byte.is_ascii_digit() || b" \t,./-".contains(&byte)) {
        tally.saw_broken();
    }
}

/// Two numbers with white space or one comma between them.
fn two_numbers(line: &str) -> Option<Value> {
    let first = number::length(line.as_bytes());
    let rest = line[first..].trim_start();
    let second = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    let is_apart = second.len() < line.len() - first;
    let pair = Value::Pair(number::whole(&line[..first])?, number::whole(second)?);
    is_apart.then_some(pair)
}
