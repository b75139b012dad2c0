"""Runs over real decision servers: all questions of a state at once, and what the report says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import UNSET

import judgefast
from tests.engines.decisions.servers import serve_llama, serve_sparrow
from tests.engines.decisions.tiny_gguf import write_tiny_gguf
from tests.engines.http.judging import KEY
from tests.pipeline.judging import pairs

if TYPE_CHECKING:
    from pathlib import Path


def test_a_server_answers_all_aspects_of_a_state_in_one_request(tmp_path: Path) -> None:
    rows = [{"id": f"q{n}", "question": "Is it so?", "answer": f"{n} is so."} for n in range(4)]
    options = {"rubric": "aspects-1-5", "engine": "decisions"}
    with serve_sparrow() as url:
        run = judgefast.run(rows, out=tmp_path / "run", base_url=[url], **options)
    operations, results = run.report.operations, run.report.results
    assert (operations.requests, operations.attempts, results.counts.parsed) == (4, 4, 12)
    verdicts = run.table("verdicts").to_pylist()
    assert {row["status"] for row in verdicts} == {"parsed"}
    # each aspect by its own question: no two of one state say the same
    for row in rows:
        own = [tuple(each["p_labels"]) for each in verdicts if each["item_id"] == row["id"]]
        assert len(set(own)) == 3
    assert results.options is not UNSET
    assert results.options.times == {"1": 12}
    assert results.label_mass is None
    assert operations.price is not UNSET
    assert "one's own" in operations.price.unknown


def test_what_the_place_of_an_option_does_to_a_server_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model of random weights decides by noise and by the place, and is caught at it."""
    monkeypatch.setenv("JUDGEFAST_API_KEY", KEY)
    given = {"usd_per_million_tokens": 0.1}
    options = {"rubric": "pairwise", "engine": "decisions", "engine_args": given}
    with serve_llama(write_tiny_gguf(tmp_path / "m.gguf", "openjev")) as url:
        run = judgefast.run(pairs(4), out=tmp_path / "run", base_url=[url], **options)
    orders, price = run.report.results.options, run.report.operations.price
    assert orders is not UNSET
    assert price is not UNSET
    assert orders.times == {"2": 8}
    assert orders.slot_gain is not None
    assert orders.slot_gain.value is not None
    assert orders.slot_gain.value > 0.05
    assert orders.option_flip_rate is not None
    assert orders.option_flip_rate.value == 1
    tokens = run.report.operations.tokens.prompt
    assert tokens is not None
    assert (price.by, price.prompt_tokens) == ("given", tokens)
    assert price.usd_per_1000 == pytest.approx(tokens * 0.1 / 1e6 / 8 * 1000)
