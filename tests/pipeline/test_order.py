"""The order of sending, from the plan to the journal: what is held to it, and what is not."""

from __future__ import annotations

import json
import shutil
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

import judgefast
from judgefast.batches.tables import asks_schema, requests_schema
from judgefast.errors import EngineError
from judgefast.hashes import framed
from judgefast.journal.plan import PlanStore
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.finished import DryRun
from judgefast.pipeline.order import requests_to_send, sending_order
from judgefast.pipeline.read_plan import load_plan
from judgefast.pipeline.results import read_run, report_of
from tests.engines.scripted import ScriptedEngine, answered
from tests.pipeline.judging import by_hash, go_on, judge_rows, pairs, results_json, start

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

ROOM = 8


def long_when_swapped(request: Request) -> Completion:
    tokens = 100 if request.shown[0] else 10
    return msgspec.structs.replace(by_hash(request), completion_tokens=tokens)


def test_only_the_last_two_windows_are_sent_by_length_and_the_digest_stays(tmp_path: Path) -> None:
    out = tmp_path / "run"
    said = start(out, pairs(150), long_when_swapped, dry_run=True)
    assert isinstance(said, DryRun)
    engine = ScriptedEngine(long_when_swapped, room=ROOM)
    judge_rows(out, pairs(150), engine=engine)
    directory = RunDirectory.open(out, write=False)
    plan = load_plan(directory)
    planned = [plan.columns.request_id[row].tobytes() for row in requests_to_send(plan)]
    submitted = [request.request_id for _, request in engine.submitted]
    kept = 300 - 2 * ROOM
    assert submitted[:kept] == planned[:kept]
    lengths = [request.shown[0] for _, request in engine.submitted[kept:]]
    assert lengths == sorted(lengths, reverse=True)
    assert sorted(submitted) == sorted(planned)
    [launch] = directory.launches()
    assert launch["reordered_from"] == kept
    order = report_of(read_run(out)).operations.order
    assert order is not None
    assert (order.sent, order.planned, order.known) == (said.digest, said.digest, 300)
    assert json.loads((out / "plan" / "plan.json").read_bytes())["digest"] == said.digest

    [path] = (out / "launches").iterdir()
    facts = json.loads(path.read_bytes())
    del facts["reordered_from"]
    path.write_text(json.dumps(facts))
    assert sending_order(directory).sent != said.digest, "it is seen where nothing excuses it"


def test_a_start_that_goes_on_keeps_the_order_of_the_plan(tmp_path: Path) -> None:
    out = tmp_path / "run"
    drawn = np.random.default_rng(3)

    def some(request: Request) -> Completion | None:
        return by_hash(request) if drawn.random() < 0.7 else None

    first = ScriptedEngine(some, room=ROOM)
    judge_rows(out, pairs(40), engine=first, request_seconds=0.2)
    again = ScriptedEngine(by_hash, room=ROOM, lanes=2)
    go_on(out, engine=again)
    order = sending_order(RunDirectory.open(out, write=False))
    assert order.sent == order.planned
    assert order.requests == 80
    assert {request.request_id for _, request in first.submitted} >= {
        request.request_id for _, request in again.submitted
    }


