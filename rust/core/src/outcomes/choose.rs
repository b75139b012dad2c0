//! The best of several answers: both orders, all repeats, to one outcome an answer.
//!
//! Each repeat shares 1 among the answers; an outcome's value is its answer's mean share.

use std::ops::Range;

use super::columns::{Judgments, Outcome, Outcomes, Verdicts};
use super::groups::{misplaced, repeats, runs};
use super::rules::{OneFailed, Position, Rule, Status};
use super::{fixed, Settings};
use crate::batches::keys::NO_ANSWER;
use crate::error::Error;
use crate::verdicts::CHOICE_TIE;

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
    };
    let mut choosing = Choosing::new(judgments, verdicts, settings);
    for group in runs(0..rows, same) {
        choosing.outcomes_of(&group, &mut outcomes)?;
    }
    Ok(outcomes)
}

/// The run, and the space that every item is worked out in.
struct Choosing<'a> {
    judgments: &'a Judgments<'a>,
    verdicts: &'a Verdicts<'a>,
    settings: &'a Settings<'a>,
    /// Share of each answer in a tie.
    alike: f64,
    /// Share of each answer, summed over repeats.
    shares: Vec<f64>,
    /// Probability of each answer, summed over judgments.
    p: Vec<f64>,
    /// Which answers a row shows.
    seen: Vec<bool>,
}

impl<'a> Choosing<'a> {
    fn new(
        judgments: &'a Judgments<'a>,
        verdicts: &'a Verdicts<'a>,
        settings: &'a Settings<'a>,
    ) -> Self {
        let (shares, p, seen) = (Vec::new(), Vec::new(), Vec::new());
        Self { judgments, verdicts, settings, alike: 0.0, shares, p, seen }
    }

    fn outcomes_of(&mut self, rows: &Range<usize>, outcomes: &mut Outcomes) -> Result<(), Error> {
        let judgments = self.judgments;
        let shown = judgments.shown_in(rows.start).len();
        let answers = u16::try_from(shown).map_err(|_| not_shown_once(judgments, rows.start))?;
        self.alike = 1.0 / f64::from(answers);
        self.shares.clear();
        self.shares.resize(shown, 0.0);
        let (mut valued, mut status, mut position) = (0.0, Status::Missing, None);
        for repeat in repeats(judgments, rows.clone()) {
            let (value, here) = self.repeat(repeat?)?;
            position = Some(position.map_or(here, |before: Position| before.with(here)));
            match value {
                Ok(()) => valued += 1.0,
                Err(why) => status = status.max(why),
            }
        }
        let position = position.unwrap_or(Position::BothMissing);
        let (tie, total, count, label_mass) = self.probabilities(rows)?;
        for ((candidate, share), win) in (0..answers).zip(&self.shares).zip(&self.p) {
            let value = if valued > 0.0 {
                Ok((fixed(share / valued, rows.start)?, 1))
            } else {
                Err(status)
            };
            #[allow(clippy::cast_possible_truncation, reason = "probabilities are kept as f32")]
            let p = [*win, tie, (total - win - tie).max(0.0)].map(|sum| (sum / count) as f32);
            let outcome =
                Outcome { candidate, baseline: NO_ANSWER, value, position, p, label_mass };
            outcomes.push(judgments, rows, outcome);
        }
        Ok(())
    }

    /// Add the shares of one repeat, or say why there are none.
    fn repeat(
        &mut self,
        (row, other): (usize, Option<usize>),
    ) -> Result<(Result<(), Status>, Position), Error> {
        self.check_shown(row)?;
        let Some(other) = other else {
            let value = if self.verdicts.is_read(row) {
                Ok(self.share(row, 1.0)?)
            } else {
                Err(Status::Missing)
            };
            return Ok((value, Position::OneOrder));
        };
        self.check_shown(other)?;
        if self.judgments.shown_in(row) == self.judgments.shown_in(other) {
            let allowed = "the two orders of the answers in one repeat, each once";
            return Err(misplaced(self.judgments, other, allowed));
        }
        let read = |row| self.verdicts.is_read(row);
        let one = match (read(row), read(other)) {
            (true, true) => return self.both(row, other),
            (false, false) => return Ok((Err(Status::Missing), Position::BothMissing)),
            (true, false) => row,
            (false, true) => other,
        };
        let value = match self.settings.one_failed {
            OneFailed::Pair => Err(Status::OneOrderMissing),
            OneFailed::Single => Ok(self.share(one, 1.0)?),
            OneFailed::Tie => {
                self.share_alike(1.0);
                Ok(())
            }
        };
        Ok((value, Position::OneMissing))
    }

