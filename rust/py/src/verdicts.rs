//! Binding of `judgefast_core::verdicts`.

use judgefast_core::verdicts::{self, Choice, Columns, FormatSpec, LabelSpec, PatternSpec};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyDict;

use crate::boundary::{detached, to_python, RubricError};

type ParsedColumns<'py> = (
    Bound<'py, PyArray1<u8>>,
    Bound<'py, PyArray1<u8>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray2<u32>>,
    Bound<'py, PyArray1<u8>>,
);

/// Reads the verdicts of one format; made from `VerdictFormat.spec()`.
#[pyclass(frozen)]
pub(crate) struct Parser(verdicts::Parser);

#[pymethods]
impl Parser {
    #[new]
    #[pyo3(signature = (spec, /))]
    fn new(spec: &Bound<'_, PyDict>) -> PyResult<Self> {
        verdicts::Parser::new(format_spec(spec)?).map(Self).map_err(to_python)
    }

    /// Read each text; `cut` is 1 where it ends because its tokens were used up.
    #[pyo3(signature = (texts, cut, /))]
    #[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
    fn parse<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<PyBackedStr>,
        cut: PyReadonlyArray1<'py, u8>,
    ) -> PyResult<ParsedColumns<'py>> {
        let cut = cut.as_slice()?;
        let columns: Columns = detached(py, || self.0.parse(&texts, cut))?;
        let rows = columns.status.len();
        Ok((
            columns.status.into_pyarray(py),
            columns.choice.into_pyarray(py),
            columns.score.into_pyarray(py),
            columns.strength.into_pyarray(py),
            columns.span.into_pyarray(py).reshape([rows, 2])?,
            columns.repaired.into_pyarray(py),
        ))
    }
}

fn format_spec(spec: &Bound<'_, PyDict>) -> PyResult<FormatSpec> {
    let labels: Vec<Bound<'_, PyDict>> = item(spec, "labels")?;
    let patterns: Vec<(String, Option<String>)> = item(spec, "patterns")?;
    Ok(FormatSpec {
        name: item(spec, "name")?,
        labels: labels.iter().map(label_spec).collect::<PyResult<_>>()?,
        low: item(spec, "low")?,
        high: item(spec, "high")?,
        integer: item(spec, "integer")?,
        field: item(spec, "field")?,
        member: item(spec, "member")?,
        patterns: patterns
            .into_iter()
            .map(|(regex, verdict)| PatternSpec { regex, verdict })
            .collect(),
        which: item(spec, "which")?,
        lenient: item(spec, "lenient")?,
        source_rule: item(spec, "source_rule")?,
    })
}

fn label_spec(label: &Bound<'_, PyDict>) -> PyResult<LabelSpec> {
    let score: Option<f64> = item(label, "score")?;
    let strength: Option<f64> = item(label, "strength")?;
    Ok(LabelSpec {
        text: item(label, "text")?,
        choice: choice(label)?,
        score: score.unwrap_or(f64::NAN),
        strength: strength.unwrap_or(f64::NAN),
    })
}

#[derive(FromPyObject)]
enum RawChoice {
    Position(u8),
    Word(String),
}

fn choice(label: &Bound<'_, PyDict>) -> PyResult<Choice> {
    match item(label, "choice")? {
        None => Ok(Choice::Nothing),
        Some(RawChoice::Position(place)) if place < verdicts::CHOICE_TIE => {
            Ok(Choice::Position(place))
        }
        Some(RawChoice::Position(place)) => {
            Err(RubricError::new_err(format!("a label's `choice` is {place}; allowed: 0 to 253")))
        }
        Some(RawChoice::Word(word)) => match word.as_str() {
            "first" => Ok(Choice::Position(0)),
            "second" => Ok(Choice::Position(1)),
            "tie" => Ok(Choice::Tie),
            _ => Err(RubricError::new_err(format!(
                "a label's `choice` is `{word}`; known: first, second, tie, or a position"
            ))),
        },
    }
}

fn item<'py, T>(dict: &Bound<'py, PyDict>, key: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error: Into<PyErr>>,
{
    let value = dict
        .get_item(key)?
        .ok_or_else(|| RubricError::new_err(format!("the verdict format lacks `{key}`")))?;
    value.extract().map_err(Into::into)
}
