//! Bindings of `judgefast_core::hashes`.

use judgefast_core::hashes;
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

use crate::boundary::detached;

/// Resampling ids of a column of cluster names.
#[pyfunction]
#[pyo3(signature = (clusters, /))]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
pub(crate) fn cluster_id64(
    py: Python<'_>,
    clusters: Vec<PyBackedStr>,
) -> PyResult<Bound<'_, PyArray1<u64>>> {
    let ids =
        detached(py, || Ok(clusters.iter().map(|name| hashes::cluster_id64(name)).collect()))?;
    Ok(Vec::into_pyarray(ids, py))
}

/// Places of a column of clusters in the seeded shuffle.
#[pyfunction]
#[pyo3(signature = (clusters, seed, /))]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
pub(crate) fn shuffle_keys(
    py: Python<'_>,
    clusters: Vec<PyBackedStr>,
    seed: u64,
) -> PyResult<Bound<'_, PyArray1<u64>>> {
    let keys =
        detached(py, || Ok(clusters.iter().map(|name| hashes::shuffle_key(seed, name)).collect()))?;
    Ok(Vec::into_pyarray(keys, py))
}

/// Places of a column of item ids in the seeded draw of `--limit`.
#[pyfunction]
#[pyo3(signature = (item_ids, seed, /))]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
pub(crate) fn limit_keys(
    py: Python<'_>,
    item_ids: Vec<PyBackedStr>,
    seed: u64,
) -> PyResult<Bound<'_, PyArray1<u64>>> {
    let keys =
        detached(py, || Ok(item_ids.iter().map(|name| hashes::limit_key(seed, name)).collect()))?;
    Ok(Vec::into_pyarray(keys, py))
}
