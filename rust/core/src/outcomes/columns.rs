//! The columns that go into reconciliation and come out of it.

use crate::batches::{check_offsets, place};
use crate::error::{same_length, Error};

/// Status of a judgment that was not asked, since what was known before it decided.
const DECIDED: u8 = 34;

/// What was asked, one row a judgment. All of one length but the last two.
#[derive(Clone, Copy, Debug)]
pub struct Judgments<'a> {
    /// Index of the item.
    pub item: &'a [u32],
    /// Index of the answer shown first.
    pub first: &'a [u16],
    /// Index of the answer shown second.
    pub second: &'a [u16],
    /// Which repeat.
    pub repeat: &'a [u16],
    /// Which aspect.
    pub aspect: &'a [u16],
    /// Indices of the answers shown, all rows joined. Only the best of several needs them.
    pub shown: &'a [u16],
    /// Where the answers of each row start in `shown`; one more than there are rows.
    pub shown_offsets: &'a [i64],
}

impl<'a> Judgments<'a> {
    /// Indices of the answers that one row shows, by position.
    pub(crate) fn shown_in(&self, row: usize) -> &'a [u16] {
        &self.shown[place(self.shown_offsets[row])..place(self.shown_offsets[row + 1])]
    }
}

/// What was read, one row a judgment, in the order of the plan.
#[derive(Clone, Copy, Debug)]
pub struct Verdicts<'a> {
    /// 0 where a verdict was read; else why there is none.
    pub status: &'a [u8],
    /// Position of the chosen answer, [`super::CHOICE_TIE`] or [`super::CHOICE_NONE`].
    pub choice: &'a [u8],
    /// Score, or NaN; empty where no judgment has one.
    pub score: &'a [f64],
    /// Preference for the answer shown first: 1, .75, .5, .25, 0, or NaN; any number between
    /// where it was read from label probabilities. Empty where no judgment has one.
    pub strength: &'a [f64],
    /// Probability of each label, row after row; NaN where not read.
    pub p_labels: &'a [f32],
    /// Probability that the labels hold together; NaN where not read, empty where none was.
    pub label_mass: &'a [f32],
}

/// What the labels of `p_labels` mean. All of one length.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    /// Position that the label chooses, [`super::CHOICE_TIE`] or [`super::CHOICE_NONE`].
    pub choice: &'a [u8],
    /// Score that the label stands for, or NaN.
    pub score: &'a [f64],
    /// 1 for the ends of a scale of preference that has steps between: `A>>B`, not `A>B` or `A`.
    pub strong: &'a [u8],
    /// Whether the verdict format has such a scale.
    pub graded: bool,
}

impl Verdicts<'_> {
    /// Whether a row has a verdict.
    pub(crate) fn is_read(&self, row: usize) -> bool {
        self.status[row] == 0
    }

    /// Whether a row was not asked, since what was known before it decided.
    pub(crate) fn is_decided(&self, row: usize) -> bool {
        self.status[row] == DECIDED
    }

    /// Score of a row, or NaN.
    pub(crate) fn score(&self, row: usize) -> f64 {
        self.score.get(row).copied().unwrap_or(f64::NAN)
    }

    /// Strength of a row, or NaN.
    pub(crate) fn strength(&self, row: usize) -> f64 {
        self.strength.get(row).copied().unwrap_or(f64::NAN)
    }

    /// Label mass of a row, or NaN.
    pub(crate) fn label_mass(&self, row: usize) -> f32 {
        self.label_mass.get(row).copied().unwrap_or(f32::NAN)
    }

    /// The label probabilities of a row and their sum, where they were read.
    pub(crate) fn probabilities(
        &self,
        row: usize,
        num_labels: usize,
    ) -> Result<Option<(&[f32], f64)>, Error> {
        let p = &self.p_labels[row * num_labels..(row + 1) * num_labels];
        if p.iter().all(|p| p.is_nan()) {
            return Ok(None);
        }
        let sum = p.iter().map(|&p| f64::from(p)).sum::<f64>();
        // 1 up to f32 rounding: they were divided by their mass.
        if p.iter().all(|&p| p >= 0.0) && (sum - 1.0).abs() <= 1e-3 {
            return Ok(Some((p, sum)));
        }
        let allowed = "probabilities that sum to 1, or all NaN";
        Err(Error::OutOfRange { column: "p_labels", row, value: format!("{p:?}"), allowed })
    }
}

