//! Python module `judgefast._native`: a list of names, each bound in the file of the same name as
//! its core module. No logic lives in this crate.

mod batches;
mod boundary;
mod engines;
mod hashes;
mod identity;
mod journal;
mod outcomes;
mod stats;
mod texts;
mod verdicts;

/// Native kernels of judgefast. Private: call them through the `judgefast` package.
#[pyo3::pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use crate::batches::cache::CacheSimulator;
    #[pymodule_export]
    use crate::batches::plan_requests;
    #[pymodule_export]
    use crate::batches::trie::{ideal_tokens, measure_prompts, order_prompts};
    #[pymodule_export]
    use crate::engines::prompts_json;
    #[pymodule_export]
    use crate::hashes::{cluster_id64, limit_keys, shuffle_keys};
    #[pymodule_export]
    use crate::identity::{item_hash, question_cluster, value_bytes};
    #[pymodule_export]
    use crate::journal::{
        check_lines, frame_completions, frame_lines, read_completions, take_in, RequestIndex,
    };
    #[pymodule_export]
    use crate::outcomes::reconcile;
    #[pymodule_export]
    use crate::stats::{
        bootstrap_paths, cluster_histogram, cluster_moments, replicate_means, PoissonSums,
    };
    #[pymodule_export]
    use crate::texts::{sampling_seeds, text_column, text_hash};
    #[pymodule_export]
    use crate::verdicts::Parser;

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // The first array that is made looks numpy's interface up, and panics where a signal of the
        // user comes just then. Where numpy is there already, that moment is now.
        let py = module.py();
        if py.import("sys")?.getattr("modules")?.contains("numpy")? {
            numpy::dtype::<f64>(py);
        }
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("BUILD_PROFILE", if cfg!(debug_assertions) { "debug" } else { "release" })
    }
}
