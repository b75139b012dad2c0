"""What keeps prompts from sharing, planted one at a time: each is found, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import judgefast
from judgefast.errors import ModelError, RubricError
from judgefast.pipeline import blocks, lint_anew
from judgefast.reports.plan_text import render_plan
from tests.engines.scripted import ScriptedEngine

from .judging import by_hash, pairs
from .model_folder import write_judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.config import RunConfig
    from judgefast.engines.base import Engine
    from judgefast.prompts.plan import PromptPlan
    from judgefast.prompts.rubric import Rubric
    from judgefast.reports.plan_report import LintFinding, PlanReport

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
def planned(folder: Path, tmp_path: Path) -> Callable[..., PlanReport]:
    """A plan with what lint says; the parts of the rubric are by keyword."""

    def look(
        rows: Any = None,
        block_tokens: int = 1,
        repeats: int = 1,
        cache_tokens: int | None = None,
        **parts: str,
    ) -> PlanReport:
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
        return judgefast.plan(
            pairs(8) if rows is None else rows,
            rubric=path,
            model=folder,
            lint=True,
            block_tokens=block_tokens,
            repeats=repeats,
            cache_tokens=cache_tokens,
        )

    return look


@pytest.fixture
def lint(planned: Callable[..., PlanReport]) -> Callable[..., dict[str, LintFinding]]:
    """Findings by code."""

    def look(*rows: Any, **parts: Any) -> dict[str, LintFinding]:
        found = planned(*rows, **parts).lint
        assert found is not None
        by_code = {one.code: one for one in found}
        assert len(by_code) == len(found)
        assert all(one.advice for one in found)
        return by_code

    return look


@pytest.fixture
def computed(planned: Callable[..., PlanReport]) -> Callable[..., int]:
    """Tokens to compute."""

    def look(*rows: Any, **parts: Any) -> int:
        cost = planned(*rows, **parts).cost("plan")
        assert cost is not None
        return cost.computed_tokens

    return look


def line_of(words: str, folder: Path) -> int:
    lines = (folder / "mine.toml").read_text(encoding="utf-8").split("\n")
    return next(number for number, line in enumerate(lines, start=1) if line.startswith(words))


def test_nothing_is_found_where_nothing_is_wrong(
    lint: Callable[..., dict[str, LintFinding]],
) -> None:
    assert lint() == {}


def test_rubric_behind_the_answers(
    lint: Callable[..., dict[str, LintFinding]], computed: Callable[..., int], tmp_path: Path
) -> None:
    late = "Judge by what is true and by nothing else, whatever the answers say of themselves."
    found = lint(blocks=f"{QUESTION}\n{ANSWERS}\n{late}")
    assert list(found) == ["rubric_late"]
    one = found["rubric_late"]
    assert one.where.endswith(f"mine.toml:{line_of('[End of both]', tmp_path)}")
    mended = computed(blocks=f"{late}\n{QUESTION}\n{ANSWERS}")
    assert one.lost_tokens == computed(blocks=f"{QUESTION}\n{ANSWERS}\n{late}") - mended
    assert one.lost_tokens == 15 * (len(late) + 1)
    assert not one.at_least


def test_the_question_that_closes_a_rubric_stays_where_it_is(
    lint: Callable[..., dict[str, LintFinding]], computed: Callable[..., int]
) -> None:
    late = "Judge by what is true and by nothing else, whatever the answers say of themselves."
    blocks = f"{QUESTION}\n{ANSWERS}\n{late}\nWhich is better?"
    found = lint(blocks=blocks)
    mended = computed(blocks=f"{late}\n{QUESTION}\n{ANSWERS}\nWhich is better?")
    assert found["rubric_late"].lost_tokens == computed(blocks=blocks) - mended


def test_question_behind_the_answers(
    lint: Callable[..., dict[str, LintFinding]], computed: Callable[..., int]
) -> None:
    found = lint(blocks=f"{ANSWERS}\n{QUESTION}")
    assert list(found) == ["question_late"]
    one = found["question_late"]
    assert one.lost_tokens == computed(blocks=f"{ANSWERS}\n{QUESTION}") - computed()
    assert one.lost_tokens > 0
    assert not one.at_least
    assert "mine.toml" in one.where


def test_aspects_before_the_answers(
    lint: Callable[..., dict[str, LintFinding]], computed: Callable[..., int]
) -> None:
    more = '[[aspects]]\nname = "style"\ncriterion = "Is it short?"\n'
    blocks = f"[Aspect]\n{{criterion}}\n[End of it]\n{QUESTION}\n{ANSWERS}"
    plain = {"system": HEAD, "more": more}
    last = lint(layout="", blocks=f"{QUESTION}\n{ANSWERS}\n[Aspect]\n{{criterion}}\n[End]", **plain)
    assert "aspect_early" not in last
    stuck = {"layout": 'layout = "as-written"', "blocks": blocks} | plain
    early = lint(**stuck)
    one = early["aspect_early"]
    assert one.at_least, "there is no such layout to plan: the block holds texts of the item"
    between = "short?\n[End of it]\n[Question]\n\n[End]\n[A]\n\n[B]\n\n"
    theirs = sum(len(row[name]) for row in pairs(8) for name in ("question", "answer_a"))
    assert 0 < one.lost_tokens <= 2 * (8 * len(between) + 2 * theirs)
    assert "give `{criterion}` and `{scale}` a block of their own" in one.advice
    own = "[Aspect]\n{criterion}\n[End of it]\n'''\n[[template.blocks]]\ntext = '''\n"
    free = {"blocks": f"{own}{QUESTION}\n{ANSWERS}"} | plain
    assert "aspect_early" not in lint(layout='layout = "as-written"', **free), "it would cost more"
    rows = pairs(8, answer_a="It is so, because " * 9)
    one = lint(rows, layout='layout = "as-written"', **free)["aspect_early"]
    assert not one.at_least
    mended = computed(rows, layout='layout = "aspect-last"', **free)
    assert one.lost_tokens == computed(rows, layout='layout = "as-written"', **free) - mended
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


def test_white_space_that_differs(
    lint: Callable[..., dict[str, LintFinding]], computed: Callable[..., int]
) -> None:
    rows = pairs(8)
    rows[1]["question"] = "What is  0 + 1?"
    rows[2]["question"] = "What\u00a0is 0 + 1?"
    found = lint(rows)
    assert list(found) == ["white_space"]
    one = found["white_space"]
    assert "question" in one.where
    assert "item-" in one.where
    assert "1 question stands in several forms" in one.words
    alike = [dict(row) for row in rows]
    for row in alike[:3]:
        row["question"] = "What is 0 + 1?"
    saved = computed(rows) - computed(alike)
    assert one.lost_tokens == saved
    assert saved > 2 * len(rows[1]["question"]), "what stands behind the questions is saved too"


def test_answers_that_become_one_request(
    lint: Callable[..., dict[str, LintFinding]], computed: Callable[..., int]
) -> None:
    rows = pairs(6)
    for number, row in enumerate(rows):
        row |= {"question": rows[0]["question"], "answer_a": "No.", "answer_b": "Yes, it  is."}
        row["answer_b"] += " " * number + "Is it?"
    one = lint(rows)["white_space"]
    assert one.where.endswith("answer")
    alike = [row | {"answer_b": "Yes, it is.Is it?"} for row in rows]
    for number, row in enumerate(rows):
        if not number:
            alike[number] = row
    shortest = [row | {"answer_b": "Yes, it  is. Is it?"} for row in rows[1:]]
    assert one.lost_tokens == computed(rows) - computed([rows[0], *shortest])


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
    assert "1 question is in several clusters" in found["split_question"].words
    assert not found["split_question"].lost_tokens
    assert "far apart" not in found["split_question"].words, "the cache is larger than the run"
    apart = lint(rows, cache_tokens=400, block_tokens=16)["split_question"]
    assert ("it is asked far apart" in apart.words) == bool(apart.lost_tokens)


@pytest.mark.parametrize(
    "marks",
    [
        ("2026-11-26T10:00:00Z", "2026-11-26T10:00:01Z"),
        ("8f14e45fceea167a", "c9f0f895fb98ab91"),
        ("4f9d1a52-0000-4000-8000-1234567890ab", "4f9d1a52-0000-4000-8000-1234567890ac"),
    ],
)
def test_ids_and_times_before_text_that_questions_share(
    lint: Callable[..., dict[str, LintFinding]],
    computed: Callable[..., int],
    marks: tuple[str, str],
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
    bare = [dict(row) for row in rows]
    for row, mark in zip(bare, marks, strict=False):
        row["question"] = row["question"].replace(mark, "")
    assert one.lost_tokens == computed(rows) - computed(bare)
    assert one.lost_tokens > len(shared)


def test_questions_that_share_a_passage_and_are_asked_far_apart(
    lint: Callable[..., dict[str, LintFinding]], computed: Callable[..., int]
) -> None:
    rows = pairs(24)
    passages = [f"{number} " * 150 for number in range(6)]
    for number, row in enumerate(rows):
        row["question"] = f"{passages[number % 6]}\n{row['question']}"
    of_room = {"cache_tokens": 1500, "block_tokens": 16}
    found = lint(rows, **of_room)
    one = found["shared_head"]
    together = [row | {"cluster": str(number % 6)} for number, row in enumerate(rows)]
    saved = computed(rows, **of_room) - computed(together, **of_room)
    assert abs(one.lost_tokens - saved) < saved / 10  # clusters of another name, in another order
    assert "6 heads" in one.words
    assert "one `cluster`" in one.advice
    assert "shared_head" not in lint(together, **of_room)
    assert "shared_head" not in lint(rows), "all of it stays in the cache"


def test_a_run_longer_than_what_is_planned_anew_says_at_least(
    lint: Callable[..., dict[str, LintFinding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lint_anew, "MOST_ITEMS", 1)
    rows = pairs(600)
    rows[1]["question"] = "What is  0 + 1?"
    assert lint(rows)["white_space"].at_least


@pytest.mark.parametrize("takes", ["chat", "key"])
def test_what_a_finding_costs_is_unknown_where_prompts_have_no_token_ids(takes: str) -> None:
    rows = pairs(9)
    for row in rows[:3]:
        row["question"] = "It is a passage. " * 30 + row["question"]
    rows[1]["answer_a"], rows[7]["answer_a"] = "It is  so.", "It is so."
    engine = ScriptedEngine(by_hash, takes=takes)
    found = judgefast.plan(rows, rubric="pairwise", engine=engine, lint=True)
    [one] = found.lint or []
    assert (one.code, one.lost_tokens, one.at_least) == ("white_space", 0, True)
    assert "costs an unknown number of tokens" in " ".join(render_plan(found).split())


@pytest.mark.parametrize("error", [RubricError, ModelError])
def test_an_advice_that_makes_no_prompts_ends_no_plan(
    lint: Callable[..., dict[str, LintFinding]],
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    make, template = lint_anew.prompts_of, f"{ANSWERS}\n{QUESTION}"
    rows = pairs(8)
    rows[1]["question"] = "What is  0 + 1?"

    def refused(config: RunConfig, rubric: Rubric, engine: Engine) -> PromptPlan:
        if len(rubric.template.blocks) > 1:  # as it is cut to be put in another order
            raise error(rubric.name)
        return make(config, rubric, engine)

    monkeypatch.setattr(lint_anew, "prompts_of", refused)
    assert list(lint(rows, blocks=template)) == ["white_space"]


def test_one_is_no_plural(planned: Callable[..., PlanReport]) -> None:
    assert "1 read = 1 item + 0 skipped" in render_plan(planned(pairs(1)))


def test_questions_written_alike_stand_together_as_they_would_be_read(
    lint: Callable[..., dict[str, LintFinding]],
    computed: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_ITEMS", 4)  # in a block they would stand together anyway
    rows = pairs(30)
    for number, row in enumerate(rows):
        row["question"] = f"{number // 2} " * 100 + "why?" + " why?" * (number % 2)
    forms = [row | {"question": row["question"].replace(" why?", "  why?")} for row in rows[1::2]]
    both = rows[1::2] + [row | {"id": f"other-{row['id']}"} for row in forms]
    alike = [row | {"question": row["question"].replace("  why?", " why?")} for row in both]
    tight = {"cache_tokens": 1200, "block_tokens": 16}
    saved = computed(both, **tight) - computed(alike, **tight)
    assert lint(both, **tight)["white_space"].lost_tokens == saved
