//! Texts in, verdicts out.

use super::columns::Columns;
use super::format::{Family, Format, FormatSpec};
use super::readable::{is_refusal, Readable};
use super::tally::{Sighting, Tally, Value};
use super::{json, label, lenient, marker, pair, patterns, result};
use super::{Status, CHOICE_NONE, CHOICE_TIE};
use crate::error::same_length;
use crate::Error;

/// What was read from one text.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// Why there is, or is not, a verdict.
    pub status: Status,
    /// Position of the chosen answer, [`CHOICE_TIE`] or [`CHOICE_NONE`].
    pub choice: u8,
    /// The score; NaN where there is none.
    pub score: f64,
    /// Preference for the answer shown first; NaN where there is none.
    pub strength: f64,
    /// Bytes it was read from, end exclusive.
    pub span: (u32, u32),
    /// Whether only the lenient mode could read it.
    pub repaired: bool,
}

impl Verdict {
    const fn none(status: Status) -> Self {
        Self {
            status,
            choice: CHOICE_NONE,
            score: f64::NAN,
            strength: f64::NAN,
            span: (0, 0),
            repaired: false,
        }
    }
}

/// Reads the verdicts of one format. Holds no state between texts.
#[derive(Debug)]
pub struct Parser {
    format: Format,
}

impl Parser {
    /// Make a parser.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`] or [`Error::BadFormat`] where the description fits no format.
    pub fn new(spec: FormatSpec) -> Result<Self, Error> {
        Ok(Self { format: Format::new(spec)? })
    }

    /// Read each text; `cut` is 1 where it ends because its tokens were used up.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] where there is not one `cut` a text, [`Error::UnknownCode`] where
    /// it is neither 0 nor 1.
    pub fn parse<T: AsRef<str>>(&self, texts: &[T], cut: &[u8]) -> Result<Columns, Error> {
        same_length(("texts", texts.len()), ("cut", cut.len()))?;
        if let Some(row) = cut.iter().position(|flag| *flag > 1) {
            return Err(Error::UnknownCode { column: "cut", row, code: cut[row], max: 1 });
        }
        let mut columns = Columns::with_capacity(texts.len());
        for (text, cut) in texts.iter().zip(cut) {
            columns.push(&self.parse_one(text.as_ref(), *cut == 1));
        }
        Ok(columns)
    }

    /// Read one text.
    #[must_use]
    pub fn parse_one(&self, text: &str, cut: bool) -> Verdict {
        if text.trim_start().is_empty() {
            return Verdict::none(if cut { Status::Truncated } else { Status::Empty });
        }
        let readable = if matches!(self.format.family, Family::Patterns { source_rule: true, .. }) {
            Readable::whole(text)
        } else {
            Readable::new(text)
        };
        if readable.is_unclosed() {
            return Verdict::none(if cut { Status::Truncated } else { Status::NoVerdict });
        }
        match self.read(text, &readable, cut).settle(&self.format.scale) {
            Ok(sighting) => self.verdict(sighting, false),
            Err(status) => self.second_try(text, &readable, cut, status),
        }
    }

    fn read(&self, text: &str, readable: &Readable<'_>, cut: bool) -> Tally {
        let format = &self.format;
        let mut tally = Tally::default();
        match &format.family {
            Family::Json(place) => json::read(format, place, (text, readable), cut, &mut tally),
            Family::Label => label::read(format, text, readable, cut, &mut tally),
            Family::Bracket | Family::Arena5 | Family::Rating => {
                marker::read(format, text, readable, cut, &mut tally);
            }
            Family::Result => result::read(format, text, readable, cut, &mut tally),
            Family::Pair => pair::read(text, readable, cut, &mut tally),
            Family::Patterns { list, which, .. } => {
                patterns::read(format, (list, *which), (text, readable), cut, &mut tally);
            }
        }
        tally
    }

    fn second_try(
        &self,
        text: &str,
        readable: &Readable<'_>,
        cut: bool,
        status: Status,
    ) -> Verdict {
        let is_bare = status == Status::NoVerdict;
        if self.format.lenient && !cut && (is_bare || status == Status::Malformed) {
            let mut tally = Tally::default();
            lenient::read(&self.format, text, readable, &mut tally);
            if let Ok(sighting) = tally.settle(&self.format.scale) {
                return self.verdict(sighting, true);
            }
        }
        Verdict::none(match status {
            Status::NoVerdict if cut => Status::Truncated,
            Status::NoVerdict => {
                let refused = readable.parts().any(|part| is_refusal(&text[part]));
                if refused {
                    Status::Refused
                } else {
                    Status::NoVerdict
                }
            }
            other => other,
        })
    }

    fn verdict(&self, (value, span): Sighting, repaired: bool) -> Verdict {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let mut verdict = Verdict {
            span: (place(span.start), place(span.end)),
            repaired,
            ..Verdict::none(Status::Parsed)
        };
        match value {
            Value::Label(index) => {
                let label = &self.format.labels[usize::from(index)];
                verdict.choice = label.choice.code();
                verdict.score = label.score;
                verdict.strength = label.strength;
            }
            Value::Score(score) => verdict.score = score,
            Value::Pair(first, second) => {
                verdict.score = first;
                (verdict.choice, verdict.strength) = if first > second {
                    (0, 1.0)
                } else if first < second {
                    (1, 0.0)
                } else {
                    (CHOICE_TIE, 0.5)
                };
            }
        }
        verdict
    }
}
