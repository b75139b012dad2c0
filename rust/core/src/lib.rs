//! Pure-Rust kernels of judgefast: no Python, no I/O, no global state.
//!
//! One module per stage of the pipeline that has a kernel, under the stage's own name; each is a
//! set of functions from borrowed columns to owned columns.

pub mod batches;
pub mod error;
pub mod hashes;
pub mod identity;
pub mod journal;
pub mod outcomes;
pub mod stats;
pub mod texts;
pub mod verdicts;

pub use error::Error;
