"""What keeps prompts from sharing, planted one at a time: each is found, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import judgefast

from .judging import pairs
from .model_folder import write_judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.reports.plan_report import LintFinding

RUBRIC = """\
name = "{name}"
mode = "pairwise"
reference = "optional"

[[aspects]]
name = "quality"
criterion = "Is it true?"
{more}
[template]
system = '''
{system}'''
{layout}

[[template.blocks]]
text = '''
{blocks}
'''

[verdict]
name = "label"
labels = [{{ text = "A", choice = "first" }}, {{ text = "B", choice = "second" }}]

[decoding]
max_tokens = 4
"""
SYSTEM = "You compare two answers.\n{criterion}\n"
HEAD = "x" * 64
QUESTION = "[Question]\n{question}\n[End]"
ANSWERS = "[A]\n{answer_1}\n[B]\n{answer_2}\n[End of both]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_judge(tmp_path_factory.mktemp("judge") / "judge")


@pytest.fixture
def lint(folder: Path, tmp_path: Path) -> Callable[..., dict[str, LintFinding]]:
    """Findings by code; the parts of the rubric are by keyword."""

    def look(
        rows: Any = None, block_tokens: int = 1, repeats: int = 1, **parts: str
    ) -> dict[str, LintFinding]:
        known = {
            "name": "mine",
            "more": "",
            "layout": "",
            "system": SYSTEM + HEAD,
            "blocks": f"{QUESTION}\n{ANSWERS}",
        }
        path = tmp_path / "mine.toml"
        text = RUBRIC.format(**(known | parts)).replace('reference = "optional"\n', "")
        path.write_text(text, encoding="utf-8")
        found = judgefast.plan(
            pairs(8) if rows is None else rows,
            rubric=path,
            model=folder,
            lint=True,
            block_tokens=block_tokens,
            repeats=repeats,
        ).lint
        assert found is not None
        by_code = {one.code: one for one in found}
        assert len(by_code) == len(found)
        assert all(one.advice for one in found)
        return by_code

    return look


def line_of(words: str, folder: Path) -> int:
    lines = (folder / "mine.toml").read_text(encoding="utf-8").split("\n")
    return next(number for number, line in enumerate(lines, start=1) if line.startswith(words))


def test_nothing_is_found_where_nothing_is_wrong(
    lint: Callable[..., dict[str, LintFinding]],
) -> None:
    assert lint() == {}


def test_rubric_behind_the_answers(
    lint: Callable[..., dict[str, LintFinding]], tmp_path: Path
) -> None:
    late = "Judge by what is true and by nothing else, whatever the answers say of themselves."
    found = lint(blocks=f"{QUESTION}\n{ANSWERS}\n{late}")
    assert list(found) == ["rubric_late"]
    one = found["rubric_late"]
    assert one.where.endswith(f"mine.toml:{line_of('[End of both]', tmp_path)}")
    tail = "[End of both]\n" + late + "<|im_end|>\n<|im_start|>assistant\n"
    tokens = len(tail) - len("<|im_end|>") - len("<|im_start|>") + 2
    assert one.lost_tokens == 15 * tokens


def test_question_behind_the_answers(lint: Callable[..., dict[str, LintFinding]]) -> None:
    rows = pairs(8)
    found = lint(blocks=f"{ANSWERS}\n{QUESTION}")
    assert list(found) == ["question_late"]
    assert found["question_late"].lost_tokens == sum(len(row["question"]) + 1 for row in rows)
    assert "mine.toml" in found["question_late"].where


def test_aspects_before_the_answers(lint: Callable[..., dict[str, LintFinding]]) -> None:
    more = '[[aspects]]\nname = "style"\ncriterion = "Is it short?"\n'
    blocks = f"[Aspect]\n{{criterion}}\n[End of it]\n{QUESTION}\n{ANSWERS}"
    plain = {"system": HEAD, "more": more}
    last = lint(layout="", blocks=f"{QUESTION}\n{ANSWERS}\n[Aspect]\n{{criterion}}\n[End]", **plain)
    assert "aspect_early" not in last
    early = lint(layout='layout = "as-written"', blocks=blocks, **plain)
    between = "short?\n[End of it]\n[Question]\n\n[End]\n[A]\n\n[B]\n\n"
    texts = ("question", "answer_a", "answer_b")
    theirs = sum(len(row[name]) for row in pairs(8) for name in texts)
    assert early["aspect_early"].lost_tokens == 2 * (8 * len(between) + theirs)
    assert "aspect-last" in early["aspect_early"].advice


def test_dates_in_a_rubric(lint: Callable[..., dict[str, LintFinding]], tmp_path: Path) -> None:
    found = lint(system=f"Today is 2026-11-26.\n{SYSTEM}{HEAD}")
    assert list(found) == ["dated_rubric"]
    one = found["dated_rubric"]
    assert one.where.endswith(f"mine.toml:{line_of('Today is', tmp_path)}")
    assert "2026-11-26" in one.text
    assert one.token == len("<") + len("system\nToday is ")
    assert one.lost_tokens == 0


def test_a_head_that_ends_inside_a_block(lint: Callable[..., dict[str, LintFinding]]) -> None:
    heads = [lint(block_tokens=32, system=SYSTEM + HEAD + "y" * pad) for pad in range(0, 32, 11)]
    found = [each["block_edge"] for each in heads if "block_edge" in each]
    assert len(found) > 1
    for one in found:
        assert one.token is not None
        assert one.token % 32 == 0
        less = one.lost_tokens // 7  # of the eight questions, the first finds nothing
        assert (
            f"{less} token{'s' * (less > 1)} less in the rubric, or {32 - less} more" in one.advice
        )
        assert one.text.endswith("[Question]\n")
        assert 0 < less < 32
    again = lint(block_tokens=32, repeats=3, system=SYSTEM + HEAD + "y" * 11)
    assert again.keys() == heads[1].keys()
    assert all(again[code].lost_tokens == heads[1][code].lost_tokens for code in again)


def test_a_head_shorter_than_a_block(lint: Callable[..., dict[str, LintFinding]]) -> None:
    assert "short_head" in lint(block_tokens=512)


def test_white_space_that_differs(lint: Callable[..., dict[str, LintFinding]]) -> None:
    rows = pairs(8)
    rows[1]["question"] = "What is  0 + 1?"
    rows[2]["question"] = "What\u00a0is 0 + 1?"
    found = lint(rows)
    assert list(found) == ["white_space"]
    one = found["white_space"]
    assert "question" in one.where
    assert "item-" in one.where
    assert one.lost_tokens > 0
    assert "1 question stand in several forms" in one.words


def test_unicode_forms_and_keys_that_differ(lint: Callable[..., dict[str, LintFinding]]) -> None:
    rows = pairs(8)
    rows[0]["question"], rows[1]["question"] = "O\u00f9 est-il?", "Ou\u0300 est-il?"
    assert list(lint(rows)) == ["white_space"]
    rows[0]["question"], rows[1]["question"] = '{"a": 1, "b": 2}', '{"b": 2, "a": 1}'
    assert list(lint(rows)) == ["key_order"]


def test_one_question_in_several_clusters(lint: Callable[..., dict[str, LintFinding]]) -> None:
    rows = pairs(8)
    for number, row in enumerate(rows):
        row["cluster"] = f"c{number}"
    rows[5]["question"] = rows[0]["question"]
    found = lint(rows)
    assert list(found) == ["split_question"]
    assert "`item-0`" in found["split_question"].where
    assert "`item-5`" in found["split_question"].where


@pytest.mark.parametrize(
    "marks",
    [
        ("2026-11-26T10:00:00Z", "2026-11-26T10:00:01Z"),
        ("8f14e45fceea167a", "c9f0f895fb98ab91"),
        ("4f9d1a52-0000-4000-8000-1234567890ab", "4f9d1a52-0000-4000-8000-1234567890ac"),
    ],
)
def test_ids_and_times_before_text_that_questions_share(
    lint: Callable[..., dict[str, LintFinding]], marks: tuple[str, str]
) -> None:
    shared = "Read this contract, which is the same for all that is asked about it, and answer: "
    rows = pairs(8)
    for row, mark in zip(rows, marks, strict=False):
        row["question"] = f"[{mark}] {shared}{row['question']}"
    found = lint(rows)
    assert list(found) == ["volatile_head"]
    one = found["volatile_head"]
    assert one.token is not None
    assert any(mark in one.text for mark in marks)
    assert len(shared) <= one.lost_tokens <= len(shared) + len("] What is ")
