//! The Poisson bootstrap of weighted means: streaming, mergeable, the same bits in any order.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

use super::kernel::{add, Path, Totals, BLOCK};
use super::ratio::mean;
use super::rows::{check, OutcomeRows, OVERFLOW};
use super::work::{prepare, Work, MAX_ROWS};
use crate::error::{same_length, Error};

/// Rows that a stream prepares at a time, which bounds its memory.
const STREAMED: usize = 1 << 16;

/// Sums of every replicate of every slice, over rows that may come in any order and any shards.
///
/// Memory is that of slices times replicates, whatever the number of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoissonSums {
    num_slices: u32,
    replicates: u32,
    seed: u64,
    /// By block of replicates, then by slice.
    totals: Vec<Totals>,
}

impl PoissonSums {
    /// Sums over no rows.
    #[must_use]
    pub fn new(num_slices: u32, replicates: u32, seed: u64) -> Self {
        let totals = (replicates as usize).div_ceil(BLOCK) * num_slices as usize;
        Self { num_slices, replicates, seed, totals: vec![Totals::ZERO; totals] }
    }

    /// How many slices there are.
    #[must_use]
    pub fn num_slices(&self) -> u32 {
        self.num_slices
    }

    /// How many replicates each has.
    #[must_use]
    pub fn replicates(&self) -> u32 {
        self.replicates
    }

    /// Add rows, on the core that calls. Either all of them are added, or none.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`]; [`Error::OutOfRange`] for a value, weight or slice beyond its
    /// limit, naming the first such row. [`Error::Overflow`], after which the sums are of no use.
    pub fn add(&mut self, rows: OutcomeRows<'_>, path: Path) -> Result<(), Error> {
        check(rows, self.num_slices)?;
        let place: Vec<_> = (0..self.num_slices).map(Some).collect();
        for chunk in rows.chunks(STREAMED) {
            self.add_work(&prepare(chunk, &place, self.seed), path, 1)?;
        }
        Ok(())
    }

    /// Add rows, on all cores: each cluster is drawn once, however far apart its rows are. Memory
    /// grows with the rows. The same bits as [`Self::add`].
    ///
    /// # Errors
    ///
    /// Those of [`Self::add`].
    pub fn add_shard(&mut self, rows: OutcomeRows<'_>, path: Path) -> Result<(), Error> {
        check(rows, self.num_slices)?;
        let place: Vec<_> = (0..self.num_slices).map(Some).collect();
        self.add_on_all_cores(rows, &place, path)
    }

    /// Add checked rows of the slices that have a place.
    fn add_on_all_cores(
        &mut self,
        rows: OutcomeRows<'_>,
        place: &[Option<u32>],
        path: Path,
    ) -> Result<(), Error> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        for chunk in rows.chunks(MAX_ROWS) {
            self.add_work(&prepare(chunk, place, self.seed), path, threads)?;
        }
        Ok(())
    }

    /// Add the sums of another shard. Neither order nor grouping of merges matters.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] where slices, replicates or seeds differ; [`Error::Overflow`],
    /// after which the sums are of no use.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        same_length(
            ("slices", self.num_slices as usize),
            ("slices of the other shard", other.num_slices as usize),
        )?;
        same_length(
            ("replicates", self.replicates as usize),
            ("replicates of the other shard", other.replicates as usize),
        )?;
        if self.seed != other.seed {
            return Err(Error::SeedMismatch { left: self.seed, right: other.seed });
        }
        for (total, other) in self.totals.iter_mut().zip(&other.totals) {
            for at in 0..BLOCK {
                let (sum, weight) = (&mut total.sum[at], &mut total.weight[at]);
                *sum = sum.checked_add(other.sum[at]).ok_or(OVERFLOW)?;
                *weight = weight.checked_add(other.weight[at]).ok_or(OVERFLOW)?;
            }
        }
        Ok(())
    }

    /// The mean of each replicate of one slice, each rounded once; NaN where nothing was drawn.
    ///
    /// # Panics
    ///
    /// If there is no such slice.
    #[must_use]
    pub fn means(&self, slice: u32) -> Vec<f64> {
        assert!(slice < self.num_slices, "slice {slice} of {}", self.num_slices);
        let totals = self.totals.iter().skip(slice as usize).step_by(self.num_slices as usize);
        let means =
            totals.flat_map(|total| (0..BLOCK).map(|at| mean(total.sum[at], total.weight[at])));
        means.take(self.replicates as usize).collect()
    }

    /// Add one chunk, blocks of replicates shared among `threads`.
    fn add_work(&mut self, work: &Work, path: Path, threads: usize) -> Result<(), Error> {
        let slices = self.num_slices as usize;
        if slices == 0 || self.totals.is_empty() {
            return Ok(());
        }
        let blocks_each = (self.totals.len() / slices).div_ceil(threads);
        let add_blocks = |(share, totals): (usize, &mut [Totals])| {
            let mut blocks = (share * blocks_each..).zip(totals.chunks_mut(slices));
            blocks.try_for_each(|(block, totals)| add(work, path, block, totals))
        };
        let mut shares = self.totals.chunks_mut(blocks_each * slices).enumerate();
        if threads == 1 {
            return shares.try_for_each(add_blocks);
        }
        thread::scope(|scope| {
            let running: Vec<_> = shares.map(|share| scope.spawn(|| add_blocks(share))).collect();
            running
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
        })
    }
}

/// The mean of each replicate of each wanted slice, one wanted slice after the other, on all cores.
///
/// Joint: replicate `b` draws the same clusters in every slice. The same bits as [`PoissonSums`].
///
/// # Errors
///
/// [`Error::LengthMismatch`]; [`Error::OutOfRange`] for a value, weight, slice or wanted slice
/// beyond its limit, naming the first such row; [`Error::Overflow`].
pub fn replicate_means(
    rows: OutcomeRows<'_>,
    num_slices: u32,
    wanted: &[u32],
    seed: u64,
    replicates: u32,
    path: Path,
) -> Result<Vec<f64>, Error> {
    check(rows, num_slices)?;
    let mut place = vec![None; num_slices as usize];
    let mut places = 0;
    for (row, &slice) in wanted.iter().enumerate() {
        let Some(own) = place.get_mut(slice as usize) else {
            let (column, value) = ("wanted", slice.to_string());
            return Err(Error::OutOfRange {
                column,
                row,
                value,
                allowed: "codes below `num_slices`",
            });
        };
        if own.is_none() {
            *own = Some(places);
            places += 1;
        }
    }
    let mut sums = PoissonSums::new(places, replicates, seed);
    sums.add_on_all_cores(rows, &place, path)?;
    let wanted = wanted.iter().filter_map(|&slice| place[slice as usize]);
    Ok(wanted.flat_map(|place| sums.means(place)).collect())
}

#[cfg(test)]
mod tests;
