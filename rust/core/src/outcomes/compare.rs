//! Two answers compared: both orders, all repeats, to one outcome.

use std::ops::Range;

use super::columns::{Judgments, Outcome, Outcomes, Verdicts};
use super::groups::{misplaced, repeats, runs};
use super::rules::{OneFailed, Position, Rule, Status};
use super::{fixed, Labels, Settings};
use crate::batches::keys::NO_ANSWER;
use crate::error::Error;
use crate::verdicts::CHOICE_TIE;

/// What one judgment says of the candidate.
#[derive(Clone, Copy, Debug)]
struct Vote {
    /// 1 for a win, 0 for a tie, -1 for a loss.
    sign: i8,
    /// Expected value less that of a tie, from -.5 to .5: by label probabilities where they were
    /// read, else by strength, else by sign.
    lead: f64,
    /// Weight as a game.
    games: u8,
    /// Position chosen; none for a tie.
    position: Option<u16>,
}

/// Lead over a tie and weight of one repeat, or why it has none.
type Value = Result<(f64, u8), Status>;

pub(crate) fn reconcile(
    judgments: &Judgments<'_>,
    verdicts: &Verdicts<'_>,
    settings: &Settings<'_>,
) -> Result<Outcomes, Error> {
    check_labels(&settings.labels)?;
    let rows = judgments.item.len();
    let mut outcomes = Outcomes::with_room(rows / 2, verdicts);
    let pair = |row: usize| {
        let (first, second) = (judgments.first[row], judgments.second[row]);
        (first.min(second), first.max(second))
    };
    let same = |left: usize, right: usize| {
        judgments.item[left] == judgments.item[right]
            && judgments.aspect[left] == judgments.aspect[right]
            && pair(left) == pair(right)
    };
    for group in runs(0..rows, same) {
        let (low, high) = pair(group.start);
        if low == high || high == NO_ANSWER {
            return Err(misplaced(judgments, group.start, "two different answers of an item"));
        }
        let named = match settings.baseline {
            None => NO_ANSWER,
            Some(baseline) => named_baseline(judgments, baseline, group.start)?,
        };
        let (candidate, baseline) = if named == high { (low, high) } else { (high, low) };
        let comparison = Comparison { judgments, verdicts, settings, candidate };
        let outcome = comparison.outcome(&group, baseline)?;
        outcomes.push(judgments, &group, outcome);
    }
    Ok(outcomes)
}

/// The baseline that was named for the item of a row.
fn named_baseline(judgments: &Judgments<'_>, baseline: &[u16], row: usize) -> Result<u16, Error> {
    let item = judgments.item[row];
    let named = usize::try_from(item).ok().and_then(|item| baseline.get(item));
    named.copied().ok_or_else(|| Error::OutOfRange {
        column: "item",
        row,
        value: item.to_string(),
        allowed: "items that `baseline` has a row for",
    })
}

/// Refuse labels that choose no shown answer.
fn check_labels(labels: &Labels<'_>) -> Result<(), Error> {
    let wrong = labels.choice.iter().position(|&choice| choice > 1 && choice != CHOICE_TIE);
    wrong.map_or(Ok(()), |label| {
        let reason = format!(
            "label {label} of the verdict format chooses neither the first answer, nor the second, \
             nor a tie"
        );
        Err(Error::BadFormat { reason })
    })
}

/// One comparison, seen from its candidate.
struct Comparison<'a> {
    judgments: &'a Judgments<'a>,
    verdicts: &'a Verdicts<'a>,
    settings: &'a Settings<'a>,
    candidate: u16,
}

