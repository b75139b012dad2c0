//! A verdict format, checked and made ready to read with.

use regex::Regex;

use super::json::{Name, Place};
use super::tally::Value;
use super::{number, CHOICE_NONE, CHOICE_TIE};
use crate::Error;

/// A verdict format as the caller describes it.
#[derive(Clone, Debug, Default)]
pub struct FormatSpec {
    /// `json`, `label`, `bracket`, `arena5`, `rating`, `result`, `score-pair` or `regex`.
    pub name: String,
    /// The words that may be the verdict; empty where numbers are read.
    pub labels: Vec<LabelSpec>,
    /// Lowest score, included.
    pub low: Option<f64>,
    /// Highest score, included.
    pub high: Option<f64>,
    /// Whether only whole numbers are on the scale.
    pub integer: bool,
    /// JSON field of the verdict.
    pub field: Option<String>,
    /// Member of the JSON object that holds the field; none: the object itself does.
    pub member: Option<String>,
    /// Patterns of the format `regex`, in order.
    pub patterns: Vec<PatternSpec>,
    /// Which match counts: `listed`, `first`, `last` or `unanimous`.
    pub which: String,
    /// Whether broken forms are read too, and marked.
    pub lenient: bool,
    /// Whether the patterns repeat a published rule, which reads reasoning blocks as well.
    pub source_rule: bool,
}

/// A word that may be the verdict.
#[derive(Clone, Debug)]
pub struct LabelSpec {
    /// The word.
    pub text: String,
    /// Which answer it chooses, if any.
    pub choice: Choice,
    /// The score it stands for; NaN for none.
    pub score: f64,
    /// The preference for the answer shown first; NaN for none.
    pub strength: f64,
}

/// Which answer a label chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// None: the label stands for a score.
    Nothing,
    /// The answer shown at this place, from 0.
    Position(u8),
    /// Neither.
    Tie,
}

impl Choice {
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Nothing => CHOICE_NONE,
            Self::Position(place) => place,
            Self::Tie => CHOICE_TIE,
        }
    }
}

/// A pattern and the label it stands for; without one, group 1 holds the verdict.
#[derive(Clone, Debug)]
pub struct PatternSpec {
    /// The pattern, in the syntax of the crate `regex`.
    pub regex: String,
    /// Text of a label.
    pub verdict: Option<String>,
}

/// The formats, by name.
const NAMES: [&str; 8] =
    ["json", "label", "bracket", "arena5", "rating", "result", "score-pair", "regex"];

/// The family of a format: which reader it needs.
#[derive(Debug)]
pub(super) enum Family {
    Json(Place),
    Label,
    Bracket,
    Arena5,
    Rating,
    Result,
    Pair,
    Patterns { list: Vec<Pattern>, which: Which, source_rule: bool },
}

#[derive(Debug)]
pub(super) struct Pattern {
    pub regex: Regex,
    pub label: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Listed,
    First,
    Last,
    Unanimous,
}

/// The scores that exist.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub low: f64,
    pub high: f64,
    pub integer: bool,
}

impl Scale {
    pub(super) fn holds(&self, score: f64) -> bool {
        score >= self.low && score <= self.high && !(self.integer && score.fract() != 0.0)
    }
}

/// What a verdict may be: labels, or numbers of a scale.
#[derive(Debug)]
pub(super) struct Format {
    pub family: Family,
    pub labels: Vec<LabelSpec>,
    pub scale: Scale,
    pub lenient: bool,
}

