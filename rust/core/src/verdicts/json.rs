//! The format `json`: the verdict is a field of a JSON object, alone, fenced, or among prose.
//!
//! Every mention of the field as a key must lie inside a well-formed object: a broken object beside
//! a good one may be the verdict, and the good one an example. Placeholders (`<1-5>`, `...`, a bare
//! letter for a number) are no verdict and break nothing.

use std::ops::Range;

use memchr::memmem::Finder;

use super::format::Format;
use super::json_object::{scan, unescape, End, Path, Token};
use super::number;
use super::readable::Readable;
use super::tally::{Tally, Value};

/// Report every verdict of `text` to `tally`.
pub(super) fn read(
    format: &Format,
    place: &Place,
    (text, readable): (&str, &Readable<'_>),
    cut: bool,
    tally: &mut Tally,
) {
    for part in readable.parts() {
        let cut = cut && part.end == text.len();
        let reader = Reader { format, place, text: &text[..part.end], cut };
        reader.read(part.start, tally);
    }
}

/// Where the verdict stands, and how to find that place in text that is no JSON.
#[derive(Debug)]
pub(super) struct Place {
    pub member: Option<Name>,
    pub field: Name,
}

impl Place {
    /// The key that must not stand outside a well-formed object.
    fn key(&self) -> &Name {
        self.member.as_ref().unwrap_or(&self.field)
    }

    fn path(&self) -> Path<'_> {
        let member = self.member.as_ref().map(|name| name.text.as_str());
        Path { member, field: &self.field.text }
    }
}

/// A name and its finder.
#[derive(Debug)]
pub(super) struct Name {
    pub text: String,
    pub finder: Box<Finder<'static>>,
}

impl Name {
    pub(super) fn new(text: String) -> Self {
        let finder = Box::new(Finder::new(text.as_bytes()).into_owned());
        Self { text, finder }
    }
}

struct Reader<'a> {
    format: &'a Format,
    place: &'a Place,
    text: &'a str,
    cut: bool,
}

impl Reader<'_> {
    fn read(&self, start: usize, tally: &mut Tally) {
        let bytes = self.text.as_bytes();
        let path = self.place.path();
        let mut between = start;
        let mut at = start;
        while let Some(found) = memchr::memchr(b'{', &bytes[at..]) {
            let open = at + found;
            let mut seen = Seen::default();
            let end = scan(self.text, open, path, &mut |token| self.note(token, &mut seen));
            match end {
                End::Complete(end) => {
                    self.check_mentions(between..open, tally);
                    tally.merge(seen.tally);
                    between = end;
                    at = end;
                }
                End::Broken(stop) => at = stop.max(open + 1),
                End::Unclosed if self.cut => {
                    self.check_mentions(between..open, tally);
                    if seen.any {
                        tally.merge(seen.tally);
                    } else {
                        tally.saw_open();
                    }
                    return;
                }
                End::Unclosed => break,
            }
        }
        self.check_mentions(between..bytes.len(), tally);
    }

    fn note(&self, token: Token, seen: &mut Seen) {
        seen.any = true;
        match token {
            Token::Null => {}
            Token::Other => seen.tally.saw_broken(),
            Token::Number(span) => {
                let digits = &self.text[span.clone()];
                if self.format.reads_numbers() {
                    seen.tally.saw(Value::Score(number::value(digits)), span);
                } else if let Some(label) = self.format.label(digits) {
                    seen.tally.saw(label, span);
                } else {
                    seen.tally.saw_broken();
                }
            }
            Token::Text(span) => {
                let word = unescape(&self.text[span.clone()]);
                let word = word.trim();
                if is_placeholder(word) {
                    return;
                }
                if self.format.reads_numbers() {
                    seen.tally.saw_broken();
                } else if let Some(label) = self.format.label(word) {
                    seen.tally.saw(label, span);
                } else {
                    seen.tally.saw_dissent();
                }
            }
        }
    }

    /// Look for the field, or its member, as a key in text that is no well-formed object.
    fn check_mentions(&self, gap: Range<usize>, tally: &mut Tally) {
        let text = &self.text[gap.clone()];
        let key = self.place.key();
        for at in key.finder.find_iter(text.as_bytes()) {
            let Some(value) = value_of_mention(text, at..at + key.text.len()) else { continue };
            let is_quoted = value.starts_with(is_quote);
            let word = value.trim_start_matches(is_quote);
            if word.is_empty() {
                if self.cut && gap.end == self.text.len() {
                    tally.saw_open();
                } else {
                    tally.saw_broken();
                }
                continue;
            }
            let is_letter_for_number =
                self.format.reads_numbers() && !is_quoted && is_one_letter(word);
            if !is_placeholder(word) && !is_letter_for_number {
                tally.saw_broken();
            }
        }
    }
}

#[derive(Default)]
struct Seen {
    tally: Tally,
    any: bool,
}

/// What follows the colon, if `name` in `text` is a key: quoted, or the first thing behind `{` or
/// `,`.
pub(super) fn value_of_mention(text: &str, name: Range<usize>) -> Option<&str> {
    let before = text[..name.start].trim_end_matches(is_quote);
    let is_key = before.len() < name.start || before.trim_end().ends_with(['{', ',']);
    let after = text[name.end..].trim_start_matches(is_quote).trim_start().strip_prefix(':')?;
    is_key.then(|| after.trim_start())
}

/// Signs that stand around a key or a word, backslashes of quoted JSON included.
pub(super) fn is_quote(sign: char) -> bool {
    matches!(sign, '"' | '\'' | '`' | '\\' | '*' | '\u{201c}' | '\u{201d}')
}

/// `N`, `X`: what a form has where a number goes. Not `NaN`, not `four`.
fn is_one_letter(word: &str) -> bool {
    let mut signs = word.chars();
    signs.next().is_some_and(char::is_alphabetic)
        && !signs.next().is_some_and(char::is_alphanumeric)
}

fn is_placeholder(word: &str) -> bool {
    let mut signs = word.chars();
    match signs.next() {
        Some('<' | '\u{2026}') => true,
        Some('.') => !signs.next().is_some_and(|sign| sign.is_ascii_digit()),
        _ => false,
    }
}
