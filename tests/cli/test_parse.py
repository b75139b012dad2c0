"""`judgefast parse` and `judgefast replay`: outputs read again, by another rule."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.recorded import pairs, write_lines

from judgefast.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

REGEX = """[verdict]
name = "regex"
labels = [
  { text = "A", choice = "first" },
  { text = "B", choice = "second" },
  { text = "C", choice = "tie" },
]
patterns = [{ regex = 'verdict": "([ABC])"' }]

"""
SCORES = ('{"score": 4, "reason": "r"}', "{'score': 2}", '{"score": 1', "no", "\x1b[31mI cannot")


@pytest.fixture
def judgefast(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run the program in this process, since its start takes longer than what is tested here."""

    def seen(*args: str) -> str:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["judgefast", *args])
        with pytest.raises(SystemExit) as ended:
            main()
        stdout, stderr = capfd.readouterr()
        return f"exit {ended.value.code}\n--- stdout\n{stdout}--- stderr\n{stderr}"

    return seen


def stdout(seen: str) -> str:
    return seen.split("--- stdout\n")[1].split("--- stderr\n", maxsplit=1)[0]


def scalar(folder: Path, judgefast: Callable[..., str]) -> None:
    rubric = stdout(judgefast("rubrics", "show", "scalar-1-5"))
    start, end = rubric.index("[verdict]"), rubric.index("[decoding]")
    form = '[verdict]\nname = "json"\n\n'
    (folder / "mine.toml").write_text(rubric[:start] + form + rubric[end:])


def audit(judgefast: Callable[..., str], *args: str) -> dict[str, Any]:
    seen = judgefast("parse", *args, "--rubric", "mine.toml", "--json")
    assert seen.startswith("exit 0\n"), seen
    return json.loads(stdout(seen))


def test_outputs_are_counted_by_outcome_strict_and_lenient_in_every_format(
    judgefast: Callable[..., str], folder: Path
) -> None:
    import pyarrow as pa  # noqa: PLC0415 - for one test
    from pyarrow import csv, parquet  # noqa: PLC0415 - as above

    scalar(folder, judgefast)
    rows = [
        {"said": text, "why": "length" if text.endswith("1") else "stop"} for text in SCORES * 2
    ]
    write_lines(folder / "o.jsonl", rows)
    csv.write_csv(pa.Table.from_pylist(rows), folder / "o.csv")
    parquet.write_table(pa.Table.from_pylist(rows), folder / "o.parquet")
    found = [
        audit(judgefast, f"o.{kind}", "--map", "text=said", "--map", "finish_reason=why")
        for kind in ("jsonl", "csv", "parquet")
    ]
    for one in found:
        strict, lenient = one["readings"]
        assert (strict["name"], strict["parsed"]) == ("strict", 2)
        assert strict["unparsed"] == {"truncated": 2, "no_verdict": 4, "malformed": 2}
        assert (lenient["parsed"], lenient["repaired"], lenient["changed"]) == (4, 2, 2)
        assert lenient["changes"] == [{"before": "malformed", "after": "2", "count": 2}]
        assert [each["estimates"][0]["value"] for each in (strict, lenient)] == [4.0, 3.0]
        assert all(len(each["examples"]) == min(each["count"], 3) for each in one["outcomes"])
    seen = judgefast("parse", "o.jsonl", "--rubric", "mine.toml", "--map", "text=said")
    assert "\x1b" not in seen
    assert "o.jsonl:5  \\x1b[31mI cannot" in seen


def test_rows_of_both_orders_give_a_win_rate_by_each_rule_as_the_run_does(
    judgefast: Callable[..., str], folder: Path
) -> None:
    seen = judgefast("parse", "recorded.jsonl", "--rubric", "pairwise-reasons", "--json")
    readings = json.loads(stdout(seen))["readings"]
    rules = {one["rule"]: one["estimates"][0] for one in readings if one["name"] == "strict"}
    assert set(rules) == {"strict", "average", "judgebench", "games", "drop"}
    # The outputs name no models: without them in the pairs, a run goes by place as well.
    nameless = [
        {name: value for name, value in row.items() if not name.startswith("model")}
        for row in pairs()
    ]
    write_lines(folder / "pairs.jsonl", nameless)
    run = ("run", "pairs.jsonl", "--rubric", "pairwise-reasons", "--engine", "replay")
    judgefast(*run, "--recorded", "recorded.jsonl", "--out", "r")
    for rule in ("judgebench", "drop"):
        report = stdout(judgefast("report", "r", "--rule", rule, "--json"))
        assert rules[rule] == json.loads(report)["results"]["estimates"][0]


