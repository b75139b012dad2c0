//! Bindings of `judgefast_core::stats`.

use judgefast_core::stats::{self, OutcomeRows};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;

use crate::boundary::detached;

/// Clusters, outcomes, W, S, SS, SW, WW and whether all values are 0 or 1.
type MomentsTuple = (u64, u64, i128, i128, i128, i128, i128, bool);

/// Exact sums by slice, over outcomes and over clusters.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
#[pyo3(signature = (cluster_id64, value, weight, slice, num_slices, /))]
pub(crate) fn cluster_moments(
    py: Python<'_>,
    cluster_id64: PyReadonlyArray1<'_, u64>,
    value: PyReadonlyArray1<'_, i64>,
    weight: PyReadonlyArray1<'_, u8>,
    slice: PyReadonlyArray1<'_, u32>,
    num_slices: u32,
) -> PyResult<Vec<MomentsTuple>> {
    let rows = OutcomeRows {
        cluster_id64: cluster_id64.as_slice()?,
        value: value.as_slice()?,
        weight: weight.as_slice()?,
        slice: slice.as_slice()?,
    };
    let moments = detached(py, || stats::cluster_moments(rows, num_slices))?;
    let tuple =
        |m: &stats::Moments| (m.clusters, m.outcomes, m.w, m.s, m.ss, m.sw, m.ww, m.is_binary);
    Ok(moments.iter().map(tuple).collect())
}
