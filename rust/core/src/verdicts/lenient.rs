//! What the lenient mode reads beyond the strict one: broken forms that leave one reading.
//!
//! Asked only where the strict reader found no verdict or a malformed one, and only by request. A
//! text that was cut, or that holds two readings, stays without a verdict here too.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::format::{Family, Format};
use super::json::{is_quote, value_of_mention, Name};
use super::marker;
use super::number;
use super::readable::Readable;
use super::tally::{Tally, Value};

/// Characters that a value of the field may have.
const LONGEST: usize = 256;

/// Bytes that a member with its reason may have.
const LONGEST_MEMBER: usize = 4096;

static DOUBLE: LazyLock<Regex> = LazyLock::new(|| constant(r"\[\[([^\[\]\n]{1,64})\]\]"));
static SINGLE: LazyLock<Regex> = LazyLock::new(|| constant(r"\[([^\[\]\n]{1,64})\]"));
static AT_END: LazyLock<Regex> = LazyLock::new(|| {
    constant(concat!(
        r"(?i)(?:\[(?:result|score)\]|\b(?:result|score)\b)[\s:]*(?:(?:score|result)\b[\s:]*)?",
        r"(?:of\b\s*)?[(\[]?(?:response\s+)?(-?\d+(?:\.\d+)?(?:\s*(?:/|out\s+of)\s*\d+)?|[a-z]+)",
        r"[)\]]?\.?\s*$",
    ))
});

#[allow(
    clippy::expect_used,
    reason = "the patterns are constants of this file, compiled by a test"
)]
fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of this file")
}

/// Report every reading of `text`.
pub(super) fn read(format: &Format, text: &str, readable: &Readable<'_>, tally: &mut Tally) {
    match &format.family {
        Family::Json(place) => {
            for part in readable.parts() {
                match &place.member {
                    None => json(format, &place.field, text, part, tally),
                    Some(member) => in_member(format, (member, &place.field), text, part, tally),
                }
            }
        }
        Family::Label => {
            if let Some(part) = readable.only_part() {
                let word = text[part.clone()].trim_matches(|sign: char| !sign.is_alphanumeric());
                if let Some(value) = format.label_in_any_case(word) {
                    tally.saw(value, part);
                }
            }
        }
        Family::Bracket | Family::Arena5 | Family::Rating => {
            marked(format, &DOUBLE, loose, text, readable, tally);
            if !tally.has_verdict() && matches!(format.family, Family::Bracket) {
                // `[a]` is a footnote
                marked(format, &SINGLE, Format::label, text, readable, tally);
            }
        }
        Family::Result => {
            let last = readable.parts().last().unwrap_or_default();
            if let Some(found) =
                AT_END.captures(&text[last.clone()]).and_then(|groups| groups.get(1))
            {
                if let Some(value) = loose(format, found.as_str()) {
                    tally.saw(value, last.start + found.start()..last.start + found.end());
                }
            }
        }
        Family::Pair | Family::Patterns { .. } => {}
    }
}

fn marked(
    format: &Format,
    pattern: &Regex,
    read: impl Fn(&Format, &str) -> Option<Value>,
    text: &str,
    readable: &Readable<'_>,
    tally: &mut Tally,
) {
    for part in readable.parts() {
        for found in pattern.captures_iter(&text[part.clone()]).filter_map(|groups| groups.get(1)) {
            if let Some(value) = read(format, found.as_str()) {
                tally.saw(value, part.start + found.start()..part.start + found.end());
            }
        }
    }
}

/// The same between the braces of a member, wherever it stands.
fn in_member(
    format: &Format,
    (member, field): (&Name, &Name),
    text: &str,
    part: Range<usize>,
    tally: &mut Tally,
) {
    let inside = &text[part.clone()];
    for at in member.finder.find_iter(inside.as_bytes()) {
        let Some(value) = value_of_mention(inside, at..at + member.text.len()) else { continue };
        let start = part.end - value.len();
        // Looking to the end for each of many mentions would take the square of the length.
        let near = &value.as_bytes()[..value.len().min(LONGEST_MEMBER)];
        match memchr::memchr(b'}', near) {
            Some(end) if value.starts_with('{') => {
                json(format, field, text, start..start + end + 1, tally);
            }
            _ => tally.saw_broken(),
        }
    }
}

/// Every value of the field, however the object around it is broken.
fn json(format: &Format, field: &Name, text: &str, part: Range<usize>, tally: &mut Tally) {
    let inside = &text[part.clone()];
    for at in field.finder.find_iter(inside.as_bytes()) {
        let Some(value) = value_of_mention(inside, at..at + field.text.len()) else { continue };
        let start = part.end - value.len();
        let word = value.trim_start_matches(is_quote);
        let mut signs = word.char_indices().take(LONGEST);
        let end = signs.find(|(_, sign)| is_quote(*sign) || ",}]\n".contains(*sign));
        let Some((end, _)) = end else {
            tally.saw_broken();
            continue;
        };
        match loose(format, &word[..end]) {
            Some(found) => tally.saw(found, start..part.end - word.len() + end),
            None => tally.saw_broken(),
        }
    }
}

/// The label in any case, or the number, also written `4/5` or `4 out of 5` on a scale to 5.
fn loose(format: &Format, word: &str) -> Option<Value> {
    let word = word.trim();
    if let Some(value) = marker::exact(format, word) {
        return Some(value);
    }
    if !format.reads_numbers() {
        return format.label_in_any_case(word.trim_matches(|sign: char| !sign.is_alphanumeric()));
    }
    let score = &word[..number::length(word.as_bytes())];
    let rest = word[score.len()..].trim_start();
    let top = rest.strip_prefix('/').or_else(|| {
        rest.strip_prefix("out").and_then(|rest| rest.trim_start().strip_prefix("of"))
    })?;
    let top = number::whole(top.trim())?;
    let is_top = (top - format.scale.high).abs() < f64::EPSILON;
    number::whole(score).filter(|_| is_top).map(Value::Score)
}
