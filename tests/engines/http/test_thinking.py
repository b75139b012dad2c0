"""Judges that think first: their thinking is kept apart, counted, and never read for a verdict."""

from __future__ import annotations

import re
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.engines.http.thinking import parted
from tests.recorded import write_lines

from .byte_model import write_byte_model
from .conftest import ITEMS
from .judging import Judging, assert_complete
from .minds import MUSING
from .opinion import row
from .serving import FaultServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

THOUGHT = 60
RUBRIC = "pairwise-reasons"
MUSED = (MUSING * THOUGHT)[:THOUGHT].strip()


@pytest.fixture
def thinker(tmp_path: Path, names: list[str]) -> Iterator[Judging]:
    model = write_byte_model(tmp_path / "models" / "thinker", thinks=True)
    data = write_lines(tmp_path / "rows.jsonl", [row(name) for name in names])
    with Judging(tmp_path, data, model) as made:
        yield made


@pytest.fixture
def rubric(tmp_path: Path) -> Callable[..., str]:
    """Make a built-in rubric with other settings of `[decoding]`."""
    return partial(with_decoding, tmp_path)


def with_decoding(folder: Path, name: str, *lines: str, **changed: object) -> str:
    """A built-in rubric with other settings of `[decoding]`."""
    text = files("judgefast.prompts").joinpath(f"rubrics/{name}.toml").read_text("utf-8")
    for key, value in changed.items():
        text, count = re.subn(f"(?m)^{key} = .*$", f"{key} = {value}", text)
        assert count == 1
    made = folder / f"{name}-{'-'.join(changed)}.toml"
    made.write_text(text.replace("[decoding]\n", "\n".join(["[decoding]", *lines, ""])), "utf-8")
    return str(made)


def thinking(server: Any, **more: Any) -> Any:
    return server(thinks=THOUGHT, vocabulary=260, **more)


def test_over_token_ids_a_judge_is_asked_to_think_and_then_for_an_answer_that_is_held(
    server: Any, thinker: Judging, names: list[str]
) -> None:
    with thinking(server) as one:
        ran = thinker.run(one.url, rubric=RUBRIC)
        assert_complete(ran, names)
        assert set(one.log.times("asked").values()) == {2}
        assert one.log.controls == {6, 7}, "those of the template, `<think>`, and then `</think>`"
        for done in ran.completions():
            assert done["reasoning"] == MUSED
            assert done["text"].startswith("{")
            assert done["reasoning_tokens"] == THOUGHT + 1
            assert done["completion_tokens"] == THOUGHT + 1 + len(done["text"])
            assert done["prompt_tokens"] < 3000
        assert "reasoning" in thinker.report()