impl Comparison<'_> {
    fn outcome(&self, rows: &Range<usize>, baseline: u16) -> Result<Outcome, Error> {
        let (mut lead, mut weight, mut valued) = (0.0, 0.0, 0.0);
        let mut status = Status::Missing;
        let mut position = None;
        for repeat in repeats(self.judgments, rows.clone()) {
            let (value, here) = self.repeat(repeat?)?;
            position = Some(position.map_or(here, |before: Position| before.with(here)));
            match value {
                Ok((one, times)) => {
                    lead += f64::from(times) * one;
                    weight += f64::from(times);
                    valued += 1.0;
                }
                Err(why) => status = status.max(why),
            }
        }
        let value = if valued > 0.0 {
            // Rounding the lead, not the value, keeps the mirror image exact; a tie is even.
            let tie = fixed(0.5, rows.start)?;
            #[allow(clippy::cast_possible_truncation, reason = "a mean of weights from 1 to 6")]
            #[allow(clippy::cast_sign_loss, reason = "a mean of weights from 1 to 6")]
            let weight_each = (weight / valued).round_ties_even() as u8;
            Ok((tie + fixed(lead / weight, rows.start)?, weight_each))
        } else {
            Err(status)
        };
        let (p, label_mass) = self.probabilities(rows)?;
        Ok(Outcome {
            candidate: self.candidate,
            baseline,
            value,
            position: position.unwrap_or(Position::BothMissing),
            p,
            label_mass,
        })
    }

    /// What one repeat comes to.
    fn repeat(&self, orders: (usize, Option<usize>)) -> Result<(Value, Position), Error> {
        let (row, other) = orders;
        let rule = self.settings.rule;
        let one_order = |row: usize| {
            let value = self.vote(row)?.map(|vote| alone(rule, vote)).ok_or(Status::Missing);
            Ok((value, Position::OneOrder))
        };
        let Some(other) = other else {
            return one_order(row);
        };
        if self.judgments.first[row] != self.judgments.second[other] {
            let allowed = "the two orders of a comparison in one repeat, each once";
            return Err(misplaced(self.judgments, other, allowed));
        }
        // The other order has decided: this one was not needed.
        match (self.verdicts.is_decided(row), self.verdicts.is_decided(other)) {
            (false, true) => return one_order(row),
            (true, false) => return one_order(other),
            _ => {}
        }
        Ok(match (self.vote(row)?, self.vote(other)?) {
            (Some(one), Some(two)) => {
                // Opposite orders: another position is the same answer.
                let same_answer = one.position != two.position;
                let position = Position::of(one.position, two.position, same_answer);
                (both(rule, one, two), position)
            }
            (Some(vote), None) | (None, Some(vote)) => {
                (one_read(rule, self.settings.one_failed, vote), Position::OneMissing)
            }
            (None, None) => (Err(Status::Missing), Position::BothMissing),
        })
    }

    /// What the judgment of a row says, if it was read.
    fn vote(&self, row: usize) -> Result<Option<Vote>, Error> {
        if !self.verdicts.is_read(row) {
            return Ok(None);
        }
        // Turns what is said of positions to what is said of answers.
        let side: i8 = if self.judgments.first[row] == self.candidate { 1 } else { -1 };
        let (first, position) = match self.verdicts.choice[row] {
            0 => (1, Some(0)),
            1 => (-1, Some(1)),
            CHOICE_TIE => (0, None),
            other => {
                let allowed = "0, 1 or 254 where two answers were compared and status is parsed";
                let value = other.to_string();
                return Err(Error::OutOfRange { column: "choice", row, value, allowed });
            }
        };
        let (lead, strong) = if let Some(([win, _, loss, sum], strong)) = self.p(row)? {
            ((win - loss) / sum / 2.0, strong)
        } else {
            let (leaning, strong) = self.leaning(row, first)?;
            (f64::from(side) * leaning, strong)
        };
        let games = if strong { 3 } else { 1 };
        Ok(Some(Vote { sign: side * first, lead, games, position }))
    }

    /// Strength of a verdict for the answer shown first, less that of a tie, and whether it is one
    /// of the scale's ends; `first` is the sign of the choice.
    fn leaning(&self, row: usize, first: i8) -> Result<(f64, bool), Error> {
        let strength = self.verdicts.strength(row);
        if strength.is_nan() {
            return Ok((f64::from(first) / 2.0, false));
        }
        let leaning = strength - 0.5;
        let side = f64::from(first).partial_cmp(&0.0);
        if leaning.abs() <= 0.5 && leaning.partial_cmp(&0.0) == side {
            let at_end = matches!(strength, 0.0 | 1.0);
            return Ok((leaning, at_end && self.settings.labels.graded));
        }
        let allowed = "strengths from 0 to 1, on the side of the choice";
        Err(Error::OutOfRange { column: "strength", row, value: strength.to_string(), allowed })
    }

    /// Win, tie and loss of the candidate, and the sum of all labels, where probabilities exist;
    /// and whether the most likely label is a strong one.
    fn p(&self, row: usize) -> Result<Option<([f64; 4], bool)>, Error> {
        let labels = self.settings.labels.choice;
        let Some((p, sum)) = self.verdicts.probabilities(row, labels.len())? else {
            return Ok(None);
        };
        let (mut first, mut second, mut tie) = (0.0, 0.0, 0.0);
        let (mut most, mut strong) = (0.0, false);
        for ((&p, &choice), &at_end) in p.iter().zip(labels).zip(self.settings.labels.strong) {
            if p > most {
                (most, strong) = (p, at_end == 1);
            }
            match choice {
                0 => first += f64::from(p),
                1 => second += f64::from(p),
                _ => tie += f64::from(p),
            }
        }
        if self.judgments.first[row] == self.candidate {
            return Ok(Some(([first, tie, second, sum], strong)));
        }
        Ok(Some(([second, tie, first, sum], strong)))
    }

    /// Mean probabilities and smallest label mass over what was read.
    fn probabilities(&self, rows: &Range<usize>) -> Result<([f32; 3], f32), Error> {
        let (mut sums, mut count, mut mass) = ([0.0; 3], 0.0, f32::NAN);
        for row in rows.clone().filter(|&row| self.verdicts.is_read(row)) {
            mass = mass.min(self.verdicts.label_mass(row));
            if let Some(([win, tie, loss, _], _)) = self.p(row)? {
                for (sum, p) in sums.iter_mut().zip([win, tie, loss]) {
                    *sum += p;
                }
                count += 1.0;
            }
        }
        #[allow(clippy::cast_possible_truncation, reason = "probabilities are kept as f32")]
        Ok((sums.map(|sum| (sum / count) as f32), mass))
    }
}

