"""Recorded outputs as an engine: what it takes, and what it says of what it can't."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.codes import Status
from judgefast.engines import create_engine
from judgefast.engines.recordings import read_recordings
from judgefast.errors import ConfigError, DataError, JudgefastError
from judgefast.prompts.builtin import load_rubric
from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel
from judgefast.verdicts import read_texts

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, *lines: dict[str, Any] | str) -> Path:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(text + "\n" for text in texts))
    return path


GOOD = {"id": "1", "order": "ab", "text": "A"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"order": "ab", "text": "A"}, "line 2, field `id`: expected text or a number, saw null"),
        ({"id": True, "text": "A"}, "line 2, field `id`: expected text or a number, saw true"),
        ({"id": "2", "order": "abc", "text": "A"}, "field `order`: expected one of"),
        ({"id": "2", "shown": [0, 0], "text": "A"}, "field `shown`: expected the numbers"),
        ({"id": "2", "shown": [], "text": "A"}, "field `shown`: expected the numbers"),
        ({"id": "2", "shown": "ab", "text": "A"}, "field `shown`: expected the numbers"),
        ({"id": "2", "repeat": -1, "text": "A"}, "field `repeat`: expected a number from 0"),
        ({"id": "2", "aspect": 3, "text": "A"}, "field `aspect`: expected text, saw 3"),
        ({"id": "2", "text": 5}, "field `text`: expected text, saw 5"),
        ({"id": "2"}, "there is no `text`, `score` or `logprobs`"),
        ({"id": "2", "text": "A", "finish_reason": "x"}, "field `finish_reason`: expected"),
        ({"id": "2", "text": "A", "logprobs": ["x"]}, "field `logprobs`: expected a number"),
        ({"id": "2", "text": "A", "prompt_tokens": "9"}, "field `prompt_tokens`: expected a count"),
        ({"id": "2", "text": "A", "reasoning": 1}, "field `reasoning`: expected text, saw 1"),
        ({"id": "2", "score": "many"}, "field `score`: expected a number"),
        (GOOD, "line 2, field `id`: "),
        ("{", "line 2"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_file_line_and_field(
    row: dict[str, Any] | str, words: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "judge.jsonl", GOOD, row)
    form = load_rubric("scalar-1-5").verdict
    with pytest.raises(DataError) as caught:
        read_recordings(path, form=form)
    assert str(caught.value).startswith(f"`{path}`, line 2")
    assert words in str(caught.value)


def test_a_second_recording_of_a_judgment_names_the_first(tmp_path: Path) -> None:
    path = write(tmp_path / "judge.jsonl", GOOD, GOOD | {"text": "B"})
    with pytest.raises(DataError, match="line 1 records the same judgment") as caught:
        read_recordings(path)
    assert caught.value.hint == "give each a `repeat` of its own"
    assert len(read_recordings(write(path, GOOD, GOOD | {"repeat": 1}))) == 2


def test_of_several_judges_one_must_be_named(tmp_path: Path) -> None:
    rows = [GOOD | {"judge": "one"}, GOOD | {"judge": "two"}, GOOD | {"judge": 7}]
    path = write(tmp_path / "judge.jsonl", *rows)
    with pytest.raises(ConfigError, match="3 judges: `7`, `one`, `two`"):
        read_recordings(path)
    assert len(read_recordings(path, judge="two")) == 1
    assert len(read_recordings(path, judge="7")) == 1
    with pytest.raises(ConfigError, match="nothing was recorded of a judge `tow`") as caught:
        read_recordings(path, judge="tow")
    assert caught.value.hint == "did you mean `two`?"


def test_a_row_that_names_no_judge_is_any_judges(tmp_path: Path) -> None:
    rows = [GOOD, GOOD | {"id": "2", "judge": "one"}, GOOD | {"id": "3", "judge": None}]
    assert len(read_recordings(write(tmp_path / "judge.jsonl", *rows), judge="one")) == 3


@pytest.mark.parametrize(
    ("rubric", "score", "text"),
    [("scalar-1-5", 4, "4"), ("scalar-1-5", "4.0", "4"), ("binary", 1, "1")],
)
def test_a_bare_score_is_written_as_the_rubric_reads_it(
    rubric: str, score: object, text: str
) -> None:
    form = load_rubric(rubric).verdict
    recordings = read_recordings([{"id": "1", "score": score}], form=form)
    found = recordings.find("1", (0,), 0, "quality")
    assert found is not None
    assert found.text == text


@pytest.mark.parametrize("score", [9, 4.5, "-1", 0])
def test_a_score_off_the_scale_counts_as_unparsed_like_the_text_that_says_it(
    score: object,
) -> None:
    form = load_rubric("scalar-1-5").verdict
    found = read_recordings([{"id": "1", "score": score}], form=form).find("1", (0,), 0, "")
    assert found is not None
    assert found.text == str(score)
    read = read_texts(form, [found.text], np.zeros(1, dtype=np.uint8))
    assert Status(read.status[0]).part == "unparsed"


def test_a_score_that_would_be_read_as_another_is_refused_in_true_words() -> None:
    labels = tuple(VerdictLabel(text=str(n), score=n * 10) for n in range(1, 4))
    form = VerdictFormat(name="label", labels=labels)
    words = (
        "row 1, field `score`: 2 is no score of the rubric's labels, which have `10`, `20`, `30`"
    )
    with pytest.raises(DataError, match=words):
        read_recordings([{"id": "1", "score": 2}], form=form)


def test_a_file_that_holds_no_objects_is_told_what_a_recording_looks_like(tmp_path: Path) -> None:
    path = tmp_path / "judge.jsonl"
    path.write_text("4\n")
    with pytest.raises(DataError, match="line 1: expected a JSON object, saw 4") as caught:
        read_recordings(path)
    assert '{"id": "...", "text": "what the judge wrote"}' in str(caught.value.hint)


def test_a_format_without_scores_takes_no_bare_one() -> None:
    words = "a bare score cannot be read by the format `bracket`"
    with pytest.raises(DataError, match=words):
        read_recordings([{"id": "1", "score": 2}], form=VerdictFormat(name="bracket"))


PAIR = VerdictFormat(name="score-pair", low=0, high=10)


@pytest.mark.parametrize(
    ("scores", "text"), [([8, 9.5], "8 9.5"), (["10.0", "7"], "10 7"), ([0, 10], "0 10")]
)
def test_two_scores_of_a_pair_are_read_as_they_were_given(scores: list[Any], text: str) -> None:
    row = {"id": "1", "order": "ba", "score": scores}
    found = read_recordings([row], form=PAIR).find("1", (1, 0), 0, "")
    assert found is not None
    assert found.text == text
    read = read_texts(PAIR, [found.text], np.zeros(1, dtype=np.uint8))
    assert (read.status[0], read.score[0]) == (Status.PARSED, float(scores[0]))


@pytest.mark.parametrize(
    ("score", "words", "hint"),
    [
        (7, "a bare score cannot be read by the format `score-pair`", "give both scores"),
        ([7], "expected the scores of the two answers shown, saw", None),
        ([7, 8, 9], "expected the scores of the two answers shown, saw", None),
        ([7, None], "expected a number, saw null", None),
        ([7, True], "expected a number, saw true", None),
    ],
)
def test_a_pair_needs_two_scores(score: Any, words: str, hint: str | None) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_recordings([{"id": "1", "order": "ab", "score": score}], form=PAIR)
    assert hint is None or hint in str(caught.value.hint)


def test_two_scores_are_for_rubrics_that_read_a_pair() -> None:
    form = load_rubric("scalar-1-5").verdict
    with pytest.raises(DataError, match="a list of scores cannot be read by the format `label`"):
        read_recordings([{"id": "1", "score": [4, 5]}], form=form)


def test_a_score_of_null_is_a_judgment_without_a_text() -> None:
    found = read_recordings([{"id": "1", "score": None}]).find("1", (0,), 0, "")
    assert found is not None
    assert found.text == ""


@pytest.mark.parametrize("options", [{}, {"recorded": "nowhere.jsonl"}])
def test_nothing_to_replay_is_said(options: dict[str, Any]) -> None:
    from judgefast.config import RunConfig  # noqa: PLC0415 - here alone
    from judgefast.pipeline.judge import judge_of  # noqa: PLC0415 - here alone

    config = RunConfig(rubric="pairwise", engine="replay", **options)
    with pytest.raises(JudgefastError, match=r"nothing to replay|nowhere\.jsonl"):
        judge_of(config)


def test_an_option_that_it_does_not_take_is_named() -> None:
    with pytest.raises(ConfigError, match="engine `replay` has no option `speed`"):
        create_engine("replay", recorded=[GOOD], speed=3)


@pytest.mark.parametrize(
    ("engine", "given", "hint"),
    [
        ("embedded", "nosuch", "see `judgefast run --help` and docs/engines.md for `embedded`"),
        ("embedded", "thread", "did you mean `threads`?"),
        ("embedded", "batch_tokens", "did you mean `batched_tokens`"),
        ("http", "timeout_second", "did you mean `"),
    ],
)
def test_an_option_that_no_engine_of_ours_takes_is_named_with_the_nearest(
    engine: str, given: str, hint: str
) -> None:
    base: dict[str, Any] = {"base_url": "http://127.0.0.1:1"} if engine == "http" else {}
    with pytest.raises(ConfigError, match=f"engine `{engine}` has no option `{given}`") as caught:
        create_engine(engine, **base, **{given: 1})
    assert str(caught.value.hint).startswith(hint)
