//! Stage 3: what is asked once of an engine, in an order in which shared prefixes stay cached.
//!
//! Items come in run order, already shuffled. Here each becomes its judgments: which answers are
//! shown, in which order, how often, and under which key. Judgments of one comparison are
//! contiguous, the two orders of one repeat side by side.

mod cache;
mod columns;
mod ideal;
pub mod keys;
mod measure;
mod pairs;
mod plan;
mod trie;

pub use cache::{CacheSettings, CacheSimulator};
pub(crate) use columns::{check_offsets, place};
pub use columns::{Bytes, Plan};
pub use ideal::ideal;
pub use measure::{measure, Measures};
pub use pairs::Pairs;
pub use plan::{plan_requests, Items, Mode, Orders, Settings};
pub use trie::{order, Segments};
