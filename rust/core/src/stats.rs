//! Stage 7: exact integer sums over outcomes, from which every interval is made.
//!
//! [`cluster_moments`] gives the sums of the analytic intervals; [`replicate_means`] and the
//! mergeable [`PoissonSums`] those of the bootstrap, whose definition is in `docs/statistics.md`.

mod kernel;
mod poisson;
mod ratio;
mod rows;
mod sums;
mod weights;
mod work;

pub use kernel::Path;
pub use poisson::{replicate_means, PoissonSums};
pub use rows::{OutcomeRows, FIXED_ONE, MAX_VALUE, MAX_WEIGHT};
pub use sums::{cluster_histogram, cluster_moments, ClusterSums, Histogram, Moments};
pub use weights::{cluster_word, poisson_weight};
