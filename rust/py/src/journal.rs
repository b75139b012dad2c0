//! Bindings of `judgefast_core::journal`.

use judgefast_core::journal;
use judgefast_core::Error;
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::boundary::{detached, to_python};

/// JSON lines with the CRC-32C of each before it.
#[pyfunction]
#[pyo3(signature = (lines, /))]
pub(crate) fn frame_lines<'py>(py: Python<'py>, lines: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let framed = detached(py, || Ok(journal::frame_lines(lines)))?;
    Ok(PyBytes::new(py, &framed))
}

/// Spans of the whole lines of a segment, bytes to keep, and whether damage stands among them.
#[pyfunction]
#[pyo3(signature = (segment, /))]
pub(crate) fn check_lines<'py>(
    py: Python<'py>,
    segment: &[u8],
) -> PyResult<(Bound<'py, PyArray2<usize>>, usize, bool)> {
    let checked = detached(py, || Ok(journal::check_lines(segment)))?;
    let spans = checked.spans.as_flattened().to_vec().into_pyarray(py);
    let shape = [checked.spans.len(), 2];
    Ok((spans.reshape(shape)?, checked.kept, checked.is_damaged))
}

/// Where each request stands in the plan. Its ids stay in the array that it was given.
#[pyclass(frozen, module = "judgefast._native")]
pub(crate) struct RequestIndex {
    plan: Py<PyArray2<u8>>,
    index: journal::RequestIndex,
}

#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
#[pymethods]
impl RequestIndex {
    #[new]
    #[pyo3(signature = (request_ids, /))]
    fn new(py: Python<'_>, request_ids: Bound<'_, PyArray2<u8>>) -> PyResult<Self> {
        let plan = request_ids.readonly();
        let ids = id_bytes(&plan)?;
        let index = detached(py, || journal::RequestIndex::new(ids))?;
        Ok(Self { plan: request_ids.unbind(), index })
    }

    /// The row of each id, -1 where the plan has none.
    #[pyo3(signature = (request_ids, /))]
    fn rows<'py>(
        &self,
        py: Python<'py>,
        request_ids: PyReadonlyArray2<'py, u8>,
    ) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let plan = self.plan.bind(py).readonly();
        let (plan, ids) = (id_bytes(&plan)?, id_bytes(&request_ids)?);
        let rows = detached(py, || Ok(self.index.rows(plan, ids)))?;
        Ok(rows.into_pyarray(py))
    }

    fn __len__(&self) -> usize {
        self.index.len()
    }
}

fn id_bytes<'a>(ids: &'a PyReadonlyArray2<'_, u8>) -> PyResult<&'a [u8]> {
    let width = ids.shape()[1];
    if width == 16 {
        return Ok(ids.as_slice()?);
    }
    Err(to_python(Error::OutOfRange {
        column: "request_id",
        row: 0,
        value: format!("{width} bytes"),
        allowed: "16 bytes",
    }))
}
