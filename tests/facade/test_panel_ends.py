"""How panels are interrupted, and what they cannot be extended by."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.engines.scripted import ScriptedEngine
from tests.facade.seated import RUBRIC, replays, says
from tests.recorded import always_first, pairs, reasoned

import judgefast
from judgefast.errors import ConfigError, EngineError, RunDirectoryError
from judgefast.pipeline.panel import resume_panel, run_panel
from judgefast.pipeline.panel_directory import read_panel
from judgefast.pipeline.panel_judges import judges_of
from judgefast.stopping import Stop

if TYPE_CHECKING:
    from pathlib import Path


def test_an_interruption_is_one_although_another_judge_has_failed_to_start(tmp_path: Path) -> None:
    stop, has_failed = Stop(), threading.Event()

    class Broken(ScriptedEngine):
        def start(self) -> dict[str, Any]:
            has_failed.set()
            message = "the model does not load"
            raise EngineError(message)

    class Slow(ScriptedEngine):
        def start(self) -> dict[str, Any]:
            assert has_failed.wait(30)
            stop.requested = True
            raise KeyboardInterrupt

    judges = [{"name": "slow", "engine": Slow(says("A"))}]
    judges += [{"name": "broken", "engine": Broken(says("A"))}]
    panel = judgefast.run(
        pairs(), judges=judges, rubric=RUBRIC, out=tmp_path / "p", side_by_side=True, stop=stop
    )
    assert panel.status == 130


def test_several_judges_are_not_extended_by_what_can_be_read_once(tmp_path: Path) -> None:
    def judges(names: str) -> list[dict[str, Any]]:
        return [{"name": name, "engine": ScriptedEngine(says("A"))} for name in names]

    options: dict[str, Any] = {"rubric": RUBRIC, "out": tmp_path / "p"}
    judgefast.run(pairs()[:9], judges=judges("ab"), **options)
    rest = iter(pairs())
    with pytest.raises(ConfigError, match="these can be read only once"):
        judgefast.run(rest, judges=judges("ab"), extend=True, **options)
    shared = {"rubric": RUBRIC, "data": ["-"], "extend": True}
    with pytest.raises(ConfigError, match="these can be read only once"):
        run_panel(judges_of(judges("ab"), shared, where="here"), tmp_path / "p", say=print)
    panel = judgefast.run(pairs(), judges=judges("ab"), extend=True, **options)
    assert [row.counts.items for row in panel.report.judges] == [36, 36]


def _named(folder: Path) -> dict[str, Any]:
    """Seed of each judge as `panel.json` has it."""
    held = json.loads((folder / "panel.json").read_text("utf-8"))
    return {judge["name"]: judge["config"].get("seed") for judge in held["judges"]}


def test_a_start_that_is_refused_leaves_the_panel_as_it_was(tmp_path: Path) -> None:
    """Also where a judge would be of a candidate's family, or comes first and has begun."""
    options: dict[str, Any] = {"rubric": RUBRIC, "out": tmp_path / "p"}
    old = replays(x=reasoned, y=always_first)
    panel = judgefast.run(pairs(), judges=old, **options)
    assert panel.status == 0
    before = (tmp_path / "p" / "panel.json").read_bytes()
    with pytest.raises(RunDirectoryError, match="belongs to another run"):
        judgefast.run(pairs(), judges=old, seed=5, **options)
    own = {**replays(z=always_first)[0], "family": "atlas"}
    with pytest.raises(ConfigError, match="judge `z`"):
        judgefast.run(pairs(), judges=[*old, own], **options)
    assert (tmp_path / "p" / "panel.json").read_bytes() == before
    assert judgefast.Panel.open(tmp_path / "p").status == 0
    first = {"name": "first", "engine": ScriptedEngine(says("A"))}
    seed = next(iter(_named(tmp_path / "p").values()))
    with pytest.raises(RunDirectoryError, match="belongs to another run"):
        judgefast.run(pairs(), judges=[*old, first], seed=5, **options)
    assert _named(tmp_path / "p") == {"x": seed, "y": seed, "first": 5}
    assert judgefast.Panel.open(tmp_path / "p").report.not_started == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda judges: judges.clear(), r"panel\.json` cannot be read: .*length >= 1"),
        (
            lambda judges: judges[1].update(name="../../y"),
            r"panel\.json` cannot be read: .*`\$\.judges\[1\]\.name`",
        ),
        (lambda judges: judges[1].update(name="x"), r"panel\.json` cannot be read: .*twice"),
    ],
)
def test_a_damaged_panel_is_refused_in_words(tmp_path: Path, change: Any, words: str) -> None:
    judges = [{"name": name, "config": {}} for name in "xy"]
    change(judges)
    held = {"format": 1, "created": "", "judgefast": "", "judges": judges}
    (tmp_path / "panel.json").write_text(json.dumps(held), "utf-8")
    for opened in (read_panel, lambda folder: resume_panel(folder, say=print)):
        with pytest.raises(RunDirectoryError, match=words):
            opened(tmp_path)


def test_a_folder_in_place_of_the_list_is_refused_before_anybody_is_paid(tmp_path: Path) -> None:
    options: dict[str, Any] = {"rubric": RUBRIC, "out": tmp_path / "p"}
    judges = replays(x=reasoned, y=always_first)
    panel = judgefast.run(pairs()[:9], judges=judges, **options)
    (tmp_path / "p" / "disagreements.jsonl").unlink()
    (tmp_path / "p" / "disagreements.jsonl").mkdir()
    words = r"disagreements\.jsonl` is a folder"
    with pytest.raises(RunDirectoryError, match=words):
        judgefast.run(pairs()[:9], judges=judges, **options)
    with pytest.raises(RunDirectoryError, match=words):
        resume_panel(tmp_path / "p", say=print)
    with pytest.raises(ConfigError, match="it is a folder"):
        panel._read().write_disagreements(tmp_path / "p" / "disagreements.jsonl", overwrite=True)
