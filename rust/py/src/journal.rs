//! Bindings of `judgefast_core::journal`.

use judgefast_core::journal;
use judgefast_core::Error;
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2,
    PyReadwriteArray1, PyUntypedArrayMethods,
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

/// JSON lines with the CRC-32C of each before it, where each is a completion as it is written; else
/// None.
#[pyfunction]
#[pyo3(signature = (lines, /))]
pub(crate) fn frame_completions<'py>(
    py: Python<'py>,
    lines: &[u8],
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let framed = detached(py, || Ok(journal::frame_completions(lines)))?;
    Ok(framed.map(|framed| PyBytes::new(py, &framed)))
}

/// Offsets, UTF-8, and a bitmap where some are None.
type TextArrays<'py> =
    (Bound<'py, PyArray1<i32>>, Bound<'py, PyArray1<u8>>, Option<Bound<'py, PyArray1<u8>>>);
/// Codes, -1 for None, and the names that they stand for.
type NameArrays<'py> = (Bound<'py, PyArray1<i32>>, Vec<&'static str>);
/// The columns of a segment; what each holds is said at `journal::Completions`.
type CompletionArrays<'py> = (
    (Bound<'py, PyArray1<u8>>, Bound<'py, PyArray1<i32>>, Bound<'py, PyArray1<i32>>),
    (TextArrays<'py>, NameArrays<'py>),
    (
        Bound<'py, PyArray1<i32>>,
        Bound<'py, PyArray1<u16>>,
        Bound<'py, PyArray1<i32>>,
        Bound<'py, PyArray1<f32>>,
    ),
    [Bound<'py, PyArray1<i32>>; 4],
    (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>),
    (NameArrays<'py>, TextArrays<'py>, Bound<'py, PyArray1<i32>>),
    TextArrays<'py>,
);

/// The completions between some spans of a segment, by column; None where a line is not as it is
/// written.
#[pyfunction]
#[pyo3(signature = (segment, spans, /))]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
pub(crate) fn read_completions<'py>(
    py: Python<'py>,
    segment: &[u8],
    spans: PyReadonlyArray2<'py, usize>,
) -> PyResult<Option<CompletionArrays<'py>>> {
    let (spans, _) = spans.as_slice()?.as_chunks::<2>();
    let columns = detached(py, || Ok(journal::read_completions(segment, spans)))?;
    Ok(columns.map(|columns| {
        let answers = columns.answers;
        (
            (
                columns.request_id.into_pyarray(py),
                columns.attempt.into_pyarray(py),
                columns.lane.into_pyarray(py),
            ),
            (text_arrays(py, columns.text), name_arrays(py, columns.finish_reason)),
            (
                answers.offsets.into_pyarray(py),
                answers.questions.into_pyarray(py),
                answers.logprob_offsets.into_pyarray(py),
                answers.logprobs.into_pyarray(py),
            ),
            columns.tokens.map(|counts| counts.into_pyarray(py)),
            (columns.started.into_pyarray(py), columns.wall_seconds.into_pyarray(py)),
            (
                name_arrays(py, columns.error_kind),
                text_arrays(py, columns.error),
                columns.replaced_surrogates.into_pyarray(py),
            ),
            text_arrays(py, columns.reasoning),
        )
    }))
}

fn text_arrays(py: Python<'_>, mut texts: journal::Texts) -> TextArrays<'_> {
    let bitmap = texts.bitmap().map(|bitmap| bitmap.into_pyarray(py));
    (texts.offsets.into_pyarray(py), texts.bytes.into_pyarray(py), bitmap)
}

fn name_arrays(py: Python<'_>, column: journal::Names) -> NameArrays<'_> {
    (column.codes.into_pyarray(py), column.names)
}

/// Completions that came back: attributes of one Python object.
#[derive(FromPyObject)]
pub(crate) struct CameArg<'py> {
    attempts: PyReadonlyArray1<'py, i32>,
    outcomes: PyReadonlyArray1<'py, u8>,
    places: PyReadonlyArray1<'py, i64>,
}

/// What is known of each row of the plan: attributes of one Python object, which are changed.
#[derive(FromPyObject)]
pub(crate) struct HeldArg<'py> {
    attempts: PyReadwriteArray1<'py, i32>,
    failures: PyReadwriteArray1<'py, i32>,
    final_attempts: PyReadwriteArray1<'py, i32>,
    launches: PyReadwriteArray1<'py, i32>,
    places: PyReadwriteArray1<'py, i64>,
}

/// Take completions in; counts those that are done, failed, cancelled, and of no known request.
///
/// The interpreter lock is kept: whoever looks meanwhile sees all of them taken in, or none.
#[pyfunction]
#[pyo3(signature = (held, came, rows, launches, ranks, /))]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
pub(crate) fn take_in(
    mut held: HeldArg<'_>,
    came: CameArg<'_>,
    rows: PyReadonlyArray1<'_, i64>,
    launches: PyReadonlyArray1<'_, i32>,
    ranks: PyReadonlyArray1<'_, i32>,
) -> PyResult<(usize, usize, usize, usize)> {
    let came = journal::Came {
        rows: rows.as_slice()?,
        attempts: came.attempts.as_slice()?,
        outcomes: came.outcomes.as_slice()?,
        launches: launches.as_slice()?,
        places: came.places.as_slice()?,
    };
    let mut held = journal::Held {
        attempts: held.attempts.as_slice_mut()?,
        failures: held.failures.as_slice_mut()?,
        final_attempts: held.final_attempts.as_slice_mut()?,
        launches: held.launches.as_slice_mut()?,
        places: held.places.as_slice_mut()?,
    };
    let tally = journal::take_in(&came, &mut held, ranks.as_slice()?).map_err(to_python)?;
    Ok((tally.done, tally.failed, tally.cancelled, tally.unknown))
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
    #[pyo3(signature = (request_ids, asked_by, /))]
    fn new<'py>(
        py: Python<'py>,
        request_ids: Bound<'py, PyArray2<u8>>,
        asked_by: PyReadonlyArray1<'py, u32>,
    ) -> PyResult<Self> {
        let plan = request_ids.readonly();
        let (ids, asked_by) = (id_bytes(&plan)?, asked_by.as_slice()?);
        let index = detached(py, || journal::RequestIndex::new(ids, asked_by))?;
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