def test_rows_that_cannot_be_used_are_refused_by_place_or_counted(
    judgefast: Callable[..., str], folder: Path
) -> None:
    scalar(folder, judgefast)
    write_lines(folder / "o.jsonl", [{"text": SCORES[0]}, {"text": 4}, {"txt": "x"}])
    seen = judgefast("parse", "o.jsonl", "--rubric", "mine.toml")
    assert seen.startswith("exit 2\n")
    assert "`o.jsonl`, line 2, field `text`: expected text, saw 4" in seen
    found = audit(judgefast, "o.jsonl", "--on-bad-row", "skip")
    assert found["skipped"] == {"missing_field": 1, "wrong_type": 1}
    write_lines(folder / "n.jsonl", [{"said": "x"}])
    assert "as in --map text=FIELD" in judgefast("parse", "n.jsonl", "--rubric", "mine.toml")
    write_lines(folder / "n.jsonl", [{"text": "nothing"}])
    assert judgefast("parse", "n.jsonl", "--rubric", "mine.toml").startswith("exit 3\n")
    write_lines(folder / "n.jsonl", [{"id": 1, "order": "ab", "text": "x"}] * 2)
    twice = judgefast("parse", "n.jsonl", "--rubric", "pairwise-reasons")
    words = "error: `n.jsonl`, line 2, field `id`: `n.jsonl`, line 1 answers the same judgment\n"
    assert words in twice
    one = {"id": 1, "order": "ab", "text": "x"}
    write_lines(folder / "n.jsonl", [one, one | {"id": 2}])
    write_lines(folder / "o.jsonl", [one | {"id": 3}, *[one | {"id": 2}] * 2])
    twice = judgefast("parse", "n.jsonl", "o.jsonl", "--rubric", "pairwise-reasons")
    assert "`o.jsonl`, line 2, field `id`: `n.jsonl`, line 2 answers the same judgment (2" in twice
    (folder / "n.jsonl").write_text("It is good.\n")
    said = judgefast("parse", "n.jsonl", "--rubric", "mine.toml")
    assert (
        """one JSON object a line, such as {"id": "...", "text": "what the judge wrote"}""" in said
    )
    write_lines(folder / "n.jsonl", [{"id": 1, "text": 5}])
    wrong = judgefast("parse", "n.jsonl", "--rubric", "mine.toml")
    assert "`n.jsonl`, line 1, field `text`: expected text, saw 5" in wrong
    level = judgefast("parse", "not-there.jsonl", "--rubric", "mine.toml", "--level", "2")
    assert level.startswith("exit 2\n")
    assert "`level` is 2.0; it must be above 0 and below 1" in level


def test_each_judge_has_a_headline_of_its_own_and_models_have_their_names(
    judgefast: Callable[..., str], folder: Path
) -> None:
    says = {"strong": "BA", "weak": "AB"}  # the strong one is for the model named new
    rows = [
        {"id": item, "order": order, "judge": judge, "text": f'{{"verdict": "{words[place]}"}}'}
        | {"model_a": "old", "model_b": "new"}
        for item in range(40)
        for judge, words in says.items()
        for place, order in enumerate(("ab", "ba"))
        if judge == "strong" or item < 30
    ]
    write_lines(folder / "j.jsonl", rows)
    seen = judgefast("parse", "j.jsonl", "--rubric", "pairwise-reasons", "--json")
    first = json.loads(stdout(seen))["readings"][0]
    found = {one["slice"]: (one["value"], one["outcomes"]) for one in first["estimates"]}
    assert found["model=new meta.judge=strong"] == (1, 40)
    assert found["model=new meta.judge=weak"] == (0, 30)
    assert all("meta.judge=" in name for name in found)
    alone = [row for row in rows if row["judge"] == "weak"]
    write_lines(folder / "j.jsonl", alone)
    seen = judgefast("parse", "j.jsonl", "--rubric", "pairwise-reasons", "--json")
    first = json.loads(stdout(seen))["readings"][0]
    found = {one["slice"]: one["value"] for one in first["estimates"]}
    assert found["model=new"] == 0
    assert not any("judge" in name for name in found)
    other = alone[1] | {"model_a": "other"}
    write_lines(folder / "j.jsonl", [alone[0], other, *alone[2:]])
    refused = judgefast("parse", "j.jsonl", "--rubric", "pairwise-reasons")
    assert refused.startswith("exit 2\n")
    words = (
        "`j.jsonl`, line 2, field `model_a`: the models are not those of `j.jsonl`, line 1, which"
    )
    assert words in refused