def test_a_second_server_that_does_not_tell_what_was_thought_is_refused_by_name(
    server: Any, thinker: Judging, tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    script = {"thinks": THOUGHT, "vocabulary": 260, "tells_ids": False}
    with thinking(server) as one, FaultServer(tmp_path / "second", **script) as other:
        ran = thinker.run(one.url, other.url, rubric=RUBRIC)
        assert ran.status == 2, ran.words
        lacks = "does not end an answer at tokens by their ids and tell them"
        assert f"{other.url} {lacks}, as the first server does" in ran.words
        assert one.log.items == other.log.items == []


def test_a_judge_that_thinks_its_budget_away_is_cut_and_gives_no_verdict(
    server: Any, thinker: Judging, rubric: Any
) -> None:
    tight = rubric(RUBRIC, "thinking = true", "thinking_tokens = 50")
    with thinking(server) as one:
        ran = thinker.run(one.url, rubric=tight)
        assert ran.counts["unparsed"] == {"truncated": 2 * ITEMS}
        for done in ran.completions():
            assert (done["text"], done["finish_reason"]) == ("", "length")
            assert MUSED.startswith(done["reasoning"])
            assert done["reasoning_tokens"] == done["completion_tokens"] < 50


def test_labels_are_read_behind_thinking_that_the_prompt_has_closed(
    server: Any, thinker: Judging, names: list[str]
) -> None:
    with thinking(server) as one:
        ran = thinker.run(one.url)
        assert_complete(ran, names)
        assert one.log.controls == {7}
        assert {(done["text"] in set("ABC"), done["reasoning"]) for done in ran.completions()} == {
            (True, "")
        }


def test_what_was_thought_is_not_thought_again_when_the_answer_fails(
    server: Any, thinker: Judging, names: list[str]
) -> None:
    rules = [{"do": do, "about": MUSED, "times": 3} for do in ("status", "garbage", "reset")]
    with thinking(server, rules=rules) as one:
        assert_complete(thinker.run(one.url, rubric=RUBRIC), names)
        asked = [line["controls"] for line in one.log.items if line["what"] == "asked"]
        assert (asked.count([6]), asked.count([7])) == (2 * ITEMS, 2 * ITEMS + 9)


@pytest.mark.parametrize("parts", ["reasoning", "reasoning_content", "no"])
def test_over_chat_thinking_is_kept_apart_wherever_the_server_puts_it(
    parts: str, server: Any, judging: Judging, rubric: Any
) -> None:
    thoughtful = rubric(RUBRIC, "thinking = true")
    with server(flavour="plain", thinks=THOUGHT, parts=parts) as one:
        ran = judging.run(one.url, rubric=thoughtful, tokenizer=False)
        assert (ran.status, ran.counts["parsed"]) == (0, 2 * ITEMS), ran.words
        for done in ran.completions():
            assert done["reasoning"] == MUSED
            assert done["text"].startswith("{")
            assert done["reasoning_tokens"] == (None if parts == "no" else THOUGHT)
        assert "thinks before it answers" in ran.data


@pytest.mark.parametrize("parts", ["reasoning_content", "no"])
def test_over_chat_an_answer_that_is_all_thinking_is_cut_and_gives_no_verdict(
    parts: str, server: Any, judging: Judging, rubric: Any
) -> None:
    less = ("thinking = true", "thinking_tokens = 16")
    tight = rubric(RUBRIC, *less, max_tokens=8)
    with server(flavour="plain", thinks=THOUGHT, parts=parts) as one:
        ran = judging.run(one.url, rubric=tight, tokenizer=False)
        assert ran.counts["unparsed"] == {"truncated": 2 * ITEMS}
        assert {done["text"] for done in ran.completions()} == {""}
        assert all(done["reasoning"] for done in ran.completions())


def test_over_chat_no_label_is_read_from_the_first_token_of_a_thought(
    server: Any, judging: Judging, names: list[str], rubric: Any
) -> None:
    labels = rubric("pairwise", "thinking = true")
    by_probability = rubric("pairwise", probabilities="true")
    with server(flavour="plain", thinks=THOUGHT, parts="no") as one:
        ran = judging.run(one.url, rubric=labels, tokenizer=False)
        assert_complete(ran, names)
        assert all(not done["answers"] for done in ran.completions()), "they are read as text"
        refused = judging.run(one.url, rubric=by_probability, tokenizer=False, out="other")
        assert refused.status == 2
        assert "`decoding.probabilities` is true, but the engine has none" in refused.words


words = st.text(alphabet="ab \n[A]", max_size=12)


@settings(max_examples=60)
@given(words, words)
def test_a_closed_block_is_parted_from_its_answer_and_text_without_one_is_left_alone(
    thought: str, answer: str
) -> None:
    assert parted(f"\n<think>{thought}</think>{answer}") == (thought.strip(), answer.lstrip())
    assert parted(f"{thought}</think>{answer}", is_open=True) == (thought.strip(), answer.lstrip())
    assert parted(f"<think>{thought}", is_cut=True) == (thought.strip(), "")
    assert parted(answer, is_open=True) == ("", answer)
    quoted = f"{answer}x </think> {thought}"
    assert parted(quoted) == ("", quoted)
