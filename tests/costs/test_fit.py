"""Efficiencies are fitted in folds, reproduced, and hold to the errors that are promised."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import pytest

from judgefast.catalogue.gpus import read_gpus
from judgefast.catalogue.models import read_models
from judgefast.catalogue.throughput import Measured, read_fitted, read_measured
from judgefast.costs.fit import (
    Case,
    cases_of,
    fit,
    has_room,
    kind_of,
    predict,
)
from judgefast.costs.fit_table import FOLDS, Predicted, Table, fold_of, summary
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def of(found: Table, model: str, gpu: str, gpus: int, *, seen: bool = True) -> list[Predicted]:
    return [
        each
        for each in found.predicted
        if model in each.row.model
        and (each.row.gpu, each.row.gpus) == (gpu, gpus)
        and each.kind.endswith("unseen") != seen
    ]


def test_70b_in_8_bits_on_one_h200_is_predicted_as_promised(found: Table) -> None:
    errors = summary(of(found, "70B", "H200-SXM", 1))
    assert errors.rows == 62
    assert errors.median <= 0.08
    assert errors.worst <= 0.27
    for engine, rows in (("vLLM", 15), ("TensorRT-LLM", 47)):
        own = [each for each in of(found, "70B", "H200-SXM", 1) if each.row.engine == engine]
        assert summary(own).rows == rows
        assert summary(own).median <= 0.08
        assert summary(own).worst <= 0.27


def test_other_rows_stay_as_they_are_told(found: Table) -> None:
    told = {
        ("70B", "H200-SXM", 2): (57, 0.05, 0.30),
        ("70B", "H100-SXM", 2): (46, 0.05, 0.30),
        ("8B", "H100-SXM", 1): (22, 0.07, 0.15),
        ("8B", "H200-SXM", 1): (22, 0.06, 0.16),
        ("gpt-oss-120b", "H200-SXM", 1): (23, 0.07, 0.20),
        ("gpt-oss-120b", "H200-SXM", 2): (15, 0.07, 0.20),
        ("gpt-oss-120b", "H100-SXM", 2): (16, 0.10, 0.36),
        ("Qwen3-32B", "H100-SXM", 2): (18, 0.07, 0.20),
    }
    for (model, gpu, gpus), (rows, middle, worst) in told.items():
        errors = summary(of(found, model, gpu, gpus))
        assert errors.rows == rows
        assert errors.median <= middle, model
        assert errors.worst <= worst, model


def test_the_package_has_the_efficiencies_that_the_rows_come_to(found: Table) -> None:
    kept = read_fitted()
    assert list(kept) == list(found.fitted)
    for key, fitted in found.fitted.items():
        numbers = {
            name: value
            for name, value in msgspec.structs.asdict(fitted).items()
            if isinstance(value, float) and name not in {"median", "most", "worst"}
        }
        for name, value in numbers.items():
            assert getattr(kept[key], name) == pytest.approx(value, rel=0.02, abs=2e-7), name
        assert kept[key].rows == fitted.rows
        for name in ("median", "most", "worst"):
            assert getattr(kept[key], name) == pytest.approx(getattr(fitted, name), abs=0.01)


def test_every_row_is_predicted_once_or_excluded_for_want_of_room(
    found: Table, cases: list[Case]
) -> None:
    keys = [each.row.key for each in found.predicted] + [row.key for row in found.excluded]
    assert sorted(keys) == sorted(case.row.key for case in cases)
    assert {(row.gpu, row.gpus) for row in found.excluded} == {("H100-SXM", 1)}
    assert all("70B" in row.model for row in found.excluded)
    assert len(found.excluded) == 13


def test_a_row_is_predicted_by_a_fit_that_has_not_seen_it(cases: list[Case]) -> None:
    # Its own figure may say anything: what is predicted of it stays.
    few = [case for case in cases if case.row.engine == "vLLM" and case.shape.experts > 1]
    few = [case for case in few if case.row.users]
    first = few[0]
    row = msgspec.structs.replace(
        first.row, output_tokens_per_second=9 * first.row.output_tokens_per_second
    )
    kind = kind_of(first.row, experts=True)
    others = [case for case in few if fold_of(case.row.key) != fold_of(first.row.key)]
    fitted, old = fit(kind, others)
    assert predict(first, fitted, old) == predict(first._replace(row=row), fitted, old)
    assert first not in others
    assert 0 < len(others) < len(few)


def test_folds_go_by_the_hash_of_the_key() -> None:
    keys = list(read_measured())
    assert FOLDS == 5
    assert [fold_of(key) for key in keys] == [
        int.from_bytes(hashlib.sha256(key.encode()).digest(), "big") % 5 for key in keys
    ]
    assert min([fold_of(key) for key in keys].count(fold) for fold in range(5)) > 50


def test_a_fit_finds_the_efficiencies_that_rows_were_made_with(cases: list[Case]) -> None:
    kind = kind_of(cases[0].row, experts=False)
    seen = [case for case in cases if kind.fits(case.row) and case.row.engine == kind.engine][::4]
    seen = [case for case in seen if has_room(case)]
    made = msgspec.structs.replace(
        read_fitted()[kind.key],
        mfu=0.5,
        cache=0.7,
        cache_8bit=0.7,
        step_seconds=0.004,
        sequence_seconds=6e-6,
    )
    planted = [
        case._replace(
            row=msgspec.structs.replace(
                case.row, output_tokens_per_second=predict(case, made, old=1.3)
            )
        )
        for case in seen
    ]
    fitted, old = fit(kind, planted)
    assert (fitted.mfu, fitted.cache) == (
        pytest.approx(0.5, rel=0.01),
        pytest.approx(0.7, rel=0.01),
    )
    assert fitted.step_seconds == pytest.approx(0.004, rel=0.02)
    assert fitted.sequence_seconds == pytest.approx(6e-6, rel=0.05)
    assert old == pytest.approx(1.3, rel=0.01)


def test_rows_are_those_of_the_catalogue_they_were_brought_from(shared: Path) -> None:
    lines = (shared / "catalog/throughput.jsonl").read_text("utf-8").splitlines()
    theirs = {row["key"]: row for row in map(msgspec.json.decode, lines)}
    public = {key: row for key, row in read_measured().items() if not row.cached_tokens}
    assert len(public) == 367
    for key, row in public.items():
        from_ = theirs[key]
        drawn = 0.9 if row.settings and "InferenceX" in row.settings else 1.0
        assert row.output_tokens_per_second == pytest.approx(from_["output_tok_s"], abs=0.06)
        assert row.prompt_tokens == pytest.approx(from_["isl"] * drawn, abs=0.06)
        assert row.answer_tokens == pytest.approx(from_["osl"] * drawn, abs=0.06)
        assert (row.users, row.gpus) == (from_["concurrency"], from_["num_gpus"])
        assert (row.engine, row.version, row.gpu) == (
            from_["engine"],
            from_["engine_version"],
            from_["gpu"],
        )
        assert row.source == from_["source"]


def test_rows_of_unknown_things_are_named() -> None:
    row = next(iter(read_measured().values()))
    lost = msgspec.structs.replace(row, model="no-such-model")
    with pytest.raises(ConfigError, match="of a model or a GPU that has no sizes here"):
        cases_of([lost], read_models(), read_gpus())
    with pytest.raises(ConfigError, match="no efficiencies are fitted for SGLang"):
        kind_of(msgspec.structs.replace(row, engine="SGLang"), experts=False)


def test_errors_are_summed_up_by_size_and_by_sign() -> None:
    row = next(iter(read_measured().values()))
    base = msgspec.structs.replace(row, output_tokens_per_second=100.0)
    some = [Predicted(base, "x", 100.0 + off) for off in (-20, -1, 2, 3, 10)]
    errors = summary(some)
    assert (errors.rows, errors.median, errors.worst) == (
        5,
        pytest.approx(0.03),
        pytest.approx(0.2),
    )
    assert errors.mean == pytest.approx(-0.012)
    assert isinstance(base, Measured)
