//! Verdicts as columns, one row a text.

use super::Verdict;

/// The verdicts of many texts; what each column holds is said at [`Verdict`].
#[derive(Clone, Debug, Default)]
pub struct Columns {
    /// Codes of [`super::Status`].
    pub status: Vec<u8>,
    /// Positions, or the codes of a tie and of none.
    pub choice: Vec<u8>,
    /// Scores.
    pub score: Vec<f64>,
    /// Preferences for the answer shown first.
    pub strength: Vec<f64>,
    /// Start and end of each span, one after the other: twice as long as the others.
    pub span: Vec<u32>,
    /// 1 where only the lenient mode could read it.
    pub repaired: Vec<u8>,
}

impl Columns {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self {
            status: Vec::with_capacity(rows),
            choice: Vec::with_capacity(rows),
            score: Vec::with_capacity(rows),
            strength: Vec::with_capacity(rows),
            span: Vec::with_capacity(2 * rows),
            repaired: Vec::with_capacity(rows),
        }
    }

    pub(super) fn push(&mut self, verdict: &Verdict) {
        self.status.push(verdict.status as u8);
        self.choice.push(verdict.choice);
        self.score.push(verdict.score);
        self.strength.push(verdict.strength);
        self.span.extend([verdict.span.0, verdict.span.1]);
        self.repaired.push(u8::from(verdict.repaired));
    }
}