def test_a_plan_of_before_is_read_and_gone_on_with(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(tmp_path / "whole", pairs(20))
    judge_rows(
        out, pairs(20), lambda r: by_hash(r) if r.request_id[0] % 2 else None, request_seconds=0.2
    )
    old = PlanStore(out / "plan", None)
    [(requests, asks)] = old.parts(requests_schema().names, asks_schema().names)
    counts = {name: count for name, count in old.counts.items() if name != "judgments"}
    shutil.rmtree(out / "plan")
    (out / "plan").mkdir()
    before = PlanStore(out / "plan", "0" * 32)
    before.write(requests.drop_columns(["sent", "left_out"]), asks.drop_columns(["item", "shown"]))
    before.seal(counts)
    for table in ("requests", "asks"):
        found = judgefast.Run.open(out).table(table)
        assert len(found) == 40
        assert found.column_names[-1] in {"left_out", "shown"}
    go_on(out)
    assert results_json(out) == results_json(tmp_path / "whole").replace("whole", "run")
    order = sending_order(RunDirectory.open(out, write=False))
    assert order.sent == order.planned


def with_twins(count: int = 24) -> list[dict[str, Any]]:
    """Four rows have a twin that asks the same; all of these are one cluster."""
    rows = pairs(count)
    for number in range(4):
        rows[number]["cluster"] = "one"
        rows.append(rows[number] | {"id": f"twin-{number}"})
    return rows


def in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judgefast.pipeline.blocks.BLOCK_ITEMS", 8)
    monkeypatch.setattr("judgefast.pipeline.plan.PART_REQUESTS", 16)


def order_by_the_page(out: Path) -> tuple[list[bytes], str]:
    """Requests as docs/formats.md orders them, judgment by judgment, and the digest of that."""
    store = PlanStore(out / "plan", None)
    asker = {}
    judgments = (ask for batch in store.batches("asks") for ask in batch.to_pylist())
    for number, ask in enumerate(judgments):
        if ask["key"] == ask["request_id"]:
            asker[ask["request_id"]] = number
    placed = []
    for batch in store.batches("requests"):
        for request in batch.to_pylist():
            own = asker[request["request_id"]]
            place = own if request["sent"] is None else request["sent"]
            placed.append((place, request["prefix_group"], request["request_id"]))
    placed.sort()
    fields: list[bytes] = []
    for number, group in groupby(placed, lambda request: request[1]):
        fields += [number.to_bytes(8, "little"), b"".join(request[2] for request in group)]
    digest = framed("judgefast plan order 1", fields)[:16].hex()
    return [request[2] for request in placed], digest


def assert_order_is_that_of_the_plan(out: Path) -> list[bytes]:
    """Plan, its file, its columns, and what the journal has, by one digest."""
    planned, digest = order_by_the_page(out)
    directory = RunDirectory.open(out, write=False)
    assert json.loads((out / "plan" / "plan.json").read_bytes())["digest"] == digest
    plan = load_plan(directory)
    assert plan.digest == digest
    assert [plan.columns.request_id[row].tobytes() for row in requests_to_send(plan)] == planned
    order = sending_order(directory)
    assert (order.planned, order.requests) == (digest, len(planned))
    assert (order.sent, order.known) == (digest, len(planned))
    return planned


def submitted(engine: ScriptedEngine) -> list[bytes]:
    return [request.request_id for _, request in engine.submitted]


@pytest.mark.parametrize("seed", [0, 3])
def test_parts_with_and_without_an_order_of_their_own_are_one_order(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Places count judgments, of which a part that says no places may have more than requests."""
    in_small_parts(monkeypatch)
    out = tmp_path / "run"
    engine = ScriptedEngine(lambda request: answered(request, "A"), room=2)
    judge_rows(out, with_twins(), engine=engine, seed=seed)
    assert submitted(engine) == assert_order_is_that_of_the_plan(out)
    parts = [
        (len(asks) - len(requests), requests.column("sent").null_count)
        for requests, asks in PlanStore(out / "plan", None).parts(["sent"], ["key"])
    ]
    assert any(fewer for fewer, _ in parts[:-1])
    assert len({bool(nulls) for _, nulls in parts}) == 2


def test_a_run_of_several_parts_that_is_lost_goes_on_in_the_order_of_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_parts(monkeypatch)
    out, left = tmp_path / "run", 21

    def until_it_dies(request: Request) -> Completion:
        nonlocal left
        left -= 1
        if left < 0:
            message = "the engine is gone"
            raise EngineError(message)
        return answered(request, "A")

    first = ScriptedEngine(until_it_dies, room=4, batch=1)
    judge_rows(out, with_twins(), engine=first, seed=3)
    again = ScriptedEngine(lambda request: answered(request, "A"), room=4, batch=1)
    go_on(out, engine=again)
    planned = assert_order_is_that_of_the_plan(out)
    assert submitted(first) == planned[: len(first.submitted)]
    answered_twice = set(submitted(first)) & set(submitted(again))
    assert 0 < len(answered_twice) <= 4, "what was in flight"
    rest = set(submitted(again))
    assert submitted(again) == [request for request in planned if request in rest]


@pytest.mark.parametrize("seed", [0, 6])
def test_a_run_of_several_parts_that_grows_has_the_order_of_its_new_plan(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_small_parts(monkeypatch)
    out, rows = tmp_path / "run", with_twins()
    for data in (rows[::2], rows):
        engine = ScriptedEngine(lambda request: answered(request, "A"), room=2)
        judge_rows(out, data, engine=engine, seed=seed, extend=True)
        planned = assert_order_is_that_of_the_plan(out)
        new = set(submitted(engine))
        assert submitted(engine) == [request for request in planned if request in new]
    assert len(list((out / "plan").glob("asks-*"))) > 2
