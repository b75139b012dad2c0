"""Label masses: what a server tells, of which answers, and what a mass of 1 gives away."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

import judgefast
from tests.pipeline.judging import pairs

from .honest import systemone
from .judging import ask
from .scripted_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LISTED = {"data": [{"id": "judge", "object": "model", "owned_by": "vllm", "root": "/models/j"}]}


def vllm(mass_of: Callable[[int, int], float | None]) -> Callable[[bytes], bytes]:
    """VLLM's replies, with a label mass by number of the request (the first is 0) and question."""
    numbers = iter(range(1 << 20))

    def answer(body: bytes) -> bytes:
        reply = json.loads(systemone(body))
        reply |= {"object": "structured_decision", "model": "judge"}
        number = next(numbers)
        masses = {
            name: {"label_mass": mass}
            for place, name in enumerate(json.loads(body)["questions"])
            if (mass := mass_of(number, place)) is not None
        }
        return json.dumps(reply | ({"diagnostics": masses} if masses else {})).encode()

    return answer


def serve(mass_of: Callable[[int, int], float | None], listed: Any = LISTED) -> ScriptedServer:
    return ScriptedServer(paths={"/v1/systemone": vllm(mass_of)}, models=listed)


def judged(server: ScriptedServer, out: Path) -> Any:
    return judgefast.run(
        pairs(4),
        out=out,
        rubric="pairwise",
        engine="decisions",
        base_url=server.url,
        orders="one",
        engine_args={"concurrency": 1},
    )


def masses(out: Path) -> list[float | None]:
    return judgefast.Run.open(out).table("verdicts").column("label_mass").to_pylist()


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_mass_that_is_told_at_the_start_and_not_later_is_none(
    tmp_path: Path, *, in_parts: bool
) -> None:
    told = {0: 0.9, 1: 0.6, 2: 1.0, 3: None, 4: None} if in_parts else {0: 0.9}
    with serve(lambda number, _: told.get(number)) as server:
        ran = judged(server, tmp_path / "run")
        judgefast.run(
            pairs(4),
            out=tmp_path / "again",
            rubric="pairwise",
            engine="replay",
            recorded=str(tmp_path / "run"),
            orders="one",
        )
    found = ran.report.results.label_mass
    if in_parts:
        assert masses(tmp_path / "run") == pytest.approx([0.6, 1.0, None, None], nan_ok=True)
        assert (found.judgments, found.smallest) == (2, pytest.approx(0.6))
    else:
        assert masses(tmp_path / "run") == [None] * 4
        assert found is None
    # Recordings do not say of which answers a mass is known.
    assert masses(tmp_path / "again") == [None] * 4
    assert judgefast.Run.open(tmp_path / "run").report.results == ran.report.results


def test_masses_that_are_all_told_are_all_there_after_a_replay(tmp_path: Path) -> None:
    with serve(lambda number, _: 0.95 - number / 10) as server:
        judged(server, tmp_path / "run")
        judgefast.run(
            pairs(4),
            out=tmp_path / "again",
            rubric="pairwise",
            engine="replay",
            recorded=str(tmp_path / "run"),
            orders="one",
        )
    assert masses(tmp_path / "run") == pytest.approx([0.85, 0.75, 0.65, 0.55])
    assert masses(tmp_path / "again") == pytest.approx([0.85, 0.75, 0.65, 0.55])


def test_a_mass_that_is_told_of_one_order_of_the_options_is_the_mass() -> None:
    with serve(lambda _, place: (0.5, None)[place]) as server:
        (done,) = ask(server.url).completions
    (read,) = done.answers
    assert sum(map(math.exp, read.logprobs)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("card", "apart"),
    [
        ({"root": "/models/j"}, False),
        ({"root": "Org/Clef-flash"}, True),
        ({"root": "/adapters/own", "parent": "org/nimble-2"}, True),
        ({"aliases": ["judge", "kev-1"]}, True),
    ],
)
def test_a_model_that_is_shown_all_questions_is_known_by_any_name_of_its_card(
    card: dict[str, Any], *, apart: bool
) -> None:
    """VLLM calls a model as `--served-model-name` says, and lists beside it what it loaded."""
    listed = {"data": [LISTED["data"][0] | card, {"id": "other", "root": "Org/Clef-flash"}]}
    with serve(lambda *_: 0.9, listed) as server:
        done = ask(server.url, model="judge")
        asked = [len(each.body["questions"]) for each in server.of_items]
    assert (asked, done.facts["shows_all_questions"]) == ([1, 1] if apart else [2], apart)


def test_a_model_that_the_list_does_not_have_may_be_any_of_it() -> None:
    """A gateway's alias: which of them answers is not said."""
    listed = {"data": [{"id": "small", "owned_by": "vllm"}, {"id": "clef", "owned_by": "vllm"}]}
    with serve(lambda *_: 0.9, listed) as server:
        assert ask(server.url, model="alias").facts["shows_all_questions"] is True


@pytest.mark.parametrize(("mass", "apart"), [(1.0, True), (0.99999, False)])
def test_a_model_whose_labels_are_all_that_it_knows_may_be_shown_all_questions(
    mass: float, *, apart: bool
) -> None:
    """VLLM says a mass of 1 of Clef, whatever it is called and wherever it was loaded from."""
    with serve(lambda *_: mass) as server:
        done = ask(server.url)
        asked = [len(each.body["questions"]) for each in server.of_items]
    assert (asked, done.facts["shows_all_questions"]) == ([1, 1] if apart else [2], apart)
