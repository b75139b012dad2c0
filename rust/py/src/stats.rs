//! Bindings of `judgefast_core::stats`.

use judgefast_core::stats::{self, OutcomeRows, Path};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::boundary::{detached, to_python};

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
    let rows = rows_of(&cluster_id64, &value, &weight, &slice)?;
    let moments = detached(py, || stats::cluster_moments(rows, num_slices))?;
    let tuple =
        |m: &stats::Moments| (m.clusters, m.outcomes, m.w, m.s, m.ss, m.sw, m.ww, m.is_binary);
    Ok(moments.iter().map(tuple).collect())
}

/// Slice, both sums and number of clusters of each bin.
type HistogramColumns<'py> = (
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u64>>,
);

/// How often each pair of sums of a cluster occurs, by slice.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
#[pyo3(signature = (cluster_id64, value, weight, slice, num_slices, /))]
pub(crate) fn cluster_histogram<'py>(
    py: Python<'py>,
    cluster_id64: PyReadonlyArray1<'_, u64>,
    value: PyReadonlyArray1<'_, i64>,
    weight: PyReadonlyArray1<'_, u8>,
    slice: PyReadonlyArray1<'_, u32>,
    num_slices: u32,
) -> PyResult<HistogramColumns<'py>> {
    let rows = rows_of(&cluster_id64, &value, &weight, &slice)?;
    let bins = detached(py, || stats::cluster_histogram(rows, num_slices))?;
    Ok((
        bins.slice.into_pyarray(py),
        bins.s.into_pyarray(py),
        bins.w.into_pyarray(py),
        bins.clusters.into_pyarray(py),
    ))
}

/// Means of all replicates of the wanted slices, joint.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
#[allow(clippy::too_many_arguments, reason = "columns and what is asked of them")]
#[pyo3(signature = (
    cluster_id64, value, weight, slice, num_slices, wanted, seed, replicates, /, *, path = None
))]
pub(crate) fn replicate_means<'py>(
    py: Python<'py>,
    cluster_id64: PyReadonlyArray1<'_, u64>,
    value: PyReadonlyArray1<'_, i64>,
    weight: PyReadonlyArray1<'_, u8>,
    slice: PyReadonlyArray1<'_, u32>,
    num_slices: u32,
    wanted: PyReadonlyArray1<'_, u32>,
    seed: u64,
    replicates: u32,
    path: Option<&str>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let rows = rows_of(&cluster_id64, &value, &weight, &slice)?;
    let (wanted, path) = (wanted.as_slice()?, path_of(path)?);
    let means =
        detached(py, || stats::replicate_means(rows, num_slices, wanted, seed, replicates, path))?;
    table(py, wanted.len(), replicates, means)
}

/// Names of the ways in which this processor can draw, the widest last.
#[pyfunction]
pub(crate) fn bootstrap_paths() -> Vec<&'static str> {
    Path::available().into_iter().map(|(name, _)| name).collect()
}

/// Streaming, mergeable sums of all replicates.
#[pyclass]
pub(crate) struct PoissonSums {
    sums: stats::PoissonSums,
    path: Path,
}

#[pymethods]
impl PoissonSums {
    #[new]
    #[pyo3(signature = (num_slices, replicates, seed, /, *, path = None))]
    fn new(num_slices: u32, replicates: u32, seed: u64, path: Option<&str>) -> PyResult<Self> {
        let path = path_of(path)?;
        Ok(Self { sums: stats::PoissonSums::new(num_slices, replicates, seed), path })
    }

    #[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
    #[pyo3(signature = (cluster_id64, value, weight, slice, /))]
    fn add(
        &mut self,
        py: Python<'_>,
        cluster_id64: PyReadonlyArray1<'_, u64>,
        value: PyReadonlyArray1<'_, i64>,
        weight: PyReadonlyArray1<'_, u8>,
        slice: PyReadonlyArray1<'_, u32>,
    ) -> PyResult<()> {
        let rows = rows_of(&cluster_id64, &value, &weight, &slice)?;
        detached(py, || self.sums.add(rows, self.path))
    }

    #[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
    #[pyo3(signature = (cluster_id64, value, weight, slice, /))]
    fn add_shard(
        &mut self,
        py: Python<'_>,
        cluster_id64: PyReadonlyArray1<'_, u64>,
        value: PyReadonlyArray1<'_, i64>,
        weight: PyReadonlyArray1<'_, u8>,
        slice: PyReadonlyArray1<'_, u32>,
    ) -> PyResult<()> {
        let rows = rows_of(&cluster_id64, &value, &weight, &slice)?;
        detached(py, || self.sums.add_shard(rows, self.path))
    }

    #[pyo3(signature = (other, /))]
    fn merge(&mut self, py: Python<'_>, other: &Self) -> PyResult<()> {
        detached(py, || self.sums.merge(&other.sums))
    }

    fn means<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let (slices, replicates) = (self.sums.num_slices(), self.sums.replicates());
        let means = detached(py, || Ok((0..slices).flat_map(|at| self.sums.means(at)).collect()))?;
        table(py, slices as usize, replicates, means)
    }
}

fn rows_of<'a>(
    cluster_id64: &'a PyReadonlyArray1<'_, u64>,
    value: &'a PyReadonlyArray1<'_, i64>,
    weight: &'a PyReadonlyArray1<'_, u8>,
    slice: &'a PyReadonlyArray1<'_, u32>,
) -> PyResult<OutcomeRows<'a>> {
    Ok(OutcomeRows {
        cluster_id64: cluster_id64.as_slice()?,
        value: value.as_slice()?,
        weight: weight.as_slice()?,
        slice: slice.as_slice()?,
    })
}

fn path_of(name: Option<&str>) -> PyResult<Path> {
    name.map_or_else(|| Ok(Path::best()), |name| Path::named(name).map_err(to_python))
}

/// One row for each slice.
fn table(
    py: Python<'_>,
    slices: usize,
    replicates: u32,
    means: Vec<f64>,
) -> PyResult<Bound<'_, PyArray2<f64>>> {
    let table = Array2::from_shape_vec((slices, replicates as usize), means);
    let table = table.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    Ok(table.into_pyarray(py))
}
