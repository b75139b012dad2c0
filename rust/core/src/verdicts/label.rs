//! The format `label`: the whole text is one of a few words.

use super::format::Format;
use super::readable::Readable;
use super::tally::Tally;

/// Report the label that `text` is, if it is one. A text that was cut is none: the word might have
/// gone on, or a sentence.
pub(super) fn read(
    format: &Format,
    text: &str,
    readable: &Readable<'_>,
    cut: bool,
    tally: &mut Tally,
) {
    if cut {
        return;
    }
    if let Some(part) = readable.only_part() {
        if let Some(label) = format.label(&text[part.clone()]) {
            tally.saw(label, part);
        }
    }
}
