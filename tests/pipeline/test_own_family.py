"""A judge of a candidate's own family: refused before anything is asked, or said in the report."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.config import RunConfig
from judgefast.engines.replay import ReplayEngine
from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.pipeline.plan_report import plan_report
from judgefast.pipeline.stream import stream
from judgefast.prompts.model import JudgeModel
from judgefast.reports.text import render
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import by_hash, go_on, results_of, start

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.pipeline.finished import DryRun, Finished

JUDGE = "openrouter/qwen/qwen2.5-72b-instruct"
REFUSED = (
    f"the judge `{JUDGE}` (family qwen) would judge answers of its own family: "
    "4 answers of `Qwen/Qwen3-8B` (qwen), 2 answers of `deepseek-r1-distill-qwen-7b` (qwen)"
)


def rows(*models: str | None, count: int = 2) -> list[dict[str, Any]]:
    """Items with an answer of each model; those of None name none."""
    return [
        {
            "id": f"item-{number}",
            "question": f"What is {number} + {number}?",
            "answers": [
                {"text": f"It is {2 * number + place}."}
                | ({} if model is None else {"model": model})
                for place, model in enumerate(models)
            ],
        }
        for number in range(count)
    ]


MIXED = rows("Qwen/Qwen3-8B", "gpt-4o", count=2) + [
    row | {"id": f"more-{row['id']}"}
    for row in rows("deepseek-r1-distill-qwen-7b", "Qwen/Qwen3-8B", count=2)
]


def judge_of(name: str) -> ScriptedEngine:
    engine = ScriptedEngine(by_hash)
    engine.model = JudgeModel(name=name, digest="")
    return engine


def begin(
    out: Path, data: list[dict[str, Any]], judge: str = JUDGE, **options: Any
) -> Finished | DryRun:
    return start(out, data, engine=judge_of(judge), **options)


@pytest.mark.parametrize("dry_run", [False, True])
def test_it_is_refused_unasked_and_leaves_nothing(
    dry_run: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
) -> None:
    engine = judge_of(JUDGE)
    with pytest.raises(ConfigError) as caught:
        start(tmp_path / "run", MIXED, engine=engine, dry_run=dry_run)
    assert str(caught.value) == REFUSED
    assert "--allow-self" in str(caught.value.hint)
    assert engine.submitted == []
    assert not (tmp_path / "run").exists()


def test_a_plan_of_it_is_refused_too(tmp_path: Path) -> None:
    config = RunConfig(rubric="pairwise", engine="scripted")
    with pytest.raises(ConfigError) as caught:
        plan_report(config, data=MIXED, engine=judge_of(JUDGE))
    assert str(caught.value) == REFUSED
    assert not list(tmp_path.iterdir())


def test_with_leave_it_judges_and_the_report_says_so_first(tmp_path: Path) -> None:
    finished = begin(tmp_path / "run", MIXED, allow_self=True)
    results = results_of(tmp_path / "run")
    found = results.families
    assert (found.families, found.given, found.unknown, found.unnamed) == (["qwen"], False, {}, 0)
    assert [(one.model, one.answers, one.families) for one in found.own] == [
        ("Qwen/Qwen3-8B", 4, ["qwen"]),
        ("deepseek-r1-distill-qwen-7b", 2, ["qwen"]),
    ]
    assert results.findings[0].startswith(
        "The judge judged its own family: 4 answers of `Qwen/Qwen3-8B` (qwen), 2 answers of"
    )
    assert "family        qwen; its own among the candidates: 4 answers" in render(finished.report)


def test_another_family_is_no_matter_and_the_report_says_that(tmp_path: Path) -> None:
    finished = begin(tmp_path / "run", rows("claude-3-haiku", "gpt-4o"))
    assert "family        qwen; no candidate is of it\n" in render(finished.report)
    assert "own family" not in " ".join(finished.report.results.findings)


def test_what_is_not_known_is_said_and_never_guessed(tmp_path: Path) -> None:
    finished = begin(tmp_path / "run", rows("atlas", "gpt-4o", None))
    found = finished.report.results.families
    assert (found.unknown, found.unnamed, found.own) == ({"atlas": 2}, 2, [])
    words = " ".join(render(finished.report).split())
    assert (
        "qwen; not known of atlas (2 answers), which could not be compared; 2 answers of" in words
    )
    strange = begin(tmp_path / "strange", rows("atlas", "gpt-4o"), judge="judge")
    words = " ".join(render(strange.report).split())
    assert "family of the judge not known, so not compared with candidates' (--family" in words


def test_the_judge_itself_is_found_though_nobody_knows_its_family(tmp_path: Path) -> None:
    data = rows("hf.co/x/Atlas-1-GGUF:Q4_K_M", "atlas-2")
    with pytest.raises(ConfigError, match=r"2 answers of `hf.co/.*` \(the judge itself\)$"):
        begin(tmp_path / "run", data, judge="atlas-1")
    begin(tmp_path / "run", data, judge="atlas-1", allow_self=True)
    assert len(results_of(tmp_path / "run").families.own) == 1


def test_a_user_says_the_family_that_a_name_hides(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\(family gpt\).*2 answers of `gpt-4o` \(gpt\)$"):
        begin(tmp_path / "run", rows("atlas", "gpt-4o"), judge="judge", family="gpt")
    with pytest.raises(ConfigError, match=r"\(family atlas\).*2 answers of `atlas` \(atlas\)$"):
        begin(tmp_path / "run", rows("atlas", "gpt-4o"), judge="judge", family="Atlas")
    with pytest.raises(ConfigError, match="`family` is ` `, which names no family"):
        begin(tmp_path / "run", rows("atlas", "gpt-4o"), family=" ")
    finished = begin(tmp_path / "run", rows("Qwen/Qwen3-8B", "gpt-4o"), family="claude")
    found = finished.report.results.families
    assert (found.families, found.given, found.own) == (["claude"], True, [])
    assert "family        claude by --family; no candidate is of it" in render(finished.report)


def test_a_given_word_that_nobody_knows_is_said_at_the_start_and_in_the_report(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    finished = begin(
        tmp_path / "run", rows("atlas", "gpt-4o"), family="qwen,Zed-9,old zed", say=said.append
    )
    found = finished.report.results.families
    assert (found.families, found.strange) == (["old zed", "qwen", "zed 9"], ["old zed", "zed 9"])
    sentence = "--family names `old zed`, `zed 9`, which are not known: no family, no model and"
    assert sum(words.startswith(sentence) for words in said) == 1
    assert finished.report.results.findings[0].startswith(sentence)
    words = " ".join(render(finished.report).split())
    assert "qwen, zed 9 by --family; not known what old zed, zed 9 is, so not compared" in words
    assert "no candidate is of it" not in words


def test_a_given_word_that_a_candidate_has_is_no_stranger(tmp_path: Path) -> None:
    said: list[str] = []
    finished = begin(
        tmp_path / "run",
        rows("atlas-2", "gpt-4o"),
        family="atlas",
        allow_self=True,
        say=said.append,
    )
    assert finished.report.results.families.strange == []
    assert not any("not known" in words for words in said)


def test_a_base_that_no_name_tells_is_not_known(tmp_path: Path) -> None:
    finished = begin(tmp_path / "run", rows("claude-3-haiku", "gpt-4o"), judge="dolphin-2.5")
    assert finished.report.results.families.base_unknown
    words = " ".join(render(finished.report).split())
    assert "family dolphin; its base not known, so not compared with candidates'" in words
    assert "no candidate is of it" not in words
    of_known = begin(tmp_path / "of", rows("dolphin-2.5", "dolphin-2.9-llama3-8b", "gpt-4o"))
    assert of_known.report.results.families.unknown == {"dolphin-2.5": 2}
    assert not of_known.report.results.families.base_unknown
    given = begin(
        tmp_path / "given", rows("gpt-4o", "claude-3"), judge="dolphin-2.5", family="dolphin,qwen"
    )
    words = " ".join(render(given.report).split())
    assert "family dolphin, qwen by --family; no candidate is of it" in words


def test_a_run_goes_on_as_it_was_started(tmp_path: Path) -> None:
    out = tmp_path / "run"
    begin(out, MIXED, allow_self=True, family="qwen", limit=3)
    assert go_on(out, engine=judge_of(JUDGE)).status == 0
    begin(out, MIXED, family="qwen", limit=3)  # nothing new to allow
    assert begin(out, MIXED, family="qwen", limit=3, dry_run=True).to_ask == 0
    with pytest.raises(RunDirectoryError, match=r'options: family "?qwen"? -> null'):
        begin(out, MIXED, limit=3)
    assert results_of(out).families.given


def test_an_extension_may_not_bring_what_nobody_allowed(tmp_path: Path) -> None:
    out = tmp_path / "run"
    strangers = rows("claude-3-haiku", "gpt-4o")
    begin(out, strangers)
    more = strangers + [row | {"id": f"more-{row['id']}"} for row in rows("qwen-max", "gpt-4o")]
    with pytest.raises(ConfigError, match="2 answers of `qwen-max`"):
        begin(out, more, extend=True)
    assert len(results_of(out).families.own) == 0
    begin(out, more, extend=True, allow_self=True)
    assert len(results_of(out).families.own) == 1


def test_a_stream_is_refused_at_its_first_such_window(caplog: pytest.LogCaptureFixture) -> None:
    data = rows("claude-3-haiku", "gpt-4o", count=2) + MIXED[2:]
    outcomes = stream(data, rubric="pairwise", engine=judge_of(JUDGE), window=2)
    with pytest.raises(ConfigError, match="own family: 2 answers of `Qwen/Qwen3-8B`"):
        list(outcomes)
    with caplog.at_level(logging.WARNING, logger="judgefast"):
        list(stream(data, rubric="pairwise", engine=judge_of(JUDGE), window=2, allow_self=True))
    assert [record.getMessage()[:43] for record in caplog.records] == [
        "window 1: The judge judged its own family: "
    ]


def test_a_recorded_judge_is_known_by_its_name_where_the_rows_have_it(tmp_path: Path) -> None:
    data = rows("gpt-3.5-turbo", "llama-2-70b", count=1)
    recorded = [
        {"id": "item-0", "order": order, "text": '{"verdict": "A"}', "judge": "gpt-4-0613"}
        for order in ("ab", "ba")
    ]
    with pytest.raises(ConfigError, match=r"`gpt-4-0613` \(family gpt\).*1 answer of `gpt-3.5-tu"):
        start(tmp_path / "run", data, engine=ReplayEngine(recorded=recorded))
    nameless = [{key: row[key] for key in ("id", "order", "text")} for row in recorded]
    finished = start(tmp_path / "run", data, engine=ReplayEngine(recorded=nameless))
    assert finished.report.results.families.families == []
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["judge"] == "recorded"
