"""A judge of a candidate's own family, by the name of its model: no server hears of it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

import judgefast
from judgefast.engines.remote.engine import RemoteEngine
from judgefast.errors import ConfigError, EngineError, JudgefastError
from tests.pipeline.test_own_family import MIXED, begin, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Server:
    """Stands for all that an engine of servers does with them."""

    calls = 0

    def call(self) -> Any:
        self.calls += 1
        message = "nobody is there"
        raise EngineError(message, hint="start it")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setattr(RemoteEngine, "_running", server.call)
    return server


def options(**changed: Any) -> dict[str, Any]:
    return {
        "rubric": "pairwise",
        "engine": "http",
        "model": "Qwen/Qwen2.5-72B-Instruct",
        "engine_args": {"base_url": "http://127.0.0.1:9"},
    } | changed


def goes_to(server: Server, out: Path, data: Any, **changed: Any) -> bool:
    before = server.calls
    with pytest.raises(EngineError, match="nobody is there"):
        judgefast.run(data, out=out, **options(**changed))
    return server.calls > before


def test_a_named_judge_is_refused_before_its_server_is_called(
    tmp_path: Path, server: Server
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in MIXED))
    for data in (MIXED, path, [str(path)]):
        with pytest.raises(ConfigError, match=r"own family: 4 answers of `Qwen/Qwen3-8B` \(qwen\)"):
            judgefast.run(data, out=tmp_path / "run", **options())
    with pytest.raises(ConfigError, match=r"\(family gpt\).*answers of `gpt-4o` \(gpt\)$"):
        judgefast.run(MIXED, out=tmp_path / "run", **options(model="x", family="openai"))
    assert not server.calls
    assert not (tmp_path / "run").exists()


def test_what_may_be_judged_goes_to_its_server(tmp_path: Path, server: Server) -> None:
    assert goes_to(server, tmp_path / "run", rows("claude-3-haiku", "gpt-4o"))
    assert goes_to(server, tmp_path / "run", MIXED, allow_self=True)
    assert goes_to(server, tmp_path / "run", MIXED, family="claude")


def test_a_sample_and_rows_that_are_read_once_are_for_who_reads_them(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert goes_to(server, tmp_path / "run", MIXED, limit=1)
    taken: list[int] = []

    def once() -> Iterator[dict[str, Any]]:
        for number, row in enumerate(MIXED):
            taken.append(number)
            yield row

    assert goes_to(server, tmp_path / "run", once())
    assert taken == []
    piped = io.BytesIO("".join(json.dumps(row) + "\n" for row in MIXED).encode())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(piped))
    assert goes_to(server, tmp_path / "run", "-")
    assert piped.tell() == 0
    assert goes_to(server, tmp_path / "run", [str(tmp_path / "missing.jsonl")])


def test_a_field_that_no_row_has_hides_no_answers_of_the_judges_own(
    tmp_path: Path, server: Server
) -> None:
    """The first rows need not have it; who reads them all says where none has."""
    with pytest.raises(ConfigError, match="own family: 4 answers"):
        judgefast.run(MIXED, out=tmp_path / "run", **options(map={"gold": "human"}))
    assert not server.calls


def test_what_a_run_was_begun_with_is_not_asked_again(tmp_path: Path, server: Server) -> None:
    out = tmp_path / "run"
    begin(out, MIXED, allow_self=True)
    assert goes_to(server, out, MIXED)


def test_only_the_first_rows_are_looked_at_and_the_words_say_so(
    tmp_path: Path, server: Server
) -> None:
    strangers = rows("claude-3-haiku", "gpt-4o", count=2100)
    own = [row | {"id": f"own-{row['id']}"} for row in rows("qwen-max", "gpt-4o", count=2)]
    with pytest.raises(ConfigError, match=r"2 answers of `qwen-max` \(qwen\), in the first 1,024"):
        judgefast.run([*own, *strangers], out=tmp_path / "run", **options())
    assert not server.calls
    assert goes_to(server, tmp_path / "run", [*strangers, *own])


def test_no_server_of_a_panel_is_called_where_one_judge_is_of_a_candidates_family(
    tmp_path: Path, server: Server
) -> None:
    shared = options()
    del shared["model"]
    judges = [{"name": "s", "model": "grok-4"}, {"name": "q", "model": "qwen-max"}]
    with pytest.raises(ConfigError, match=r"^judge `q`: the judge `qwen-max` \(family qwen\)"):
        judgefast.run(MIXED, judges=judges, out=tmp_path / "panel", **shared)
    assert not server.calls
    assert not (tmp_path / "panel").exists()
    allowed = [judges[0], judges[1] | {"allow_self": True}]
    with pytest.raises(JudgefastError):
        judgefast.run(MIXED, judges=allowed, out=tmp_path / "panel", **shared)
    assert server.calls


@pytest.mark.parametrize("row", [{"id": "1", "prompt": "p"}, {"id": "1", "question": "q"}])
def test_rows_of_which_none_can_be_used_are_no_family_s_affair(
    row: dict[str, str], tmp_path: Path, server: Server
) -> None:
    with pytest.raises(JudgefastError):
        judgefast.run([row], out=tmp_path / "run", on_bad_row="skip", **options())
    assert server.calls or not (tmp_path / "run").exists()
