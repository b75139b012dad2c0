"""The engine of `docs/engines.md` is whole: it runs, and it can be registered."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from judgefast import engines
from judgefast.config import RunConfig
from judgefast.engines.base import Completion, Engine, ErrorKind, FinishReason
from judgefast.engines.recordings import _COORDINATES, _OUTPUTS
from judgefast.pipeline.run import run
from judgefast.prompts.decoding import Capabilities, Input

if TYPE_CHECKING:
    from judgefast.pipeline.run import Finished

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
ENGINE, USE = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    """What stands in code marks in the first cell of each row."""
    rows = re.findall(r"^\| `.*(?!\n\|--)$", text, flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])]


@pytest.fixture
def page() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(ENGINE, "docs/engines.md", "exec"), names)  # noqa: S102 - the page is ours
    return names


@pytest.fixture
def finished(page: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finished:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    exec(compile(USE, "docs/engines.md", "exec"), page)  # noqa: S102 - the page is ours
    return page["finished"]


def test_the_engine_of_the_page_judges_the_examples(finished: Finished) -> None:
    assert finished.status == 0
    assert finished.report is not None
    results = finished.report.results
    assert results.counts.parsed == results.counts.planned == 72
    assert results.judge == "longer-answer@1"
    assert results.position_bias is not None
    assert results.position_bias.flip_rate.value == 0  # length does not depend on the place


def test_the_engine_of_the_page_says_what_fails(page: dict[str, Any], tmp_path: Path) -> None:
    class Broken(page["LongerAnswerEngine"]):
        def _judge(self, request: object) -> str:
            message = "no server"
            raise OSError(message)

    config = RunConfig(
        data=(str(ROOT / "examples/pairs.jsonl"),),
        rubric="pairwise",
        out=str(tmp_path / "run"),
        limit=3,
    )
    finished = run(config, engine=Broken(), show_progress=False)
    assert finished.status == 3
    assert finished.report is not None
    assert finished.report.results.counts.failed == {"engine_error": 6}


def test_the_engine_of_the_page_is_found_by_its_entry_point(
    page: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    [line] = re.findall(r'entry-points\."(.*?)"\]\n(\w+) = "(.*?)"', PAGE)
    group, name, value = line
    entry = EntryPoint(name=name, value=value, group=group)
    monkeypatch.setattr(EntryPoint, "load", lambda _: page[value.partition(":")[2]])
    monkeypatch.setattr(engines, "entry_points", lambda *, group: [entry] * (group == entry.group))
    assert engines.create_engine(name, room=3).lanes[0].room == 3


def test_the_page_names_every_member_and_capability_and_no_other() -> None:
    members = {name.partition("(")[0] for name in first_cells(section("What an engine is"))}
    methods = {name for name in vars(Engine) if not name.startswith("_")}
    assert members == methods | Engine.__annotations__.keys()
    kinds, fields = section("Capabilities").split("| field |")
    assert first_cells(kinds) == list(get_args(Input))
    assert {"takes", *first_cells(fields)} == set(Capabilities.__struct_fields__)


def test_the_page_names_every_part_of_a_completion() -> None:
    text = section("Completions")
    assert first_cells(text) == list(get_args(ErrorKind))
    for name in get_args(FinishReason):
        assert f"`{name}`" in text
    named = set(re.findall(r"`(\w+)", text))
    unsaid = set(Completion.__struct_fields__) - named
    assert unsaid == {"cached_tokens", "completion_tokens", "reasoning_tokens"}


def test_the_page_names_every_engine_and_every_field_of_a_recording() -> None:
    table = PAGE.split("\n## ")[0]
    assert first_cells(table) == engines.engine_names()
    recorded = section("Replay").split("| option |")[0]
    assert set(first_cells(recorded)) == {"id", *_COORDINATES, *_OUTPUTS}
