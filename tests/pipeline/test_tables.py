"""Tables say what the data, the recordings and the rules say, whoever reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import polars as pl
import pytest

import judgefast
from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.pipeline import counted_texts, judgment_rows, tables
from judgefast.pipeline.results import read_run
from judgefast.pipeline.verdict_words import reasons_of
from judgefast.prompts.verdict_format import VerdictFormat
from judgefast.reports.judgments import judgments_schema
from tests.best_of_three import RUBRIC
from tests.recorded import Row, letter_of, pairs, reasoned, record

if TYPE_CHECKING:
    from pathlib import Path

UNREAD, UNSAID = 3, 5


def said(row: Row, order: str) -> str | None:
    """Gold, but one text that holds no verdict, and one order that was never recorded."""
    ids = [each["id"] for each in pairs()]
    if row["id"] == ids[UNREAD]:
        return "Both have merits."
    return None if row["id"] == ids[UNSAID] and order == "ba" else reasoned(row, order)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> judgefast.Run:
    return judgefast.run(
        pairs(),
        rubric="pairwise-reasons",
        engine="replay",
        recorded=record(pairs(), said),
        out=tmp_path_factory.mktemp("runs") / "pairs",
    )


def by_item(run: judgefast.Run, name: str = "judgments") -> dict[str, Row]:
    return {row["item_id"]: row for row in run.table(name).to_pylist()}


def test_a_wide_row_holds_the_item_both_judgments_and_what_came_of_them(
    run: judgefast.Run,
) -> None:
    wide = by_item(run)
    assert len(wide) == len(pairs())
    for number, row in enumerate(pairs()):
        found = wide[row["id"]]
        assert found["question"] == row["question"]
        assert (found["baseline"], found["candidate"]) == (row["model_a"], row["model_b"])
        assert found["baseline_answer"] == row["answer_a"]
        assert found["candidate_answer"] == row["answer_b"]
        assert (found["baseline_index"], found["candidate_index"]) == (0, 1)
        assert found["gold"] == row["gold"]
        assert json.loads(found["meta"]) == row["meta"]
        for prefix, order in (("forward", "ab"), ("swapped", "ba")):
            assert found[f"{prefix}_text"] == said(row, order)
            is_read = number != UNREAD and (number, order) != (UNSAID, "ba")
            assert (found[f"{prefix}_status"] == "parsed") == is_read
            assert found[f"{prefix}_verdict"] == (row["gold"] if is_read else None)
            reason = f"{row['id']} in {order}: « é »"
            assert found[f"{prefix}_reason"] == (reason if is_read else None)
        value = {"a": 0.0, "b": 1.0, "tie": 0.5}[row["gold"]]
        scored = number not in {UNREAD, UNSAID}
        assert found["value"] == (value if scored else None)
        assert found["weight"] == (1 if scored else None)
    ids = [row["id"] for row in pairs()]
    assert wide[ids[UNREAD]]["status"] == "missing"
    assert wide[ids[UNREAD]]["forward_status"] == "no_verdict"
    assert wide[ids[UNSAID]]["status"] == "one_order_missing"
    assert wide[ids[UNSAID]]["swapped_status"] == "engine_error"


def test_a_verdict_is_as_shown_and_its_span_cuts_it_out_of_the_text(run: judgefast.Run) -> None:
    rows = run.table("verdicts").to_pylist()
    data = {row["id"]: row for row in pairs()}
    keys = {row["forward_key"] for row in by_item(run).values()}
    keys |= {row["swapped_key"] for row in by_item(run).values()}
    assert {row["key"].hex() for row in rows} == keys
    assert len(rows) == len(keys) == 2 * len(data)
    for row in rows:
        order = {"forward": "ab", "swapped": "ba"}[row["order"]]
        assert row["text"] == said(data[row["item_id"]], order)
        if row["status"] != "parsed":
            assert row["choice"] is row["span"] is row["strength"] is None
            assert row["attempt"] == (1 if row["status"] == "no_verdict" else None)
            continue
        letter = letter_of(data[row["item_id"]], order)
        assert row["choice"] == {"A": "first", "B": "second", "C": "tie"}[letter]
        span = slice(row["span"]["start"], row["span"]["end"])
        assert row["text"].encode()[span] == f'"{letter}"'.encode()
        assert (row["attempt"], row["repeat"], row["format"]) == (1, 0, "json")
    assert len({row["parse_hash"] for row in rows}) == 1


@pytest.mark.parametrize("name", tables.table_names())
def test_polars_duckdb_and_pandas_read_every_table(run: judgefast.Run, name: str) -> None:
    table = run.table(name)
    table.validate(full=True)
    assert pl.DataFrame(table).height == table.num_rows
    assert len(table.to_pandas()) == table.num_rows
    counted = duckdb.from_arrow(run.batches(name)).aggregate("count(*)")
    assert counted.fetchall() == [(table.num_rows,)]
    assert table.schema.equals(tables.table_source(name).schema())


def test_a_format_without_labels_has_no_probabilities_rather_than_none_of_them() -> None:
    lists = tables._lists(np.zeros((2, 0), np.float32), np.array([0, 2]))
    assert lists.to_pylist() == [None, None]
    some = np.array([[0.25, 0.75], [np.nan, np.nan]], np.float32)
    lists = tables._lists(some, np.array([2, 2]))
    assert lists.to_pylist() == [[0.25, 0.75], None]


def test_the_wide_table_has_the_documented_schema(run: judgefast.Run) -> None:
    assert run.table().schema.equals(judgments_schema(), check_metadata=True)


def test_an_unknown_table_gets_a_suggestion(run: judgefast.Run) -> None:
    with pytest.raises(
        ConfigError, match="no table named `judgements`; tables: judgments, ver"
    ) as e:
        run.table("judgements")
    assert e.value.hint == "did you mean `judgments`?"


def test_small_batches_and_spread_texts_give_the_same_rows(
    run: judgefast.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {name: run.table(name) for name in ("judgments", "verdicts")}
    monkeypatch.setattr(judgment_rows, "BATCH_ITEMS", 5)
    monkeypatch.setattr(tables, "BATCH_ROWS", 9)
    monkeypatch.setattr(counted_texts, "PART_ROWS", 7)
    for name, table in whole.items():
        batches = list(run.batches(name))
        assert len(batches) == 8
        assert [row for batch in batches for row in batch.to_pylist()] == table.to_pylist()


def test_spread_texts_leave_no_files(
    run: judgefast.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(counted_texts, "PART_ROWS", 10)
    with counted_texts.counted_texts(read_run(run.path)) as texts:
        assert len(list(tmp_path.glob("*/*"))) == 8
        found = texts.slice(8, 25)["text"].to_pylist()
        assert found == run.table("verdicts")["text"][8:25].to_pylist()
        assert texts.slice(3, 3)["text"].to_pylist() == []
    assert list(tmp_path.iterdir()) == []


def test_a_run_without_texts_gives_everything_but_them(tmp_path: Path) -> None:
    data = tmp_path / "pairs.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in pairs()))
    options: dict[str, Any] = {"rubric": "pairwise-reasons", "engine": "replay"}
    kept, bare = (
        judgefast.run(
            data, recorded=record(pairs(), said), out=tmp_path / str(off), no_texts=off, **options
        ).table()
        for off in (False, True)
    )
    texts = {"question", "reference", "candidate_answer", "baseline_answer"}
    for name in kept.column_names:
        if name in texts:
            assert bare[name].null_count == len(bare), name
        else:
            assert bare[name].equals(kept[name]), name


def test_repeats_show_the_first_and_count_them_all(tmp_path: Path) -> None:
    rows = pairs()[:4]
    recorded = record(rows, repeat=0)
    recorded += record(rows, lambda row, order: reasoned(row, order) + " Again.", repeat=1)
    run = judgefast.run(
        rows,
        rubric="pairwise-reasons",
        engine="replay",
        recorded=recorded,
        repeats=2,
        out=tmp_path / "r",
    )
    for found in by_item(run).values():
        assert found["judgments"] == 4
        assert not found["forward_text"].endswith("Again.")
        assert not found["swapped_text"].endswith("Again.")
    assert run.table("verdicts")["repeat"].to_pylist().count(1) == 8


@pytest.mark.parametrize("repeats", [1, 2])
def test_one_order_fills_its_own_columns_alone(tmp_path: Path, repeats: int) -> None:
    run = judgefast.run(
        pairs(),
        rubric="pairwise-reasons",
        engine="replay",
        recorded=[row for number in range(repeats) for row in record(pairs(), repeat=number)],
        orders="one",
        repeats=repeats,
        out=tmp_path / "r",
    )
    data = {row["id"]: row for row in pairs()}
    filled = set()
    for item_id, found in by_item(run).items():
        (order,) = [each for each in ("forward", "swapped") if found[f"{each}_key"]]
        other = {"forward": "swapped", "swapped": "forward"}[order]
        assert all(found[name] is None for name in found if name.startswith(other))
        short = {"forward": "ab", "swapped": "ba"}[order]
        assert found[f"{order}_text"] == reasoned(data[item_id], short)
        filled.add(order)
    assert filled == {"forward", "swapped"}


def test_a_named_baseline_turns_the_row_around_and_keeps_its_verdicts(tmp_path: Path) -> None:
    run = judgefast.run(
        pairs(),
        rubric="pairwise-reasons",
        engine="replay",
        recorded=record(pairs()),
        baseline="beacon",
        out=tmp_path / "r",
    )
    for row in pairs():
        found = by_item(run)[row["id"]]
        assert (found["candidate"], found["baseline"]) == ("atlas", "beacon")
        mine = "a" if row["model_a"] == "atlas" else "b"
        assert found["candidate_answer"] == row[f"answer_{mine}"]
        assert found["value"] == (0.5 if row["gold"] == "tie" else float(row["gold"] == mine))
        assert found["forward_verdict"] == found["swapped_verdict"] == row["gold"]


def test_scores_and_probabilities_of_one_answer(tmp_path: Path) -> None:
    rows = [
        {"id": name, "question": "Q?", "answer": "A", "model": "m", "gold": gold}
        for name, gold in (("good", 1.0), ("bad", 0.0))
    ]
    recorded = [
        {"id": "good", "text": "", "logprobs": np.log([0.6, 0.2]).tolist()},
        {"id": "bad", "text": "", "logprobs": np.log([0.1, 0.7]).tolist()},
    ]
    run = judgefast.run(
        rows, rubric="few-shot-quality", engine="replay", recorded=recorded, out=tmp_path / "r"
    )
    labels = [
        label.text.strip() for label in judgefast.load_rubric("few-shot-quality").verdict.labels
    ]
    found = by_item(run)
    assert found["good"]["forward_verdict"] == labels[0]
    assert found["bad"]["forward_verdict"] == labels[1]
    assert found["good"]["value"] == pytest.approx(0.75)
    assert found["good"]["label_mass"] == pytest.approx(0.8)
    assert found["good"]["baseline"] is found["good"]["swapped_key"] is None
    assert found["good"]["gold"] == "1"
    verdict = by_item(run, "verdicts")["good"]
    assert verdict["p_labels"] == pytest.approx([0.75, 0.25])
    assert (verdict["order"], verdict["span"]) == (None, None)
    outcome = by_item(run, "outcomes")["bad"]
    assert outcome["value"] == pytest.approx(0.125)
    assert (outcome["candidate_model"], outcome["baseline"]) == ("m", None)


def test_a_conversation_is_a_json_array_of_its_turns(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "=1+1"}]
    rows = [
        {"id": "talk", "question": turns, "answer_a": "x", "answer_b": turns, "gold": "a"},
        {"id": "text", "question": "Q", "answer_a": "x", "answer_b": "y", "gold": "a"},
    ]
    run = judgefast.run(
        rows,
        rubric="pairwise-reasons",
        engine="replay",
        recorded=record(rows),
        out=tmp_path / "r",
    )
    found = by_item(run)
    assert json.loads(found["talk"]["question"]) == turns
    assert json.loads(found["talk"]["candidate_answer"]) == turns
    assert (found["talk"]["baseline_answer"], found["text"]["question"]) == ("x", "Q")


@pytest.mark.parametrize(
    ("text", "span", "reason"),
    [
        ('{"reason": "x {y} z", "verdict": "A"}', '"A"', "x {y} z"),
        ('{not json} é {"verdict": "A", "reason": "é\\n"}', '"A"', "é\n"),
        ('{"reason": "other"} then {"verdict": "A", "reason": "mine"}', '"A"', "mine"),
        ('{"result": {"verdict": "A", "reason": "inner"}}', '"A"', "inner"),
        ('{"verdict": "A", "reason": "cut he', '"A"', None),
        ('{"verdict": "A", "reason": 3}', '"A"', None),
        ('{"verdict": "A"}', '"A"', None),
        ("A", "", None),
    ],
)
def test_a_reason_is_of_the_object_that_the_verdict_stands_in(
    text: str, span: str, reason: str | None
) -> None:
    scale = VerdictFormat(name="json", low=1, high=2, reason_field="reason")
    start = text.encode().index(span.encode())
    spans = np.array([[start, start + len(span)], [0, 0]], np.uint32)
    aspects = np.zeros(2, np.uint16)
    assert reasons_of([scale], aspects, [text, None], spans) == [reason, None]


def test_a_reason_of_all_aspects_is_not_that_of_one() -> None:
    text = '{"reason": "of all", "tone": {"score": 1}}'
    start = text.index("1")
    spans = np.array([[start, start + 1]], np.uint32)
    tone = VerdictFormat(name="json", low=1, high=2, reason_field="reason", member="tone")
    assert reasons_of([tone], np.zeros(1, np.uint16), [text], spans) == [None]


def test_a_choice_of_three_is_named_by_its_place_in_the_data(tmp_path: Path) -> None:
    rubric = tmp_path / "best-of-3.toml"
    rubric.write_text(RUBRIC)
    answers = [{"model": model, "text": f"by {model}"} for model in ("k", "l", "m")]
    run = judgefast.run(
        [{"id": "x", "question": "Q?", "answers": answers}],
        rubric=rubric,
        engine="replay",
        recorded=[
            {"id": "x", "shown": [0, 1, 2], "text": "Z"},
            {"id": "x", "shown": [2, 1, 0], "text": "X"},
        ],
        out=tmp_path / "r",
    )
    verdicts = run.table("verdicts").to_pylist()
    assert [row["choice"] for row in verdicts] == ["2", "0"]
    rows = run.table().to_pylist()
    assert [row["candidate"] for row in rows] == ["k", "l", "m"]
    assert [row["value"] for row in rows] == [0, 0, 1]
    for row in rows:
        assert (row["forward_verdict"], row["swapped_verdict"]) == ("c", "c")
        assert (row["forward_text"], row["swapped_text"]) == ("Z", "X")
        assert row["candidate_answer"] == f"by {row['candidate']}"
    assert [each.verdict for each in run.show("x").judgments] == ["c", "c"]


def test_a_run_whose_planning_was_cut_short_is_no_empty_run(tmp_path: Path) -> None:
    options: dict[str, Any] = {"rubric": "pairwise-reasons", "engine": "replay"}
    options |= {"recorded": record(pairs()), "out": tmp_path / "r"}
    judgefast.run(pairs(), **options)
    for part in (tmp_path / "r" / "plan").iterdir():
        part.unlink()
    cut = judgefast.Run.open(tmp_path / "r")
    with pytest.raises(RunDirectoryError, match="has no whole plan") as error:
        cut.table()
    assert error.value.hint == f"go on with `judgefast resume {tmp_path / 'r'}`"
    assert judgefast.run(pairs(), **options).report.results.counts.parsed == 72
