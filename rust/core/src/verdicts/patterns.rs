//! The format `regex`: an ordered list of patterns, and a rule for which match counts.

use std::ops::Range;

use super::format::{Format, Pattern, Which};
use super::number;
use super::readable::{trimmed, Readable};
use super::tally::{Tally, Value};

/// Bytes that the matches of one pattern may leave behind them in one text, summed. Each search may
/// run from its match to the end and back, so that all matches of some patterns take time with the
/// square of the length. No text under 64 KB can get this far.
const MOST_SEARCHED: usize = 1 << 31;

/// A match: where it starts, and the span and value of its verdict, if it holds one.
struct Match {
    start: usize,
    verdict: Option<(Value, Range<usize>)>,
    is_open: bool,
}

/// Report the match that counts, or all of them for `unanimous`.
pub(super) fn read(
    format: &Format,
    (list, which): (&[Pattern], Which),
    (text, readable): (&str, &Readable<'_>),
    cut: bool,
    tally: &mut Tally,
) {
    let reader = Reader { format, text, readable, cut };
    match which {
        Which::Listed => {
            if let Some(found) = list.iter().find_map(|pattern| reader.first(pattern)) {
                note(found, tally);
            }
        }
        Which::First => {
            let found = list.iter().filter_map(|pattern| reader.first(pattern));
            if let Some(found) = found.min_by_key(|found| found.start) {
                note(found, tally);
            }
        }
        Which::Last => {
            // `max_by_key` keeps the last of equals; the list is turned so that this is its first
            let found = list.iter().rev().filter_map(|pattern| reader.last(pattern));
            if let Some(found) = found.max_by_key(|found| found.start) {
                note(found, tally);
            }
        }
        Which::Unanimous => {
            for pattern in list {
                reader.each(pattern, |found| note(found, tally));
            }
        }
    }
}

fn note(found: Match, tally: &mut Tally) {
    match found.verdict {
        _ if found.is_open => tally.saw_open(),
        Some((value, span)) => tally.saw(value, span),
        None => tally.saw_broken(),
    }
}

struct Reader<'a> {
    format: &'a Format,
    text: &'a str,
    readable: &'a Readable<'a>,
    cut: bool,
}

impl Reader<'_> {
    fn first(&self, pattern: &Pattern) -> Option<Match> {
        self.readable.parts().find_map(|part| {
            let inside = &self.text[part.clone()];
            match pattern.label {
                Some(label) => {
                    let found = pattern.regex.find(inside)?;
                    Some(self.labelled(label, shifted(found.range(), part.start)))
                }
                None => Some(self.captured(&pattern.regex.captures(inside)?, part.start)),
            }
        })
    }

    fn last(&self, pattern: &Pattern) -> Option<Match> {
        let mut last = None;
        self.each(pattern, |found| last = Some(found));
        last
    }

    /// Hand over every match; where there are too many to look for, one that says nothing is last.
    fn each(&self, pattern: &Pattern, mut take: impl FnMut(Match)) {
        let mut left = MOST_SEARCHED;
        for Range { start, end } in self.readable.parts() {
            let inside = &self.text[start..end];
            let found: &mut dyn Iterator<Item = Match> = match pattern.label {
                Some(label) => &mut pattern
                    .regex
                    .find_iter(inside)
                    .map(move |found| self.labelled(label, shifted(found.range(), start))),
                None => &mut pattern
                    .regex
                    .captures_iter(inside)
                    .map(|groups| self.captured(&groups, start)),
            };
            for one in found {
                let behind = end - one.start;
                take(one);
                let Some(rest) = left.checked_sub(behind) else {
                    take(Match { start: usize::MAX, verdict: None, is_open: false });
                    return;
                };
                left = rest;
            }
        }
    }

    fn labelled(&self, label: u8, span: Range<usize>) -> Match {
        let is_open = self.cut && number::may_go_on(self.text, &span);
        Match { start: span.start, verdict: Some((Value::Label(label), span)), is_open }
    }

    fn captured(&self, groups: &regex::Captures<'_>, base: usize) -> Match {
        let start = base + groups.get(0).map_or(0, |whole| whole.start());
        let Some(group) = groups.get(1) else {
            return Match { start, verdict: None, is_open: false };
        };
        let span = trimmed(self.text, shifted(group.range(), base));
        let is_open = self.cut && number::may_go_on(self.text, &span);
        let verdict = self.format.value(&self.text[span.clone()]).map(|value| (value, span));
        Match { start, verdict, is_open }
    }
}

fn shifted(range: Range<usize>, base: usize) -> Range<usize> {
    range.start + base..range.end + base
}
