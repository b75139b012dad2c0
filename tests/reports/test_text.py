"""The report for a person: what it says, word for word, and what data cannot do to it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from judgefast.reports.as_json import to_json
from judgefast.reports.console import Look
from judgefast.reports.report import Report
from judgefast.reports.text import render

if TYPE_CHECKING:
    from collections.abc import Callable

SNAPSHOTS = Path(__file__).parent / "snapshots"

HOSTILE = "x\x1b]0;t\x07\x9b2J\u202ey\u2028z\ud83d\r\n[red]m[/red] :smile: \U000e0041\x00"


@pytest.mark.parametrize("which", ["follower", "scorer", "several", "interrupted", "nothing"])
def test_a_report_reads_as_it_did(which: str, request: pytest.FixtureRequest) -> None:
    """Look at the text before `JUDGEFAST_WRITE_SNAPSHOTS=1` writes it anew."""
    text = render(request.getfixturevalue(which))
    path = SNAPSHOTS / f"{which}.txt"
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("which", ["follower", "scorer", "several", "interrupted", "nothing"])
def test_a_report_fits_eighty_columns_in_ascii(which: str, request: pytest.FixtureRequest) -> None:
    text = render(request.getfixturevalue(which))
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 80
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_the_counts_stand_on_the_first_lines(interrupted: Report) -> None:
    first = render(interrupted).splitlines()[:4]
    assert first[1].split()[1:] == ["36", "read", "=", "36", "items", "+", "0", "skipped"]
    assert " ".join(first[2].split()[1:]) == (
        "72 planned = 30 parsed + 2 unparsed + 4 failed + 36 not judged"
    )


def test_a_rule_about_flips_says_nothing_where_none_could_be_seen(follower: Report) -> None:
    bias = follower.results.position_bias
    assert bias is not None
    rate = msgspec.structs.replace(bias.flip_rate, value=None, low=None, high=None)
    unread = msgspec.structs.replace(bias, flip_rate=rate, guide_flip_rule=False)
    results = msgspec.structs.replace(follower.results, position_bias=unread)
    assert "flip rate above 15 %: unknown" in render(
        msgspec.structs.replace(follower, results=results)
    )


def test_color_changes_no_word(follower: Report) -> None:
    colored = render(follower, Look(80, color=True))
    assert "\x1b[" in colored
    plain = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in plain.splitlines()] == render(follower).splitlines()


def test_the_same_report_is_the_same_text_in_any_environment(
    follower: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    colored = Look(80, color=True)
    before = render(follower), render(follower, colored)
    for name, value in {
        "COLUMNS": "33",
        "FORCE_COLOR": "1",
        "TERM": "dumb",
        "NO_COLOR": "1",
    }.items():
        monkeypatch.setenv(name, value)
    assert (render(follower), render(follower, colored)) == before


def hostile(value: Any, text: str) -> Any:
    """Put `text` in place of every string that is a value."""
    if isinstance(value, str):
        return text
    if isinstance(value, list | tuple):
        return [hostile(part, text) for part in value]
    if isinstance(value, dict):
        return {key: hostile(part, text) for key, part in value.items()}
    return value


def with_hostile_strings(report: Report, text: str) -> Report:
    builtins = hostile(msgspec.to_builtins(report), text)
    results = builtins["results"]
    results["counts"]["skipped"] = {text: 2}
    results["counts"]["skipped_examples"] = {text: [text]}
    results["counts"]["unparsed"] = {text: 2}
    results["empty_answers"] = {text: 1}
    results["outcomes"] = {text: 36}
    builtins["operations"]["launches"][0]["engine"] = {text: text}
    return msgspec.convert(builtins, Report)


def test_no_string_of_the_data_reaches_the_terminal_alive(
    follower: Report, is_safe: Callable[[str], bool]
) -> None:
    text = render(with_hostile_strings(follower, HOSTILE))
    assert is_safe(text)
    assert text.count("\\x1b]0;t\\x07\\x9b2J\\u202ey\\u2028z\\ud83d\\r\\n[red]m[/red]") > 8
    assert ":smile:" in text


def test_hostile_names_of_aspects_stay_text(
    follower: Report, several: Report, is_safe: Callable[[str], bool]
) -> None:
    results = msgspec.structs.replace(follower.results, aspects=several.results.aspects)
    report = msgspec.structs.replace(follower, results=results)
    text = render(with_hostile_strings(report, HOSTILE)).split("\nEstimates")[0]
    assert is_safe(text)
    assert text.count("\\x1b]0;t\\x07\\x9b2J\\u202ey\\u2028z\\ud83d\\r\\n[red]m[/red]") > 8


def test_what_stands_in_the_table_of_aspects_is_not_listed_again(several: Report) -> None:
    text = render(several)
    listed = text.split("\nEstimates ")[1].split("\nRun\n")[0]
    assert [line.split()[0] for line in listed.splitlines()[1:] if line] == [
        "overall_ranking_accuracy",
        "unreadable",
        "aspect=tone",
    ]
    assert len(several.results.quotable) == len(several.results.estimates) + 2


def test_position_bias_is_said_of_each_aspect(follower: Report) -> None:
    bias = follower.results.position_bias
    assert bias is not None
    of_tone = [
        msgspec.structs.replace(one, slice="aspect=tone", value=0.3)
        for one in (bias.direction, bias.flip_rate)
    ]
    bias = msgspec.structs.replace(bias, by_aspect=of_tone)
    results = msgspec.structs.replace(follower.results, position_bias=bias)
    text = " ".join(render(msgspec.structs.replace(follower, results=results)).split())
    assert (
        "by aspect tone: direction +0.300 [+0.380, +0.482] toward the answer shown first; "
        "flip rate 0.300 [0.747, 0.956]"
    ) in text


def test_facts_of_a_launch_are_words_and_whole(follower: Report) -> None:
    engine = {
        "model": "served",
        "abilities": {"way": "completions", "lists": True, "schema": False, "top_logprobs": 20},
        "tokenizer": None,
        "away": [],
        "base_urls": ["http://one/v1", "http://two/v1"],
        "notes": ["said once, as a note"],
    }
    builtins = msgspec.to_builtins(follower)
    builtins["operations"]["launches"][0]["engine"] = engine
    text = " ".join(render(msgspec.convert(builtins, Report)).split())
    assert (
        "; model served, abilities (way completions, lists yes, schema no, top_logprobs 20), "
        "base_urls http://one/v1 + http://two/v1"
    ) in text
    assert "{" not in text
    assert "said once" not in text
    engine |= {f"fact_{n}": "x" * 30 for n in range(40)}
    builtins["operations"]["launches"][0]["engine"] = engine
    text = " ".join(render(msgspec.convert(builtins, Report)).split())
    listed = re.findall(r"fact_\d+ x{30}, ", text)
    assert 5 < len(listed) < 40
    assert f", and {40 - len(listed)} more in the JSON" in text


def test_of_a_decision_server_a_launch_says_who_it_is_and_the_json_the_rest(
    follower: Report,
) -> None:
    engine = {
        "model": "jev-1.13",
        "server": "vllm",
        "dialect": "systemone",
        "limits_from": "vLLM 0.32, source and runs",
        "requests_a_minute": 1200,
    }
    builtins = msgspec.to_builtins(follower)
    builtins["operations"]["launches"][0]["engine"] = engine
    report = msgspec.convert(builtins, Report)
    text = " ".join(render(report).split())
    assert "; server vllm, dialect systemone " in text
    assert "limits_from" not in text
    assert json.loads(to_json(report))["operations"]["launches"][0]["engine"] == engine


def test_attacks_of_the_corpus_stay_text(
    follower: Report, attacks: list[str], is_safe: Callable[[str], bool]
) -> None:
    results = msgspec.structs.replace(follower.results, findings=attacks)
    assert is_safe(render(msgspec.structs.replace(follower, results=results)))


def test_a_long_name_cannot_pass_for_a_line_of_ours(follower: Report) -> None:
    forged = "x" * 77 + " " + "win_rate  1.000  [0.999, 1.000]"
    lines = render(with_hostile_strings(follower, forged)).splitlines()
    assert not [line for line in lines if line.startswith("win_rate")]


@given(text=st.text(st.characters(exclude_categories=())))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_in_any_field_leaves_a_safe_report(
    follower: Report, is_safe: Callable[[str], bool], text: str
) -> None:
    assert is_safe(render(with_hostile_strings(follower, text)))


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.1, 0.2, "toward the answer shown first"),
        (0.0, 0.2, "none shown: the interval holds zero"),
        (-0.2, 0.0, "none shown: the interval holds zero"),
        (-0.2, -0.1, "toward the answer shown second"),
    ],
)
def test_a_direction_is_shown_where_its_interval_leaves_zero_out(
    follower: Report, low: float, high: float, words: str
) -> None:
    bias = follower.results.position_bias
    assert bias is not None
    direction = msgspec.structs.replace(bias.direction, value=(low + high) / 2, low=low, high=high)
    bias = msgspec.structs.replace(bias, direction=direction)
    results = msgspec.structs.replace(follower.results, position_bias=bias)
    report = msgspec.structs.replace(follower, results=results)
    (line,) = [line for line in render(report).splitlines() if line.startswith("direction")]
    assert line.endswith(words)
