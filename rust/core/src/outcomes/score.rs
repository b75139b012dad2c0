//! Answers judged alone: all repeats to one outcome, on the rubric's scale.

use std::ops::Range;

use super::columns::{Judgments, Outcome, Outcomes, Verdicts};
use super::groups::{misplaced, repeats, runs};
use super::rules::{Position, Rule, Status};
use super::{fixed, Settings};
use crate::batches::keys::NO_ANSWER;
use crate::error::Error;

pub(crate) fn reconcile(
    judgments: &Judgments<'_>,
    verdicts: &Verdicts<'_>,
    settings: &Settings<'_>,
) -> Result<Outcomes, Error> {
    let rows = judgments.item.len();
    let mut outcomes = Outcomes::with_room(rows, verdicts);
    let same = |left: usize, right: usize| {
        judgments.item[left] == judgments.item[right]
            && judgments.aspect[left] == judgments.aspect[right]
            && judgments.first[left] == judgments.first[right]
    };
    for group in runs(0..rows, same) {
        let outcome = outcome_of(judgments, verdicts, settings, &group)?;
        outcomes.push(judgments, &group, outcome);
    }
    Ok(outcomes)
}

fn outcome_of(
    judgments: &Judgments<'_>,
    verdicts: &Verdicts<'_>,
    settings: &Settings<'_>,
    rows: &Range<usize>,
) -> Result<Outcome, Error> {
    let (mut sum, mut count, mut label_mass) = (0.0, 0.0, f32::NAN);
    for repeat in repeats(judgments, rows.clone()) {
        let (row, other) = repeat?;
        if other.is_some() || judgments.second[row] != NO_ANSWER {
            let allowed = "one answer shown alone, once a repeat";
            return Err(misplaced(judgments, other.unwrap_or(row), allowed));
        }
        if verdicts.is_read(row) {
            sum += score(verdicts, settings, row)?;
            count += 1.0;
            label_mass = label_mass.min(verdicts.label_mass(row));
        }
    }
    let value =
        if count > 0.0 { Ok((fixed(sum / count, rows.start)?, 1)) } else { Err(Status::Missing) };
    Ok(Outcome {
        candidate: judgments.first[rows.start],
        baseline: NO_ANSWER,
        value,
        position: Position::NotCompared,
        p: [f32::NAN; 3],
        label_mass,
    })
}

/// Score of a judgment that was read: under `average` the expected one where probabilities exist.
fn score(verdicts: &Verdicts<'_>, settings: &Settings<'_>, row: usize) -> Result<f64, Error> {
    let labels = settings.labels.score;
    if settings.rule == Rule::Average {
        if let Some((p, sum)) = verdicts.probabilities(row, labels.len())? {
            let expected = p.iter().zip(labels).map(|(&p, score)| f64::from(p) * score);
            return checked(expected.sum::<f64>() / sum, row);
        }
    }
    checked(verdicts.score(row), row)
}

fn checked(score: f64, row: usize) -> Result<f64, Error> {
    if score.is_finite() {
        return Ok(score);
    }
    let allowed = "numbers where status is parsed";
    Err(Error::OutOfRange { column: "score", row, value: score.to_string(), allowed })
}