def test_scores_and_shares_of_several_judges_are_not_mixed(
    judgefast: Callable[..., str], folder: Path
) -> None:
    scalar(folder, judgefast)
    scores = {"x": (1, 2), "y y": (5, 5, 5)}
    rows = [
        {"judge": judge, "text": json.dumps({"score": score})}
        for judge, own in scores.items()
        for score in own
    ]
    write_lines(folder / "o.jsonl", [*rows, {"judge": "x", "text": "nothing"}])
    (strict, _) = audit(judgefast, "o.jsonl")["readings"]
    found = [(one["slice"], one["value"], one["missing"]) for one in strict["estimates"]]
    assert found == [("meta.judge=x", 1.5, 1), ('meta.judge="y y"', 5, 0)]
    verdicts = [
        {"judge": judge, "text": f'{{"verdict": "{word}"}}'}
        for judge, words in {"x": "AAB", "y": "BB"}.items()
        for word in words
    ]
    for names in (verdicts, [{"text": row["text"]} for row in verdicts]):
        write_lines(folder / "o.jsonl", names)
        seen = judgefast("parse", "o.jsonl", "--rubric", "pairwise-reasons", "--json")
        estimates = json.loads(stdout(seen))["readings"][0]["estimates"]
        assert {one["name"] for one in estimates} == {"verdict_rate"}
        rates = {one["slice"]: one["value"] for one in estimates}
        if names is verdicts:
            assert rates["verdict=A meta.judge=x"] == pytest.approx(2 / 3)
            assert rates["verdict=B meta.judge=y"] == 1
        else:
            assert (rates["verdict=A"], rates["verdict=B"]) == (0.4, 0.6)


def test_a_run_is_read_by_another_rule_and_kept_as_a_run_of_its_own(
    judgefast: Callable[..., str], folder: Path
) -> None:
    run = ("run", "pairs.jsonl", "--rubric", "pairwise-reasons", "--engine", "replay")
    lines = (folder / "recorded.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    rows[0]["text"] = '{"verdict": "A",}'
    write_lines(folder / "recorded.jsonl", rows)
    assert judgefast(*run, "--recorded", "recorded.jsonl", "--out", "r").startswith("exit 0\n")
    before = stdout(judgefast("report", "r", "--json"))
    rubric = stdout(judgefast("rubrics", "show", "pairwise-reasons"))
    start, end = rubric.index("[verdict]"), rubric.index("[decoding]")
    (folder / "mine.toml").write_text(rubric[:start] + REGEX + rubric[end:])
    seen = judgefast("replay", "r", "--rubric", "mine.toml", "--out", "again", "--json")
    assert seen.startswith("exit 0\n"), seen
    own, other = json.loads(stdout(seen))["readings"]
    assert (own["parsed"], own["unparsed"]) == (71, {"malformed": 1})
    assert (other["parsed"], other["changed"]) == (72, 1)
    assert other["changes"] == [{"before": "malformed", "after": "A", "count": 1}]
    by_rubric = json.loads(stdout(judgefast("report", "r", "--rubric", "mine.toml", "--json")))
    again = json.loads(stdout(judgefast("report", "again", "--json")))
    assert again["results"] == by_rubric["results"] | {"run": "again"}
    assert stdout(judgefast("report", "r", "--json")) == before
    assert judgefast("resume", "again").startswith("exit 0\n")
    refused = judgefast("replay", "r", "--rubric", "mine.toml", "--out", "again")
    assert refused.startswith("exit 2\n")
    assert "`again` is there already" in refused
    assert not stdout(refused), "it is refused before anything is printed"
    asks = judgefast("replay", "r", "--rubric", "pairwise")
    assert asks.startswith("exit 2\n")
    assert "asks something else" in asks


def test_a_field_that_the_first_rows_lack_is_read_of_each_row_that_has_it(
    judgefast: Callable[..., str], folder: Path
) -> None:
    """A text that was cut is no verdict, wherever in the file the first reason stands."""
    scalar(folder, judgefast)
    cut = {"text": SCORES[2], "finish_reason": "length"}
    again = {"text": SCORES[2], "finish_reason": None, "stop_reason": "max_tokens"}
    inside = {"text": SCORES[2], "choices": [{"finish_reason": "length"}]}
    whole = [{"text": SCORES[0]}, {"text": SCORES[2], "finish_reason": None}]
    write_lines(folder / "o.jsonl", [*whole, cut, whole[0], again, cut | {"aspect": "x"}, inside])
    found = audit(judgefast, "o.jsonl")
    assert found["readings"][0]["unparsed"] == {"truncated": 4, "malformed": 1}
    assert found["fields"] == {"text": "text", "finish_reason": "finish_reason", "aspect": "aspect"}
    for field, value in {"id": 7, "judge": "j", "cluster": "c"}.items():
        write_lines(folder / "o.jsonl", [*whole, cut | {field: value}])
        seen = judgefast("parse", "o.jsonl", "--rubric", "mine.toml")
        assert seen.startswith("exit 2\n")
        words = f"`o.jsonl`, line 3, field `{field}`: the row has this field, and the rows before"
        assert words in seen
        assert f"--map {field}=\n" in seen
        assert audit(judgefast, "o.jsonl", "--map", f"{field}=")["rows"] == 3
    repeats = [{"id": 1, "order": "ab", "text": "A"}]
    repeats.append(repeats[0] | {"repeat": 1})
    write_lines(folder / "o.jsonl", repeats)
    assert judgefast("parse", "o.jsonl", "--rubric", "pairwise").startswith("exit 0\n")
