//! Which pairs of an item's answers are compared.
//!
//! Every design is a part of all pairs, and no key knows of it: a judgment of a small design answers
//! the same judgment of a larger one.

use crate::error::Error;
use crate::hashes::Framed;

/// Which pairs of an item's answers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairs {
    /// Every one.
    All,
    /// Those with the answer of the baseline.
    Baseline,
    /// The first rounds of a tournament in which each answer meets each other once.
    Sparse(u16),
}

impl Pairs {
    /// The design of a name: `all`, `baseline` or `sparse:K` with K from 1.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownName`], naming those that exist.
    pub fn named(name: &str) -> Result<Self, Error> {
        let rounds = name.strip_prefix("sparse:").and_then(|rounds| rounds.parse().ok());
        match (name, rounds) {
            ("all", _) => Ok(Self::All),
            ("baseline", _) => Ok(Self::Baseline),
            (_, Some(rounds @ 1..)) => Ok(Self::Sparse(rounds)),
            _ => Err(Error::UnknownName {
                kind: "pairs",
                name: name.to_owned(),
                known: "all, baseline, sparse:K with K from 1 to 65535".to_owned(),
            }),
        }
    }

    /// The pairs of one item, the lower index first, in ascending order.
    ///
    /// `seed` and `item_id` draw the sparse ones; `baseline` is the answer of the baseline: where an
    /// item has none, nothing is compared with it.
    #[must_use]
    pub fn of_item(
        self,
        num_answers: u16,
        (seed, item_id): (u64, &str),
        baseline: Option<u16>,
    ) -> Vec<(u16, u16)> {
        match self {
            Self::Sparse(rounds) if rounds < num_answers.saturating_sub(1) => {
                tournament(num_answers, rounds, seed, item_id)
            }
            Self::All | Self::Sparse(_) => {
                let lows = 0..num_answers;
                lows.flat_map(|low| (low + 1..num_answers).map(move |high| (low, high))).collect()
            }
            Self::Baseline => {
                let Some(base) = baseline else { return Vec::new() };
                let others = (0..num_answers).filter(|&other| other != base);
                others.map(|other| (other.min(base), other.max(base))).collect()
            }
        }
    }
}

/// The first rounds of a round-robin tournament, by the circle method.
///
/// An odd number of places stand in a circle; in round `r` two meet whose places add up to `r`, and
/// the place that would meet itself meets the one answer outside, or rests where there is none. Each
/// answer plays once a round, so that numbers of comparisons differ by at most 1. Rounds 0 and 1
/// together are one path through all answers, so that two rounds connect them. Which answer stands
/// where, and which rounds come after these two, is drawn for each item.
fn tournament(num_answers: u16, rounds: u16, seed: u64, item_id: &str) -> Vec<(u16, u16)> {
    let circle = (num_answers - 1) | 1; // odd: the even number of places but one
    let seat = drawn("judgefast pairs 1", 0..num_answers, seed, item_id);
    let later = drawn("judgefast rounds 1", 2..circle, seed, item_id);
    let mut pairs = Vec::with_capacity(usize::from(rounds) * usize::from(num_answers / 2));
    for &round in [0, 1].iter().chain(&later).take(usize::from(rounds)) {
        for place in 0..circle {
            let sum = u32::from(round) + u32::from(circle) - u32::from(place);
            let opposite = u16::try_from(sum % u32::from(circle)).expect("a place of the circle");
            let other = if opposite == place { circle } else { opposite };
            if place < other && other < num_answers {
                let (one, two) = (seat[usize::from(place)], seat[usize::from(other)]);
                pairs.push((one.min(two), one.max(two)));
            }
        }
    }
    pairs.sort_unstable();
    pairs
}

/// Some numbers in an order drawn by the hash of each.
fn drawn(tag: &str, numbers: std::ops::Range<u16>, seed: u64, item_id: &str) -> Vec<u16> {
    let mut drawn: Vec<u16> = numbers.collect();
    drawn.sort_by_cached_key(|number| {
        let hash = Framed::new(tag).field(&seed.to_le_bytes()).field(item_id.as_bytes());
        (hash.field(&number.to_le_bytes()).u64(), *number)
    });
    drawn
}
