//! Bindings of `judgefast_core::identity`: values of Python in the form that is hashed.

use judgefast_core::hashes::Framed;
use judgefast_core::identity;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::texts::Utf8;

/// Values nested deeper than this are left to Python, which has an end to its recursion.
const MAX_DEPTH: usize = 32;

/// Cluster of an item that names none, by the hashes of its question and its reference.
#[pyfunction]
#[pyo3(signature = (question_sha256, reference_sha256, /))]
pub(crate) fn question_cluster(question_sha256: &[u8], reference_sha256: &[u8]) -> String {
    identity::question_cluster(question_sha256, reference_sha256)
}

/// A value in the form that is hashed; `other` makes that of values which JSON does not know.
#[pyfunction]
#[pyo3(signature = (value, other, /))]
pub(crate) fn value_bytes<'py>(
    value: &Bound<'py, PyAny>,
    other: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let mut out = Vec::new();
    push(&mut out, value, other, 0)?;
    Ok(PyBytes::new(value.py(), &out))
}

/// Hash of an item: 16 bytes.
#[pyfunction]
#[pyo3(signature = (item, other, /))]
pub(crate) fn item_hash<'py>(
    item: &Bound<'py, PyAny>,
    other: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let py = item.py();
    let mut state = Framed::new("judgefast item 1");
    let mut value = Vec::new();
    for name in [intern!(py, "item_id"), intern!(py, "cluster")] {
        state.push(Utf8::of(item.getattr(name)?.cast_into::<PyString>()?)?.bytes()?);
    }
    for name in [intern!(py, "question_sha256"), intern!(py, "reference_sha256")] {
        state.push(item.getattr(name)?.cast::<PyBytes>()?.as_bytes());
    }
    for name in [intern!(py, "gold"), intern!(py, "meta")] {
        value.clear();
        push(&mut value, &item.getattr(name)?, other, 0)?;
        state.push(&value);
    }
    for answer in item.getattr(intern!(py, "answers"))?.cast::<PyTuple>()?.iter() {
        value.clear();
        push(&mut value, &answer.getattr(intern!(py, "model"))?, other, 0)?;
        state.push(&value);
        state.push(answer.getattr(intern!(py, "sha256"))?.cast::<PyBytes>()?.as_bytes());
    }
    Ok(PyBytes::new(py, &state.key()))
}

fn push(
    out: &mut Vec<u8>,
    value: &Bound<'_, PyAny>,
    other: &Bound<'_, PyAny>,
    depth: usize,
) -> PyResult<()> {
    if value.is_none() {
        out.push(b'n');
    } else if let Ok(text) = value.cast_exact::<PyString>() {
        identity::push_text(out, Utf8::of(text.clone())?.bytes()?);
    } else if let Ok(truth) = value.cast_exact::<PyBool>() {
        out.push(if truth.is_true() { b't' } else { b'f' });
    } else if let Ok(number) = value.cast_exact::<PyFloat>() {
        identity::push_float(out, number.value());
    } else if let Some(number) =
        value.cast_exact::<PyInt>().ok().and_then(|number| number.extract::<i64>().ok())
    {
        identity::push_integer(out, number);
    } else if depth == MAX_DEPTH {
        push_other(out, value, other)?;
    } else if let Ok(list) = value.cast_exact::<PyList>() {
        out.push(b'l');
        for part in list.iter() {
            identity::push_frame(out, |out| push(out, &part, other, depth + 1))?;
        }
    } else if let Some(mut fields) = value.cast_exact::<PyDict>().ok().and_then(fields) {
        out.push(b'o');
        fields.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        for (name, part) in fields {
            identity::push_frame(out, |out| {
                out.extend_from_slice(name.as_bytes());
                PyResult::Ok(())
            })?;
            identity::push_frame(out, |out| push(out, &part, other, depth + 1))?;
        }
    } else {
        push_other(out, value, other)?;
    }
    Ok(())
}

/// Fields that are not null, where all names are plain texts. Bytes sort as code points do.
fn fields<'py>(object: &Bound<'py, PyDict>) -> Option<Vec<(String, Bound<'py, PyAny>)>> {
    let mut found = Vec::with_capacity(object.len());
    for (name, part) in object.iter() {
        let name = Utf8::of(name.cast_into_exact::<PyString>().ok()?).ok()?;
        if !part.is_none() {
            found.push((std::str::from_utf8(name.bytes().ok()?).ok()?.to_owned(), part));
        }
    }
    Some(found)
}

fn push_other(
    out: &mut Vec<u8>,
    value: &Bound<'_, PyAny>,
    other: &Bound<'_, PyAny>,
) -> PyResult<()> {
    out.extend_from_slice(other.call1((value,))?.cast::<PyBytes>()?.as_bytes());
    Ok(())
}
