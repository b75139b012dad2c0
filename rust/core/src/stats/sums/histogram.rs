//! How often each pair of sums occurs among the clusters of a slice: all that a bootstrap of one
//! mean needs to know, and small where scores are few.

use super::ClusterSums;
use crate::error::Error;
use crate::stats::rows::{OutcomeRows, OVERFLOW};

/// Distinct sums of clusters as columns of equal length, ascending by slice, `s`, `w`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Slice of each bin.
    pub slice: Vec<u32>,
    /// Sum of weight times value within a cluster, in units of 2^-24.
    pub s: Vec<i64>,
    /// Sum of weights within a cluster.
    pub w: Vec<i64>,
    /// Clusters with these sums.
    pub clusters: Vec<u64>,
}

impl ClusterSums {
    /// Count the clusters of each slice by their sums.
    ///
    /// # Errors
    ///
    /// [`Error::Overflow`] where the sums of one cluster leave 64 bits.
    pub fn histogram(&self) -> Result<Histogram, Error> {
        let narrow = |sum: i128| i64::try_from(sum).map_err(|_| OVERFLOW);
        let mut sums = Vec::with_capacity(self.clusters.len());
        for cluster in &self.clusters {
            sums.push((cluster.key.0, narrow(cluster.weighted)?, narrow(cluster.weight)?));
        }
        sums.sort_unstable();
        let mut bins = Histogram::default();
        for alike in sums.chunk_by(|one, next| one == next) {
            let (slice, s, w) = alike[0];
            bins.slice.push(slice);
            bins.s.push(s);
            bins.w.push(w);
            bins.clusters.push(alike.len() as u64);
        }
        Ok(bins)
    }
}

/// The histogram of each slice in one pass over one shard.
///
/// # Errors
///
/// Those of [`ClusterSums::collect`] and [`ClusterSums::histogram`].
pub fn cluster_histogram(rows: OutcomeRows<'_>, num_slices: u32) -> Result<Histogram, Error> {
    ClusterSums::collect(rows, num_slices)?.histogram()
}

#[cfg(test)]
mod tests {
    use super::{cluster_histogram, ClusterSums, Histogram, OutcomeRows};
    use crate::Error;

    const ROWS: OutcomeRows<'static> = OutcomeRows {
        cluster_id64: &[5, 9, 5, 7, 2, 8],
        value: &[-1, 1, 3, 0, 2, 4],
        weight: &[1, 2, 1, 2, 1, 0],
        slice: &[0, 0, 0, 0, 1, 1],
    };

    #[test]
    fn clusters_with_the_same_sums_share_a_bin() {
        let bins = Histogram {
            slice: vec![0, 0, 1],
            s: vec![0, 2, 2],
            w: vec![2, 2, 1],
            clusters: vec![1, 2, 1],
        };
        assert_eq!(cluster_histogram(ROWS, 2), Ok(bins));
    }

    #[test]
    fn a_cluster_beyond_64_bits_is_refused() {
        let mut sums = ClusterSums::collect(ROWS, 2).expect("rows in range");
        sums.clusters[0].weighted = i128::from(i64::MAX) + 1;
        assert_eq!(sums.histogram(), Err(Error::Overflow { column: "value" }));
    }
}
