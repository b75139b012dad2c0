"""What is known of servers as data: rows that fit the dialects, told as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from judgefast.engines.decisions.dialects import DIALECTS
from judgefast.engines.decisions.quirks import QUIRKS, Quirks, quirks_of
from judgefast.engines.decisions.recognise import dialect_of, recognise

PAGE = Path(__file__).resolve().parents[3] / "docs" / "decision-endpoints.md"
HEADER = "| server | dialect | questions |"


def of_request(row: Quirks) -> str:
    """What all of a request may have, where that is known."""
    most = row.most_request_tokens
    return "" if most is None else f" ({most:,} a request)"


def told(row: Quirks) -> str:
    """A row of the page's table."""
    cells = [
        row.name,
        f"`{row.dialect}`",
        "-" if row.most_questions is None else f"{row.most_questions}",
        f"{row.most_options}",
        f"{row.least_levels} to {row.most_levels}",
        "-" if row.most_tokens is None else f"{row.most_tokens:,}{of_request(row)}",
        "yes" if row.has_mass else "no",
        "kept" if row.keeps_option_order else "its own",
        "may be cut" if row.cuts_silently else "is said",
        "read" if row.parses_control_tokens else "text",
        {"once": "once", "per_question": "each question", "unknown": "not known"}[row.usage_counts],
        "not known" if row.shows_all_questions else "yes",
    ]
    return f"| {' | '.join(cells)} |"


def test_the_table_of_the_page_is_that_of_the_rows() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    (start,) = [place for place, line in enumerate(lines) if line.startswith(HEADER)]
    assert lines[start + 2 : start + 2 + len(QUIRKS)] == [told(row) for row in QUIRKS]
    assert not lines[start + 2 + len(QUIRKS)], "rows that no server has"


def test_every_row_is_of_a_dialect_and_has_its_own_name() -> None:
    assert {row.dialect for row in QUIRKS} == set(DIALECTS)
    names = [(row.name, row.dialect) for row in QUIRKS]
    assert len(set(names)) == len(names)
    for row in QUIRKS:
        assert quirks_of(row.name, row.dialect) is row
        assert row.source
        assert 1 <= row.least_levels <= 2 <= row.most_levels
        assert 2 <= row.most_options <= 255


@pytest.mark.parametrize("dialect", list(DIALECTS))
def test_an_unknown_server_gets_a_row_of_its_dialect(dialect: str) -> None:
    row = quirks_of("nobody's", dialect)
    assert row.dialect == dialect
    assert row.parses_control_tokens, "with care"


def test_only_servers_that_were_seen_to_do_so_take_control_tokens_for_text() -> None:
    text = {row.name for row in QUIRKS if not row.parses_control_tokens}
    assert text == {"sparrow", "sparrow nano"}


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ({}, None),
        ({"answers": None}, None),
        ({"answers": "A"}, None),
        ({"choices": [], "object": "chat.completion"}, None),
        ({"answers": []}, "openai"),
        ({"answers": {}}, "systemone"),
        ({"answers": {}, "object": "structured_decision"}, "systemone"),
        ({"answers": {}, "object": "decisions"}, "sglang"),
        ({"answers": {}, "prompt_format_version": 1}, "sglang"),
    ],
)
def test_a_dialect_is_told_from_the_shape_of_a_reply(
    reply: dict[str, object], wanted: str | None
) -> None:
    assert dialect_of(reply) == wanted


@pytest.mark.parametrize(
    ("reply", "models", "wanted"),
    [
        ({"model": "m", "answers": {}}, None, "unknown"),
        ({"model": None, "answers": {"q0": None}, "usage": 3}, {"data": 1}, "unknown"),
        ({"model": "m", "answers": {}}, {"data": [None, {"owned_by": 1}]}, "unknown"),
        ({"model": "m", "answers": {}}, {"data": [{"owned_by": "llamacpp"}]}, "llama.cpp"),
        ({"model": "jev-1.14.0", "answers": {}}, None, "typesafe"),
        ({"model": "jev-latest", "answers": {}}, {"data": [{"owned_by": "llamacpp"}]}, "llama.cpp"),
        ({"model": "jev-latest", "answers": {}}, {"data": [{"owned_by": "library"}]}, "unknown"),
        ({"model": "m", "answers": {}, "diagnostics": {}}, None, "vllm"),
        ({"model": "m", "answers": {}, "routing": {}}, None, "laya"),
        ({"model": "m", "answers": {"q0": {"answer_confidence": 1}}}, None, "laya"),
        ({"model": "jev-1.13", "answers": {}, "usage": {"cost": 0}}, None, "openrouter"),
        (
            {"model": "m", "answers": {}, "usage": {"cost": 0}},
            {"data": [{"owned_by": "llamacpp"}]},
            "llama.cpp",
        ),
        ({"model": "m", "answers": {}, "routing": {}}, {"data": [{"owned_by": "vllm"}]}, "vllm"),
        (
            {"model": "m", "answers": {}, "usage": {"cost": 0}},
            {"data": [{"owned_by": "sglang"}]},
            "sglang heads",
        ),
        (
            {"model": "m", "answers": {"q0": {"x_label_mass": 0.9}}, "routing": {}},
            {"data": [{"owned_by": "sglang"}]},
            "sglang",
        ),
        ({"model": "sparrow-micro-general-v1.1", "answers": {}, "latency_ms": 1}, None, "sparrow"),
        ({"model": "sparrow-nano-v1", "answers": {}, "latency_ms": 1}, None, "sparrow nano"),
        ({"model": "m", "answers": {}, "latency_ms": 1}, None, "unknown"),
        ({"model": None, "answers": {}, "latency_ms": 1}, None, "unknown"),
    ],
)
def test_a_server_is_told_from_what_no_other_has(
    reply: dict[str, object], models: dict[str, object] | None, wanted: str
) -> None:
    assert recognise(reply, models, "systemone").name == wanted


def test_a_gateway_in_openais_dialect_is_not_taken_for_openai() -> None:
    assert recognise({"model": "luna", "answers": []}, None, "openai").name == "unknown"
    assert recognise({"model": "gpt-6-luna", "answers": []}, None, "openai").name == "openai"
    named: dict[str, object] = {"model": "gpt-6-luna", "answers": []}
    owned = {"data": [{"id": "gpt-6-luna", "owned_by": "someone"}]}
    assert recognise(named, owned, "openai").name == "unknown"
    assert recognise({"model": "gpt-oss-20b", "answers": []}, None, "openai").name == "unknown"