/// The value of one vote taken alone.
fn alone(rule: Rule, vote: Vote) -> (f64, u8) {
    match rule {
        Rule::Average => (vote.lead, 1),
        Rule::Games => (f64::from(vote.sign) / 2.0, vote.games),
        Rule::Strict | Rule::Judgebench | Rule::Drop => (f64::from(vote.sign) / 2.0, 1),
    }
}

/// The value of two votes, one for each order.
fn both(rule: Rule, one: Vote, two: Vote) -> Value {
    let agreed = one.sign == two.sign;
    let win_or_loss = |sign: i8| f64::from(sign) / 2.0;
    match rule {
        Rule::Strict => Ok((if agreed { win_or_loss(one.sign) } else { 0.0 }, 1)),
        Rule::Average => Ok((f64::midpoint(one.lead, two.lead), 1)),
        Rule::Judgebench => Ok((win_or_loss((one.sign + two.sign).signum()), 1)),
        Rule::Games => {
            let (one_weighs, two_weighs) = (f64::from(one.games), f64::from(two.games));
            let sum = one_weighs * f64::from(one.sign) + two_weighs * f64::from(two.sign);
            Ok((sum / (one_weighs + two_weighs) / 2.0, one.games + two.games))
        }
        Rule::Drop if agreed => Ok((win_or_loss(one.sign), 1)),
        Rule::Drop => Err(Status::Inconsistent),
    }
}

/// The value of a repeat of which one order was read.
fn one_read(rule: Rule, one_failed: OneFailed, vote: Vote) -> Value {
    match (rule, one_failed) {
        // The source's own rule: the missing vote adds nothing to the sum.
        (Rule::Judgebench, _) | (_, OneFailed::Single) => Ok(alone(rule, vote)),
        (_, OneFailed::Pair) => Err(Status::OneOrderMissing),
        (_, OneFailed::Tie) => Ok((0.0, 1)),
    }
}