    /// Add the shares of a repeat of which both orders were read.
    fn both(&mut self, row: usize, other: usize) -> Result<(Result<(), Status>, Position), Error> {
        let (one, two) = (self.chosen(row)?, self.chosen(other)?);
        let answer = |row: usize, chosen: u16| self.judgments.shown_in(row)[usize::from(chosen)];
        let answers = one.zip(two).map(|(a, b)| (answer(row, a), answer(other, b)));
        let same = answers.is_some_and(|(a, b)| a == b);
        let position = Position::of(one, two, same);
        let value = match self.settings.rule {
            Rule::Drop if position != Position::Agree => Err(Status::Inconsistent),
            Rule::Average => {
                self.share(row, 0.5)?;
                Ok(self.share(other, 0.5)?)
            }
            Rule::Strict | Rule::Drop | Rule::Judgebench | Rule::Games => {
                match answers {
                    Some((a, b)) => {
                        self.shares[usize::from(a)] += 0.5;
                        self.shares[usize::from(b)] += 0.5;
                    }
                    None => self.share_alike(1.0),
                }
                Ok(())
            }
        };
        Ok((value, position))
    }

    /// Position that a row chooses; none for a tie.
    fn chosen(&self, row: usize) -> Result<Option<u16>, Error> {
        let choice = self.verdicts.choice[row];
        if choice == CHOICE_TIE {
            return Ok(None);
        }
        if usize::from(choice) < self.judgments.shown_in(row).len() {
            return Ok(Some(u16::from(choice)));
        }
        let allowed = "positions that were shown, or 254, where status is parsed";
        Err(Error::OutOfRange { column: "choice", row, value: choice.to_string(), allowed })
    }

    /// Add `weight` times what one judgment says: under `average` by its probabilities.
    fn share(&mut self, row: usize, weight: f64) -> Result<(), Error> {
        let shown = self.judgments.shown_in(row);
        let labels = self.settings.labels.choice;
        if self.settings.rule == Rule::Average {
            if let Some((p, sum)) = self.verdicts.probabilities(row, labels.len())? {
                for (&p, &choice) in p.iter().zip(labels) {
                    let p = f64::from(p) / sum;
                    if choice == CHOICE_TIE {
                        self.share_alike(weight * p);
                    } else {
                        let answer = label_answer(shown, choice, p, row)?;
                        if let Some(answer) = answer {
                            self.shares[answer] += weight * p;
                        }
                    }
                }
                return Ok(());
            }
        }
        match self.chosen(row)? {
            Some(position) => self.shares[usize::from(shown[usize::from(position)])] += weight,
            None => self.share_alike(weight),
        }
        Ok(())
    }

    /// Add `weight` times a tie of all answers.
    fn share_alike(&mut self, weight: f64) {
        let alike = weight * self.alike;
        self.shares.iter_mut().for_each(|share| *share += alike);
    }

    /// Fill `p`; give the sums of the tie and of all labels, how many judgments they are of, and
    /// the smallest label mass.
    fn probabilities(&mut self, rows: &Range<usize>) -> Result<(f64, f64, f64, f32), Error> {
        self.p.clear();
        self.p.resize(self.shares.len(), 0.0);
        let labels = self.settings.labels.choice;
        let (mut tie, mut total, mut count, mut mass) = (0.0, 0.0, 0.0, f32::NAN);
        for row in rows.clone().filter(|&row| self.verdicts.is_read(row)) {
            mass = mass.min(self.verdicts.label_mass(row));
            let Some((p, sum)) = self.verdicts.probabilities(row, labels.len())? else {
                continue;
            };
            for (&p, &choice) in p.iter().zip(labels) {
                let p = f64::from(p);
                if choice == CHOICE_TIE {
                    tie += p;
                } else if let Some(answer) =
                    label_answer(self.judgments.shown_in(row), choice, p, row)?
                {
                    self.p[answer] += p;
                }
            }
            total += sum;
            count += 1.0;
        }
        Ok((tie, total, count, mass))
    }

    /// Refuse a row that does not show every answer of the item once.
    fn check_shown(&mut self, row: usize) -> Result<(), Error> {
        let shown = self.judgments.shown_in(row);
        self.seen.clear();
        self.seen.resize(self.shares.len(), false);
        let fresh = |&answer: &u16| {
            self.seen
                .get_mut(usize::from(answer))
                .is_some_and(|seen| !std::mem::replace(seen, true))
        };
        if shown.len() == self.shares.len() && shown.len() > 1 && shown.iter().all(fresh) {
            return Ok(());
        }
        Err(not_shown_once(self.judgments, row))
    }
}

/// A row that does not show every answer of its item once.
fn not_shown_once(judgments: &Judgments<'_>, row: usize) -> Error {
    misplaced(judgments, row, "every answer of the item, each shown once")
}

/// The answer that a label chooses; none where its position was not shown and nothing stands on it.
fn label_answer(shown: &[u16], choice: u8, p: f64, row: usize) -> Result<Option<usize>, Error> {
    match shown.get(usize::from(choice)) {
        Some(&answer) => Ok(Some(usize::from(answer))),
        None if p == 0.0 => Ok(None),
        None => {
            let allowed = "no probability on a position that was not shown";
            Err(Error::OutOfRange { column: "p_labels", row, value: p.to_string(), allowed })
        }
    }
}
