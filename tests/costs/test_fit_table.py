"""What is told of a fit's errors beyond its folds: by model, of all rows, and of our own rows."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from judgefast.catalogue.gpus import find_gpu
from judgefast.catalogue.throughput import Measured, read_fitted, read_measured
from judgefast.costs.efficiencies import efficiencies_of
from judgefast.costs.fit import KINDS, Case, fit, has_room, predict, workload_of
from judgefast.costs.fit_table import Table, left_out, summary
from judgefast.costs.ranges import Range

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
DENSE = "vLLM, dense"


def own(rows: Sequence[Measured]) -> list[Measured]:
    return [row for row in rows if row.cached_tokens]


def test_our_rows_are_the_raw_blocks_of_their_records() -> None:
    rows = own(list(read_measured().values()))
    assert len(rows) == 3
    for row in rows:
        record = json.loads((ROOT / row.source.split(" ")[0]).read_text("utf-8"))
        blocks = [block for block in record["blocks"] if block["raw"]]
        ended = sum(block["ended"] for block in blocks)
        seconds = sum(block["seconds"] for block in blocks)
        computed = sum(block["computed"] for block in blocks) / ended
        cached = sum(block["cached"] for block in blocks) / ended
        assert row.output_tokens_per_second == pytest.approx(ended / seconds, abs=1e-3)
        assert row.prompt_tokens == pytest.approx(computed + cached, abs=0.06)
        assert row.cached_tokens == pytest.approx(cached, abs=0.06)
        assert record["max_tokens"] == row.answer_tokens == 1
        facts = record["facts"]
        assert (row.version, row.users) == (facts["vllm"], facts["max_num_seqs"])
        assert row.batched_tokens == facts["max_num_batched_tokens"]


def test_each_of_our_rows_is_predicted_within_20_percent_without_itself_and_its_model(
    cases: list[Case],
) -> None:
    kind = next(kind for kind in KINDS if kind.key == DENSE)
    seen = [
        case
        for case in cases
        if case.row.engine == "vLLM"
        and case.shape.experts <= 1
        and has_room(case)
        and kind.fits(case.row)
    ]
    borrowed = read_fitted()["TensorRT-LLM, dense"].sequence_seconds
    errors = {}
    for case in own_cases(seen):
        without, _ = fit(kind, [each for each in seen if each != case], borrowed)
        size = case.shape.parameters
        strange, _ = fit(kind, [each for each in seen if each.shape.parameters != size], borrowed)
        errors[case.row.prompt_tokens, case.row.model] = tuple(
            predict(case, fitted) / case.row.output_tokens_per_second - 1
            for fitted in (without, strange)
        )
    assert len(errors) == 3
    assert all(abs(itself) < 0.06 for itself, _ in errors.values()), errors
    assert all(abs(model) < 0.11 for _, model in errors.values()), errors


def own_cases(cases: Sequence[Case]) -> list[Case]:
    return [case for case in cases if case.row.cached_tokens]


def test_the_range_of_an_estimate_holds_what_we_measured(cases: list[Case]) -> None:
    fitted = read_fitted()[DENSE]
    for case in own_cases(cases):
        row = case.row
        reached = efficiencies_of(
            gpu=find_gpu(row.gpu), shape=case.shape, weights=row.weights, workload=workload_of(row)
        )
        assert (reached.basis, reached.error) == ("fitted", 0.20)
        seconds = Range.within(10_000 / predict(case, fitted), reached.error)
        assert seconds.low < 10_000 / row.output_tokens_per_second < seconds.high
        assert seconds.likely == pytest.approx(10_000 / row.output_tokens_per_second, rel=0.06)


def test_errors_without_a_model_are_told_beside_those_of_the_folds(found: Table) -> None:
    kept = read_fitted()
    for key, least, most in (("vLLM, dense", 0.06, 0.08), ("TensorRT-LLM, dense", 0.08, 0.10)):
        rows = [each for each in found.by_model if each.kind == key]
        errors = summary(rows)
        assert errors.rows == kept[key].rows
        assert least < errors.median < most
        assert kept[key].model_median == pytest.approx(errors.median, abs=0.01)
        assert kept[key].model_most == pytest.approx(errors.most, abs=0.01)
        assert kept[key].model_worst == pytest.approx(errors.worst, abs=0.01)
        assert errors.median > kept[key].median
    # All rows with experts are of one model: there is nothing to leave out.
    assert not [each for each in found.by_model if "experts" in each.kind]
    assert kept["vLLM, experts"].model_most is None


def test_a_model_is_predicted_without_any_of_its_rows(cases: list[Case]) -> None:
    kind = next(kind for kind in KINDS if kind.key == "TensorRT-LLM, dense")
    few = [case for case in cases if case.row.engine == kind.engine and kind.fits(case.row)][::6]
    few = [case for case in few if has_room(case)]
    small = {case.row.key for case in few if "8B" in case.row.model}
    assert 0 < len(small) < len(few)
    told = [
        case._replace(row=replace(case.row, output_tokens_per_second=7.0))
        if case.row.key in small
        else case
        for case in few
    ]
    first, second = (
        {
            each.row.key: each.tokens_per_second
            for each in left_out(kind, some, lambda case: case.shape.parameters)
        }
        for some in (few, told)
    )
    assert {key: first[key] for key in small} == {key: second[key] for key in small}
    assert first != second


def test_nothing_left_out_is_every_row_without_the_factor_for_a_date(
    found: Table, cases: list[Case]
) -> None:
    assert sorted(each.row.key for each in found.whole) == sorted(case.row.key for case in cases)
    kept = read_fitted()
    assert sum(fitted.all_rows for fitted in kept.values()) == len(cases) == 370
    for key, fitted in kept.items():
        sizes = [abs(each.error) for each in found.whole if each.kind == key]
        assert fitted.all_rows == len(sizes)
        assert fitted.all_median == pytest.approx(median(sizes), abs=0.01)
        assert fitted.all_worst == pytest.approx(max(sizes), abs=0.01)
    assert {key: fitted.dated for key, fitted in kept.items() if fitted.dated} == {DENSE: 45}
    assert kept[DENSE].all_worst is not None
    assert kept[DENSE].all_worst > 2 * kept[DENSE].worst


def test_the_page_tells_these_figures() -> None:
    page = " ".join((ROOT / "docs/costs.md").read_text("utf-8").split())
    for key, fitted in read_fitted().items():
        assert fitted.all_median is not None
        assert fitted.all_worst is not None
        everything = f"{fitted.all_median:.1%}, {fitted.all_worst:.1%}".replace("%", " %")
        cells = [
            key,
            f"{fitted.rows} of {fitted.all_rows}",
            f"{fitted.median:.1%}, {fitted.worst:.1%}".replace("%", " %"),
            "one model"
            if fitted.model_median is None
            else f"{fitted.model_median:.1%}, {fitted.model_worst:.1%}".replace("%", " %"),
            everything,
        ]
        assert f"| {' | '.join(cells)} |" in page