impl Format {
    pub(super) fn new(spec: FormatSpec) -> Result<Self, Error> {
        let reads_numbers = spec.labels.is_empty();
        let family = match spec.name.as_str() {
            "json" => {
                let field = spec.field.filter(|field| !field.is_empty()).ok_or_else(|| {
                    bad("`verdict.field` is missing; the format `json` needs it".to_owned())
                })?;
                Family::Json(Place { member: spec.member.map(Name::new), field: Name::new(field) })
            }
            "label" => Family::Label,
            "bracket" => Family::Bracket,
            "arena5" => Family::Arena5,
            "rating" => Family::Rating,
            "result" => Family::Result,
            "score-pair" => Family::Pair,
            "regex" => Family::Patterns {
                list: patterns(&spec.patterns, &spec.labels)?,
                which: which(&spec.which)?,
                source_rule: spec.source_rule,
            },
            _ => return Err(unknown("verdict format", spec.name, &NAMES)),
        };
        let wants_labels = matches!(family, Family::Label | Family::Bracket | Family::Arena5);
        if wants_labels && reads_numbers {
            return Err(bad(format!("the format `{}` needs `verdict.labels`", spec.name)));
        }
        if matches!(family, Family::Arena5) && spec.labels.len() != 5 {
            return Err(bad("the format `arena5` has five labels".to_owned()));
        }
        if spec.labels.len() > usize::from(u8::MAX) {
            return Err(bad(format!("{} labels; allowed: 255", spec.labels.len())));
        }
        let scale = match (spec.low, spec.high) {
            (Some(low), Some(high)) if low < high => Scale { low, high, integer: spec.integer },
            _ if reads_numbers => {
                return Err(bad(format!(
                    "the format `{}` without labels needs `verdict.low` < `verdict.high`",
                    spec.name
                )))
            }
            _ => Scale { low: f64::NAN, high: f64::NAN, integer: false },
        };
        Ok(Self { family, labels: spec.labels, scale, lenient: spec.lenient })
    }

    pub(super) fn reads_numbers(&self) -> bool {
        self.labels.is_empty()
    }

    /// The label that `text` is, exactly.
    pub(super) fn label(&self, text: &str) -> Option<Value> {
        let place = self.labels.iter().position(|label| label.text == text)?;
        u8::try_from(place).ok().map(Value::Label)
    }

    /// The label that `text` is, but for case.
    pub(super) fn label_in_any_case(&self, text: &str) -> Option<Value> {
        self.label(text).or_else(|| {
            let mut same =
                (0..).zip(&self.labels).filter(|(_, label)| label.text.eq_ignore_ascii_case(text));
            match (same.next(), same.next()) {
                (Some((place, _)), None) => Some(Value::Label(place)),
                _ => None,
            }
        })
    }

    /// The label, or the number of any size, that `text` is, exactly.
    pub(super) fn value(&self, text: &str) -> Option<Value> {
        if self.reads_numbers() {
            number::whole(text).map(Value::Score)
        } else {
            self.label(text)
        }
    }
}

fn patterns(specs: &[PatternSpec], labels: &[LabelSpec]) -> Result<Vec<Pattern>, Error> {
    if specs.is_empty() {
        return Err(bad("the format `regex` needs `verdict.patterns`".to_owned()));
    }
    (0..).zip(specs).map(|(index, spec): (usize, _)| pattern(index, spec, labels)).collect()
}

fn pattern(index: usize, spec: &PatternSpec, labels: &[LabelSpec]) -> Result<Pattern, Error> {
    let regex = Regex::new(&spec.regex).map_err(|error| {
        bad(format!("`verdict.patterns[{index}].regex` cannot be used: {error}"))
    })?;
    let label = match &spec.verdict {
        None if regex.captures_len() < 2 => {
            return Err(bad(format!(
                "`verdict.patterns[{index}]` has neither a `verdict` nor a group to read it from"
            )))
        }
        None => None,
        Some(text) => {
            let place = labels.iter().position(|label| label.text == *text);
            Some(place.and_then(|place| u8::try_from(place).ok()).ok_or_else(|| {
                bad(format!("`verdict.patterns[{index}].verdict` is `{text}`, which is no label"))
            })?)
        }
    };
    Ok(Pattern { regex, label })
}

fn which(name: &str) -> Result<Which, Error> {
    match name {
        "listed" => Ok(Which::Listed),
        "first" => Ok(Which::First),
        "last" => Ok(Which::Last),
        "unanimous" => Ok(Which::Unanimous),
        _ => Err(unknown(
            "rule of `verdict.which`",
            name.to_owned(),
            &["listed", "first", "last", "unanimous"],
        )),
    }
}

fn bad(reason: String) -> Error {
    Error::BadFormat { reason }
}

fn unknown(kind: &'static str, name: String, known: &[&str]) -> Error {
    Error::UnknownName { kind, name, known: known.join(", ") }
}