/// Refuse columns that do not fit together.
pub(crate) fn check(
    judgments: &Judgments<'_>,
    verdicts: &Verdicts<'_>,
    labels: &Labels<'_>,
) -> Result<(), Error> {
    let rows = ("item", judgments.item.len());
    for column in [
        ("first", judgments.first.len()),
        ("second", judgments.second.len()),
        ("repeat", judgments.repeat.len()),
        ("aspect", judgments.aspect.len()),
        ("shown_offsets", judgments.shown_offsets.len().saturating_sub(1)),
        ("status", verdicts.status.len()),
        ("choice", verdicts.choice.len()),
    ] {
        same_length(rows, column)?;
    }
    for column in [
        ("score", verdicts.score.len()),
        ("strength", verdicts.strength.len()),
        ("label_mass", verdicts.label_mass.len()),
    ] {
        if column.1 > 0 {
            same_length(rows, column)?;
        }
    }
    same_length(("labels", labels.choice.len()), ("label scores", labels.score.len()))?;
    same_length(("labels", labels.choice.len()), ("strong labels", labels.strong.len()))?;
    let cells = rows.1.checked_mul(labels.choice.len());
    let cells = cells.ok_or(Error::Overflow { column: "p_labels" })?;
    same_length(("rows x labels", cells), ("p_labels", verdicts.p_labels.len()))?;
    check_offsets("shown_offsets", judgments.shown_offsets, judgments.shown.len())?;
    u32::try_from(rows.1).map(|_| ()).map_err(|_| Error::Overflow { column: "first_judgment" })
}

/// One comparison, or one scored answer, a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcomes {
    /// Index of the item.
    pub item: Vec<u32>,
    /// Index of the answer that the value is of.
    pub candidate: Vec<u16>,
    /// Index of the answer it was compared with; [`crate::batches::keys::NO_ANSWER`] for none.
    pub baseline: Vec<u16>,
    /// Index of the aspect.
    pub aspect: Vec<u16>,
    /// Multiples of 2^-24; 0 where there is none.
    pub value: Vec<i64>,
    /// 1 to 6; 0 where there is no value.
    pub weight: Vec<u8>,
    /// [`super::Status`].
    pub status: Vec<u8>,
    /// [`super::Position`].
    pub position: Vec<u8>,
    /// Probability that the candidate wins, or NaN. Empty, as are the next three, where no
    /// judgment has a label mass.
    pub p_win: Vec<f32>,
    /// Probability of a tie, or NaN.
    pub p_tie: Vec<f32>,
    /// Probability that the candidate loses, or NaN.
    pub p_loss: Vec<f32>,
    /// Smallest label mass of the judgments read, or NaN.
    pub label_mass: Vec<f32>,
    /// Row of the first judgment.
    pub first_judgment: Vec<u32>,
    /// Judgments of the outcome.
    pub judgments: Vec<u32>,
    /// Whether there are probabilities.
    chances: bool,
}

/// One row of [`Outcomes`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) candidate: u16,
    pub(crate) baseline: u16,
    /// Value and weight, or why there is none.
    pub(crate) value: Result<(i64, u8), super::Status>,
    pub(crate) position: super::Position,
    /// Win, tie, loss.
    pub(crate) p: [f32; 3],
    pub(crate) label_mass: f32,
}

impl Outcomes {
    /// Room for `rows` rows made from these verdicts.
    pub(crate) fn with_room(rows: usize, verdicts: &Verdicts<'_>) -> Self {
        let chances = !verdicts.label_mass.is_empty();
        let of_chances = if chances { rows } else { 0 };
        Self {
            item: Vec::with_capacity(rows),
            candidate: Vec::with_capacity(rows),
            baseline: Vec::with_capacity(rows),
            aspect: Vec::with_capacity(rows),
            value: Vec::with_capacity(rows),
            weight: Vec::with_capacity(rows),
            status: Vec::with_capacity(rows),
            position: Vec::with_capacity(rows),
            p_win: Vec::with_capacity(of_chances),
            p_tie: Vec::with_capacity(of_chances),
            p_loss: Vec::with_capacity(of_chances),
            label_mass: Vec::with_capacity(of_chances),
            first_judgment: Vec::with_capacity(rows),
            judgments: Vec::with_capacity(rows),
            chances,
        }
    }

    /// Add an outcome of the judgments `rows`.
    pub(crate) fn push(
        &mut self,
        judgments: &Judgments<'_>,
        rows: &std::ops::Range<usize>,
        outcome: Outcome,
    ) {
        let (value, weight) = outcome.value.unwrap_or((0, 0));
        self.item.push(judgments.item[rows.start]);
        self.candidate.push(outcome.candidate);
        self.baseline.push(outcome.baseline);
        self.aspect.push(judgments.aspect[rows.start]);
        self.value.push(value);
        self.weight.push(weight);
        self.status.push(outcome.value.err().map_or(0, |status| status as u8));
        self.position.push(outcome.position as u8);
        if self.chances {
            self.p_win.push(outcome.p[0]);
            self.p_tie.push(outcome.p[1]);
            self.p_loss.push(outcome.p[2]);
            self.label_mass.push(outcome.label_mass);
        }
        let narrow = |row: usize| u32::try_from(row).expect("the number of rows is checked");
        self.first_judgment.push(narrow(rows.start));
        self.judgments.push(narrow(rows.len()));
    }
}
