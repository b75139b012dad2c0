//! Bindings of `judgefast_core::batches::cache`.

use judgefast_core::batches;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use super::trie::SegmentsArg;
use crate::boundary::{detached, to_python};

/// An engine's cache: attributes of one Python object.
#[derive(FromPyObject)]
pub(crate) struct SettingsArg {
    block_tokens: u32,
    budget_tokens: Option<u64>,
    running: u32,
    generated_tokens: u32,
    batched_tokens: u32,
    window: Option<u32>,
    full_groups: u32,
    sliding_groups: u32,
    keeps_all: bool,
    sends_heads: bool,
}

/// An engine without a model.
#[pyclass(module = "judgefast._native")]
pub(crate) struct CacheSimulator {
    simulator: batches::CacheSimulator,
}

#[pymethods]
impl CacheSimulator {
    #[new]
    #[pyo3(signature = (settings, /))]
    #[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
    fn new(settings: SettingsArg) -> PyResult<Self> {
        let settings = batches::CacheSettings {
            block_tokens: settings.block_tokens,
            budget_tokens: settings.budget_tokens,
            running: settings.running,
            generated_tokens: settings.generated_tokens,
            batched_tokens: settings.batched_tokens,
            window: settings.window,
            full_groups: settings.full_groups,
            sliding_groups: settings.sliding_groups,
            keeps_all: settings.keeps_all,
            sends_heads: settings.sends_heads,
        };
        let simulator = batches::CacheSimulator::new(settings).map_err(to_python)?;
        Ok(Self { simulator })
    }

    #[pyo3(signature = (segments, order, /))]
    #[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
    fn add<'py>(
        &mut self,
        py: Python<'py>,
        segments: SegmentsArg<'py>,
        order: PyReadonlyArray1<'py, u32>,
    ) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let (columns, order) = (segments.columns()?, order.as_slice()?);
        Ok(detached(py, || self.simulator.add(&columns, order))?.into_pyarray(py))
    }

    #[getter]
    fn preemptions(&self) -> u64 {
        self.simulator.preemptions()
    }

    #[getter]
    fn head_tokens(&self) -> u64 {
        self.simulator.head_tokens()
    }

    #[getter]
    fn too_large(&self) -> u64 {
        self.simulator.too_large()
    }
}
