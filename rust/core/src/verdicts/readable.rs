//! Which parts of a text are read: all but its reasoning blocks.
//!
//! A block is `<think>`, `<thinking>` or `<reasoning>` up to its closing tag. The opening tag must
//! begin the text or a line; in the middle of a line it is talk about a tag. A block at the start
//! that never closes hides all of the text; one further down hides nothing, since it may be a
//! quotation from an answer. A closing tag alone hides nothing either.

use std::ops::Range;

use memchr::memmem;

const TAGS: [(&[u8], &[u8]); 3] =
    [(b"<think>", b"</think>"), (b"<thinking>", b"</thinking>"), (b"<reasoning>", b"</reasoning>")];

/// The readable parts of a text, in order. The common text is one part and takes no memory.
#[derive(Debug)]
pub(super) struct Readable<'t> {
    text: &'t str,
    blocks: Vec<Range<usize>>,
    unclosed: bool,
}

impl<'t> Readable<'t> {
    /// Find the reasoning blocks of `text`.
    pub(super) fn new(text: &'t str) -> Self {
        let mut readable = Self { text, blocks: Vec::new(), unclosed: false };
        readable.find_blocks();
        readable
    }

    /// All of `text`, reasoning included.
    pub(super) fn whole(text: &'t str) -> Self {
        Self { text, blocks: Vec::new(), unclosed: false }
    }

    /// Whether the text is one reasoning block that never ends.
    pub(super) fn is_unclosed(&self) -> bool {
        self.unclosed
    }

    /// The parts as byte ranges; the last one ends where the text ends.
    pub(super) fn parts(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let starts = std::iter::once(0).chain(self.blocks.iter().map(|block| block.end));
        let ends = self.blocks.iter().map(|block| block.start);
        starts.zip(ends.chain(std::iter::once(self.text.len()))).map(|(start, end)| start..end)
    }

    /// The only part with anything in it, without the white space around it.
    pub(super) fn only_part(&self) -> Option<Range<usize>> {
        let mut filled =
            self.parts().map(|part| trimmed(self.text, part)).filter(|part| !part.is_empty());
        let part = filled.next()?;
        filled.next().is_none().then_some(part)
    }

    fn find_blocks(&mut self) {
        let bytes = self.text.as_bytes();
        let mut closes_left = [true; TAGS.len()];
        let mut from = 0;
        let mut leading = true;
        while let Some(found) = memchr::memchr(b'<', &bytes[from..]) {
            let at = from + found;
            leading = leading && self.text[from..at].chars().all(is_blank);
            from = at + 1;
            let Some(kind) = TAGS.iter().position(|(open, _)| bytes[at..].starts_with(open)) else {
                leading = false;
                continue;
            };
            if !leading && !begins_line(&self.text[..at]) {
                continue;
            }
            let (_, close) = TAGS[kind];
            let end = if closes_left[kind] { memmem::find(&bytes[at..], close) } else { None };
            if let Some(end) = end {
                from = at + end + close.len();
                self.blocks.push(at..from);
            } else if leading {
                self.unclosed = true;
                return;
            } else {
                closes_left[kind] = false;
            }
        }
    }
}

fn begins_line(before: &str) -> bool {
    let before = before.trim_end_matches(|sign| sign != '\n' && is_blank(sign));
    before.is_empty() || before.ends_with('\n')
}

/// White space, or the byte order mark that some files and models begin with.
fn is_blank(sign: char) -> bool {
    sign.is_whitespace() || sign == '\u{feff}'
}

/// `part` of `text` without the white space around it.
pub(super) fn trimmed(text: &str, part: Range<usize>) -> Range<usize> {
    let inside = &text[part.clone()];
    let end = part.start + inside.trim_end().len();
    let start = part.end - inside.trim_start().len();
    start.min(end)..end
}

/// Openings of a refusal, in lower case with a plain apostrophe.
const REFUSALS: [&str; 18] = [
    "i'm sorry",
    "i am sorry",
    "sorry,",
    "sorry but",
    "i apologize",
    "i apologise",
    "i cannot",
    "i can't",
    "i can not",
    "i could not",
    "i won't",
    "i will not",
    "i'm unable",
    "i am unable",
    "i'm not able",
    "i am not able",
    "i must decline",
    "as an ai",
];

/// Whether `text` opens as a refusal does. Only asked of texts without a verdict.
pub(super) fn is_refusal(text: &str) -> bool {
    const LONGEST: usize = 16;
    let opening: String = text
        .trim_start_matches(|sign: char| !sign.is_alphanumeric())
        .chars()
        .take(LONGEST)
        .map(|sign| if sign == '\u{2019}' { '\'' } else { sign.to_ascii_lowercase() })
        .collect();
    REFUSALS.iter().any(|words| opening.starts_with(words))
}
