//! Bindings of `judgefast_core::outcomes`.

use judgefast_core::batches::Mode;
use judgefast_core::outcomes::{self, Judgments, Labels, OneFailed, Outcomes, Rule, Verdicts};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::boundary::{detached, to_python};

/// The plan: attributes of one Python object.
#[derive(FromPyObject)]
pub(crate) struct PlanArg<'py> {
    item: PyReadonlyArray1<'py, u32>,
    first: PyReadonlyArray1<'py, u16>,
    second: PyReadonlyArray1<'py, u16>,
    repeat: PyReadonlyArray1<'py, u16>,
    aspect: PyReadonlyArray1<'py, u16>,
    shown: PyReadonlyArray1<'py, u16>,
    shown_offsets: PyReadonlyArray1<'py, i64>,
}

/// The verdicts: attributes of one Python object.
#[derive(FromPyObject)]
pub(crate) struct VerdictsArg<'py> {
    status: PyReadonlyArray1<'py, u8>,
    choice: PyReadonlyArray1<'py, u8>,
    score: PyReadonlyArray1<'py, f64>,
    strength: PyReadonlyArray1<'py, f64>,
    p_labels: PyReadonlyArray2<'py, f32>,
    label_mass: PyReadonlyArray1<'py, f32>,
}

/// What the labels mean: attributes of one Python object.
#[derive(FromPyObject)]
pub(crate) struct LabelsArg<'py> {
    choice: PyReadonlyArray1<'py, u8>,
    score: PyReadonlyArray1<'py, f64>,
    strong: PyReadonlyArray1<'py, u8>,
    graded: bool,
}

/// The columns of `OutcomeColumns`, in its order.
type OutcomeArrays<'py> = (
    (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<u16>>, Bound<'py, PyArray1<u16>>),
    (Bound<'py, PyArray1<u16>>, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<u8>>),
    (Bound<'py, PyArray1<u8>>, Bound<'py, PyArray1<u8>>),
    (Bound<'py, PyArray1<f32>>, Bound<'py, PyArray1<f32>>, Bound<'py, PyArray1<f32>>),
    (Bound<'py, PyArray1<f32>>, Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<u32>>),
);

/// Reconcile the verdicts of a plan.
#[pyfunction]
#[pyo3(signature = (plan, verdicts, labels, baseline, *, mode, rule, one_failed))]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
#[allow(clippy::too_many_arguments, reason = "the settings of a run, named by keyword")]
pub(crate) fn reconcile<'py>(
    py: Python<'py>,
    plan: PlanArg<'py>,
    verdicts: VerdictsArg<'py>,
    labels: LabelsArg<'py>,
    baseline: Option<PyReadonlyArray1<'py, u16>>,
    mode: &str,
    rule: &str,
    one_failed: &str,
) -> PyResult<OutcomeArrays<'py>> {
    let settings = outcomes::Settings {
        mode: Mode::named(mode).map_err(to_python)?,
        rule: Rule::named(rule).map_err(to_python)?,
        one_failed: OneFailed::named(one_failed).map_err(to_python)?,
        labels: Labels {
            choice: labels.choice.as_slice()?,
            score: labels.score.as_slice()?,
            strong: labels.strong.as_slice()?,
            graded: labels.graded,
        },
        baseline: baseline.as_ref().map(PyReadonlyArray1::as_slice).transpose()?,
    };
    let judgments = Judgments {
        item: plan.item.as_slice()?,
        first: plan.first.as_slice()?,
        second: plan.second.as_slice()?,
        repeat: plan.repeat.as_slice()?,
        aspect: plan.aspect.as_slice()?,
        shown: plan.shown.as_slice()?,
        shown_offsets: plan.shown_offsets.as_slice()?,
    };
    let read = Verdicts {
        status: verdicts.status.as_slice()?,
        choice: verdicts.choice.as_slice()?,
        score: verdicts.score.as_slice()?,
        strength: verdicts.strength.as_slice()?,
        p_labels: verdicts.p_labels.as_slice()?,
        label_mass: verdicts.label_mass.as_slice()?,
    };
    let columns = detached(py, || outcomes::reconcile(&judgments, &read, &settings))?;
    Ok(arrays(py, columns))
}

fn arrays(py: Python<'_>, columns: Outcomes) -> OutcomeArrays<'_> {
    (
        (
            columns.item.into_pyarray(py),
            columns.candidate.into_pyarray(py),
            columns.baseline.into_pyarray(py),
        ),
        (
            columns.aspect.into_pyarray(py),
            columns.value.into_pyarray(py),
            columns.weight.into_pyarray(py),
        ),
        (columns.status.into_pyarray(py), columns.position.into_pyarray(py)),
        (
            columns.p_win.into_pyarray(py),
            columns.p_tie.into_pyarray(py),
            columns.p_loss.into_pyarray(py),
        ),
        (
            columns.label_mass.into_pyarray(py),
            columns.first_judgment.into_pyarray(py),
            columns.judgments.into_pyarray(py),
        ),
    )
}
