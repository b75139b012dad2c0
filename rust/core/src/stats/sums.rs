//! The sums of a cluster are kept until the end, so that its outcomes may lie in any shard and in
//! any order: [`ClusterSums`] merge bit for bit, and [`Moments`] are a function of the multiset of
//! rows alone.

mod histogram;

pub use histogram::{cluster_histogram, Histogram};

use super::rows::{check, OutcomeRows, FIXED_ONE, OVERFLOW};
use crate::error::{same_length, Error};

/// Sums over the outcomes of one cluster in one slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cluster {
    key: (u32, u64),
    outcomes: u64,
    weight: i128,
    weighted: i128,
    is_binary: bool,
}

/// Sums by slice and cluster: the state of a scan, mergeable with that of any other shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSums {
    num_slices: u32,
    /// Ascending by key, each key once.
    clusters: Vec<Cluster>,
}

/// What the intervals of one slice are made from. Sums run over its clusters `g`, where `s_g` is
/// the sum of weight times value and `w_g` the sum of weights. Exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    /// Clusters with at least one outcome.
    pub clusters: u64,
    /// Outcomes with a weight.
    pub outcomes: u64,
    /// Sum of `w_g`.
    pub w: i128,
    /// Sum of `s_g`.
    pub s: i128,
    /// Sum of `s_g` squared.
    pub ss: i128,
    /// Sum of `s_g` times `w_g`.
    pub sw: i128,
    /// Sum of `w_g` squared.
    pub ww: i128,
    /// Whether every value is 0 or [`FIXED_ONE`]. True of no outcomes.
    pub is_binary: bool,
}

impl ClusterSums {
    /// Sum the rows of one shard.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`]; [`Error::OutOfRange`] for a value, weight or slice beyond its
    /// limit, naming the first such row; [`Error::Overflow`].
    pub fn collect(rows: OutcomeRows<'_>, num_slices: u32) -> Result<Self, Error> {
        check(rows, num_slices)?;
        let mut clusters: Vec<Cluster> = Vec::new();
        for one in by_cluster(rows) {
            push(&mut clusters, one)?;
        }
        Ok(Self { num_slices, clusters })
    }

    /// Add another shard of the same slices. Neither order nor grouping of merges matters.
    ///
    /// # Errors
    ///
    /// [`Error::Overflow`]; [`Error::LengthMismatch`] if the shards number their slices differently.
    pub fn merge(self, other: Self) -> Result<Self, Error> {
        same_length(
            ("slices", self.num_slices as usize),
            ("slices of the other shard", other.num_slices as usize),
        )?;
        let mut clusters = Vec::with_capacity(self.clusters.len().max(other.clusters.len()));
        let mut left = self.clusters.into_iter().peekable();
        let mut right = other.clusters.into_iter().peekable();
        loop {
            let next = match (left.peek(), right.peek()) {
                (Some(a), Some(b)) if a.key <= b.key => left.next(),
                (Some(_), None) => left.next(),
                (_, Some(_)) => right.next(),
                (None, None) => break,
            };
            if let Some(cluster) = next {
                push(&mut clusters, cluster)?;
            }
        }
        Ok(Self { num_slices: self.num_slices, clusters })
    }

    /// The moments of each slice, in the order of their codes.
    ///
    /// # Errors
    ///
    /// [`Error::Overflow`] where a sum of squares leaves 128 bits.
    pub fn moments(&self) -> Result<Vec<Moments>, Error> {
        let mut slices = vec![Moments::EMPTY; self.num_slices as usize];
        for cluster in &self.clusters {
            slices[cluster.key.0 as usize].add(cluster).ok_or(OVERFLOW)?;
        }
        Ok(slices)
    }
}

impl Moments {
    const EMPTY: Self =
        Self { clusters: 0, outcomes: 0, w: 0, s: 0, ss: 0, sw: 0, ww: 0, is_binary: true };

    fn add(&mut self, cluster: &Cluster) -> Option<()> {
        let (s, w) = (cluster.weighted, cluster.weight);
        self.clusters += 1;
        self.outcomes = self.outcomes.checked_add(cluster.outcomes)?;
        self.w = self.w.checked_add(w)?;
        self.s = self.s.checked_add(s)?;
        self.ss = self.ss.checked_add(s.checked_mul(s)?)?;
        self.sw = self.sw.checked_add(s.checked_mul(w)?)?;
        self.ww = self.ww.checked_add(w.checked_mul(w)?)?;
        self.is_binary &= cluster.is_binary;
        Some(())
    }
}

/// Moments of each slice in one pass over one shard, with no more than one cluster held at a time.
///
/// # Errors
///
/// Those of [`ClusterSums::collect`] and [`ClusterSums::moments`].
pub fn cluster_moments(rows: OutcomeRows<'_>, num_slices: u32) -> Result<Vec<Moments>, Error> {
    check(rows, num_slices)?;
    let mut slices = vec![Moments::EMPTY; num_slices as usize];
    let mut open: Vec<Cluster> = Vec::with_capacity(2);
    for one in by_cluster(rows) {
        push(&mut open, one)?;
        if open.len() > 1 {
            let whole = open.swap_remove(0);
            slices[whole.key.0 as usize].add(&whole).ok_or(OVERFLOW)?;
        }
    }
    if let Some(last) = open.first() {
        slices[last.key.0 as usize].add(last).ok_or(OVERFLOW)?;
    }
    Ok(slices)
}

/// Each row with a weight as a cluster of its own, ascending by key.
fn by_cluster(rows: OutcomeRows<'_>) -> impl Iterator<Item = Cluster> + '_ {
    let mut order: Vec<(u32, u64, usize)> = (0..rows.value.len())
        .filter(|&row| rows.weight[row] > 0)
        .map(|row| (rows.slice[row], rows.cluster_id64[row], row))
        .collect();
    order.sort_unstable();
    order.into_iter().map(move |(slice, cluster, row)| {
        let weight = i128::from(rows.weight[row]);
        let value = rows.value[row];
        Cluster {
            key: (slice, cluster),
            outcomes: 1,
            weight,
            weighted: weight * i128::from(value),
            is_binary: value == 0 || value == FIXED_ONE,
        }
    })
}

/// Append a cluster to an ascending list, adding it to the last where the keys are equal.
fn push(clusters: &mut Vec<Cluster>, next: Cluster) -> Result<(), Error> {
    match clusters.last_mut() {
        Some(last) if last.key == next.key => {
            last.outcomes = last.outcomes.checked_add(next.outcomes).ok_or(OVERFLOW)?;
            last.weight = last.weight.checked_add(next.weight).ok_or(OVERFLOW)?;
            last.weighted = last.weighted.checked_add(next.weighted).ok_or(OVERFLOW)?;
            last.is_binary &= next.is_binary;
        }
        _ => clusters.push(next),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
