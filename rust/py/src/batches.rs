//! Bindings of `judgefast_core::batches`.

use judgefast_core::batches::{self, keys, Bytes, Mode, Orders, Pairs, Plan};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

use crate::boundary::{detached, to_python};

pub(crate) mod cache;
pub(crate) mod trie;

/// A column of byte strings, as bytes and offsets.
#[derive(FromPyObject)]
pub(crate) struct BytesArg<'py>(PyReadonlyArray1<'py, u8>, PyReadonlyArray1<'py, i64>);

impl BytesArg<'_> {
    fn column(&self, name: &'static str) -> PyResult<Bytes<'_>> {
        Bytes::new(name, self.0.as_slice()?, self.1.as_slice()?).map_err(to_python)
    }
}

/// The items of a batch: attributes of one Python object.
#[derive(FromPyObject)]
pub(crate) struct ItemsArg<'py> {
    item_ids: Vec<PyBackedStr>,
    question_sha256: BytesArg<'py>,
    reference_sha256: BytesArg<'py>,
    answer_sha256: BytesArg<'py>,
    answer_offsets: PyReadonlyArray1<'py, i64>,
    baseline: PyReadonlyArray1<'py, i64>,
    base: u32,
}

/// `item, first, second, shown, shown_offsets, swapped, repeat, aspect, key, prefix_group`.
type PlanArrays<'py> = (
    Bound<'py, PyArray1<u32>>,
    Bound<'py, PyArray1<u16>>,
    Bound<'py, PyArray1<u16>>,
    Bound<'py, PyArray1<u16>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u8>>,
    Bound<'py, PyArray1<u16>>,
    Bound<'py, PyArray1<u16>>,
    Bound<'py, PyArray1<u8>>,
    Bound<'py, PyArray1<u64>>,
);

/// Plan the judgments of a batch of items.
#[pyfunction]
#[pyo3(signature = (items, *, mode, orders, pairs, repeats, seed, judge, prompt_hashes, aspects))]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
#[allow(clippy::too_many_arguments, reason = "the settings of a run, named by keyword")]
pub(crate) fn plan_requests<'py>(
    py: Python<'py>,
    items: ItemsArg<'py>,
    mode: &str,
    orders: &str,
    pairs: &str,
    repeats: u16,
    seed: u64,
    judge: &str,
    prompt_hashes: Vec<PyBackedStr>,
    aspects: Vec<PyBackedStr>,
) -> PyResult<PlanArrays<'py>> {
    let named = aspects.iter().zip(&prompt_hashes);
    let asked: Vec<_> =
        named.map(|(name, prompt_hash)| keys::Aspect { name, prompt_hash }).collect();
    let settings = batches::Settings {
        mode: Mode::named(mode).map_err(to_python)?,
        orders: Orders::named(orders).map_err(to_python)?,
        pairs: Pairs::named(pairs).map_err(to_python)?,
        repeats,
        seed,
        judge,
        aspects: &asked,
    };
    let columns = batches::Items {
        item_ids: &items.item_ids,
        question_sha256: items.question_sha256.column("question_sha256")?,
        reference_sha256: items.reference_sha256.column("reference_sha256")?,
        answer_sha256: items.answer_sha256.column("answer_sha256")?,
        answer_offsets: items.answer_offsets.as_slice()?,
        baseline: items.baseline.as_slice()?,
        base: items.base,
    };
    let plan = detached(py, || batches::plan_requests(&columns, &settings))?;
    Ok(arrays(py, plan))
}

fn arrays(py: Python<'_>, plan: Plan) -> PlanArrays<'_> {
    (
        plan.item.into_pyarray(py),
        plan.first.into_pyarray(py),
        plan.second.into_pyarray(py),
        plan.shown.into_pyarray(py),
        plan.shown_offsets.into_pyarray(py),
        plan.swapped.into_pyarray(py),
        plan.repeat.into_pyarray(py),
        plan.aspect.into_pyarray(py),
        plan.key.into_pyarray(py),
        plan.prefix_group.into_pyarray(py),
    )
}
