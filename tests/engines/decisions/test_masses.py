"""Label masses: what a server tells, of which answers, and what a mass of 1 gives away."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

import judgefast
from judgefast.engines.base import Completion, LabelRead
from judgefast.engines.decisions.asked import Kept, Put, kept_text, lacks_mass
from judgefast.journal.recordings import tells_masses
from judgefast.pipeline.run import resume
from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel
from judgefast.verdicts.table import VerdictTable
from tests.engines.scripted import ScriptedEngine, answered
from tests.pipeline.judging import judge_rows, pairs

from .honest import systemone
from .judging import ask
from .scripted_server import Say, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches.request import Request

NONE = float("nan")
"""As `pytest.approx` takes a number that is none."""

LISTED = {"data": [{"id": "judge", "object": "model", "owned_by": "vllm", "root": "/models/j"}]}


def vllm(
    mass_of: Callable[[int, int], float | None], written: int | None = 1
) -> Callable[[bytes], bytes]:
    """VLLM's replies, with a label mass by number of the request (the first is 0) and question."""
    numbers = iter(range(1 << 20))

    def answer(body: bytes) -> bytes:
        reply = json.loads(systemone(body))
        reply |= {"object": "structured_decision", "model": "judge"}
        reply["usage"] = {} if written is None else {"output_tokens": written}
        number = next(numbers)
        masses = {
            name: {"label_mass": mass}
            for place, name in enumerate(json.loads(body)["questions"])
            if (mass := mass_of(number, place)) is not None
        }
        return json.dumps(reply | ({"diagnostics": masses} if masses else {})).encode()

    return answer


def serve(
    mass_of: Callable[[int, int], float | None], listed: Any = LISTED, written: int | None = 1
) -> ScriptedServer:
    return ScriptedServer(paths={"/v1/systemone": vllm(mass_of, written)}, models=listed)


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


def replay(run: Path, out: Path) -> None:
    judgefast.run(
        pairs(4), out=out, rubric="pairwise", engine="replay", recorded=str(run), orders="one"
    )


def masses(out: Path) -> list[float]:
    found = judgefast.Run.open(out).table("verdicts").column("label_mass").to_pylist()
    return [NONE if mass is None else mass for mass in found]


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_mass_that_is_told_at_the_start_and_not_later_is_none(
    tmp_path: Path, *, in_parts: bool
) -> None:
    told = {0: 0.9, 1: 0.6, 2: 1.0, 3: None, 4: None} if in_parts else {0: 0.9}
    with serve(lambda number, _: told.get(number)) as server:
        ran = judged(server, tmp_path / "run")
        replay(tmp_path / "run", tmp_path / "again")
    found = ran.report.results.label_mass
    if in_parts:
        assert masses(tmp_path / "run") == pytest.approx([0.6, 1.0, NONE, NONE], nan_ok=True)
        assert (found.judgments, found.smallest) == (2, pytest.approx(0.6))
    else:
        assert masses(tmp_path / "run") == pytest.approx([NONE] * 4, nan_ok=True)
        assert found is None
    # Recordings do not say of which answers a mass is known.
    assert masses(tmp_path / "again") == pytest.approx([NONE] * 4, nan_ok=True)
    assert judgefast.Run.open(tmp_path / "run").report.results == ran.report.results


def test_masses_that_are_all_told_are_all_there_after_a_replay(tmp_path: Path) -> None:
    with serve(lambda number, _: 0.95 - number / 10) as server:
        judged(server, tmp_path / "run")
        replay(tmp_path / "run", tmp_path / "again")
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
        ({"root": "/home/kevin/models/Qwen3-8B"}, False),
        ({"root": "/adapters/own", "parent": "base"}, True),
        ({"description": "unlike Clef it is shown one question"}, False),
    ],
)
def test_a_model_that_is_shown_all_questions_is_known_by_any_name_of_its_card(
    card: dict[str, Any], *, apart: bool
) -> None:
    """VLLM calls a model as `--served-model-name` says, and lists beside it what it loaded."""
    listed = {"data": [LISTED["data"][0] | card, {"id": "base", "root": "Org/Clef-flash"}]}
    with serve(lambda *_: 0.9, listed) as server:
        done = ask(server.url, model="judge")
        asked = [len(each.body["questions"]) for each in server.of_items]
    assert (asked, done.facts["shows_all_questions"]) == ([1, 1] if apart else [2], apart)


def test_a_model_that_the_list_does_not_have_may_be_any_of_it() -> None:
    """A gateway's alias: which of them answers is not said."""
    listed = {"data": [{"id": "small", "owned_by": "vllm"}, {"id": "clef", "owned_by": "vllm"}]}
    with serve(lambda *_: 0.9, listed) as server:
        assert ask(server.url, model="alias").facts["shows_all_questions"] is True


@pytest.mark.parametrize(
    ("mass", "written", "apart"),
    [(1.0, 0, True), (1.0, 2, False), (1.0, None, False), (0.99999, 0, False)],
)
def test_a_model_whose_labels_are_all_that_it_knows_may_be_shown_all_questions(
    mass: float, written: int | None, *, apart: bool
) -> None:
    """A mass of 1 is what vLLM says of Clef, whatever it is called and wherever it was loaded from.

    A chat model may be so sure that its mass is 1; but it writes the token of its label.
    """
    with serve(lambda *_: mass, written=written) as server:
        done = ask(server.url)
        asked = [len(each.body["questions"]) for each in server.of_items]
    assert (asked, done.facts["shows_all_questions"]) == ([1, 1] if apart else [2], apart)


@pytest.mark.parametrize("owner", ["llamacpp", "sglang"])
def test_where_masses_are_not_vllm_s_one_is_no_sign_of_a_head(owner: str) -> None:
    """A gateway's diagnostics; SGLang says of chat models that they write nothing."""

    def answer(body: bytes) -> bytes:
        reply = json.loads(vllm(lambda *_: 1.0, 0)(body))
        for each in reply["answers"].values():
            each["x_label_mass"] = 1.0
        return json.dumps(reply).encode()

    listed = {"data": [{"owned_by": owner}]}
    with ScriptedServer(paths={"/v1/systemone": answer}, models=listed) as server:
        assert ask(server.url).facts["shows_all_questions"] is False


def test_a_malformed_answer_takes_no_mass_from_a_replay(tmp_path: Path) -> None:
    def answer(number: int, body: dict[str, Any]) -> Say | None:
        if number != 2:
            return None
        reply = json.loads(vllm(lambda *_: 0.9)(json.dumps(body).encode()))
        del next(iter(reply["answers"].values()))["probabilities"]
        return Say(200, reply)

    with serve(lambda *_: 0.9) as server:
        server.script = answer
        judged(server, tmp_path / "run")
    replay(tmp_path / "run", tmp_path / "again")
    assert masses(tmp_path / "run") == pytest.approx([0.9, NONE, 0.9, 0.9], nan_ok=True)
    assert masses(tmp_path / "again") == pytest.approx([0.9, NONE, 0.9, 0.9], nan_ok=True)


def test_a_mass_is_of_its_own_question(tmp_path: Path) -> None:
    """Of two aspects of a state one is told."""
    with serve(lambda number, place: 1.0 if number == 0 or place < 2 else None) as server:
        judgefast.run(
            pairs(2),
            out=tmp_path / "run",
            rubric="aspects-pairwise",
            engine="decisions",
            base_url=server.url,
            orders="one",
        )
    verdicts = judgefast.Run.open(tmp_path / "run").table("verdicts").to_pylist()
    told = {row["question"]: row["label_mass"] for row in verdicts}
    assert told[0] == 1.0
    assert {told[place] for place in told if place} == {None}


def test_a_mass_of_1_that_is_told_of_one_order_alone_is_told(tmp_path: Path) -> None:
    """And not taken for what probabilities come to that are divided by their sum."""
    with serve(lambda _, place: (1.0, None)[place]) as server:
        judged(server, tmp_path / "run")
        replay(tmp_path / "run", tmp_path / "again")
    assert masses(tmp_path / "run") == masses(tmp_path / "again") == [1.0] * 4


TOLD, UNTOLD = Put((0, 1), (0.9, 0.1), mass=1.0), Put((1, 0), (0.1, 0.9))
BROKEN = Put((0, 1), outcome="malformed", words="no sum")


@pytest.mark.parametrize(
    ("questions", "lacking"),
    [
        (((UNTOLD, UNTOLD), (TOLD, TOLD)), [True, False]),
        (((TOLD, UNTOLD), (UNTOLD, TOLD)), [False, False]),
        (((BROKEN, UNTOLD), (BROKEN, TOLD)), [True, False]),
        (((BROKEN, BROKEN), ()), [False, False]),
        (((UNTOLD,),), [True, False]),
        ((), [False, False]),
    ],
)
def test_a_mass_is_lacking_where_the_answers_to_a_question_tell_none(
    questions: tuple[tuple[Put, ...], ...], lacking: list[bool]
) -> None:
    """In a completion that has fewer answers than questions were asked, too."""
    text = kept_text(Kept("m", questions))
    assert [lacks_mass(text, place) for place in (0, 1)] == lacking


@pytest.mark.parametrize(
    "text", ["", "A", "{}", '{"model": "m"}', '{"model": "m", "questions": 1}']
)
def test_nothing_is_lacking_in_a_text_of_another_engine(text: str) -> None:
    assert not lacks_mass(text, 0)


@pytest.mark.parametrize(("labels_only", "wanted"), [(True, NONE), (False, 1.0)])
def test_what_a_judge_writes_says_nothing_of_its_mass(wanted: float, *, labels_only: bool) -> None:
    """Only an engine that has no texts keeps in theirs what a server told.

    Log-probabilities of shares sum to 1 within the digits of a float.
    """
    labels = tuple(VerdictLabel(text=str(score), score=score) for score in range(1, 9))
    table = VerdictTable(
        np.arange(100, dtype=np.uint8).reshape(100, 1).repeat(16, axis=1),
        VerdictFormat(name="label", labels=labels),
        planned=np.zeros(100, np.uint8),
        labels_only=labels_only,
    )
    said = [
        Completion(
            request_id=bytes([number] * 16),
            attempt=1,
            lane=0,
            text=kept_text(Kept("m", ((UNTOLD, UNTOLD),))),
            finish_reason="stop",
            answers=(LabelRead(0, tuple(np.log(shares).tolist())),),
        )
        for number, shares in enumerate(np.random.default_rng(3).dirichlet(np.ones(8), 100))
    ]
    table.add_live(said, "a")
    assert table.verdicts().label_mass.tolist() == pytest.approx([wanted] * 100, nan_ok=True)


def test_masses_that_are_told_of_all_answers_that_count_are_told(tmp_path: Path) -> None:
    """A request that told none, and of which one order could not be read, was asked again."""

    def answer(number: int, body: dict[str, Any]) -> Say | None:
        if number != 2:
            return None
        reply = json.loads(vllm(lambda *_: None)(json.dumps(body).encode()))
        del next(iter(reply["answers"].values()))["probabilities"]
        return Say(200, reply)

    with serve(lambda *_: 0.9) as server:
        server.script = answer
        judged(server, tmp_path / "run")
        resume(tmp_path / "run", show_progress=False, retry=("unparsed",))
    replay(tmp_path / "run", tmp_path / "again")
    assert masses(tmp_path / "again") == pytest.approx([0.9] * 4)


def test_a_replay_of_a_replay_knows_no_more_masses(tmp_path: Path) -> None:
    with serve(lambda number, _: None if number else 0.9) as server:
        judged(server, tmp_path / "run")
    replay(tmp_path / "run", tmp_path / "again")
    replay(tmp_path / "again", tmp_path / "thrice")
    assert masses(tmp_path / "thrice") == pytest.approx([NONE] * 4, nan_ok=True)


def test_a_run_of_a_judge_that_writes_tells_masses_whatever_it_writes(tmp_path: Path) -> None:
    def written(request: Request) -> Completion:
        logprobs = tuple(math.log(share) for share in (0.5, 0.3, 0.2))
        text = kept_text(Kept("m", ((UNTOLD, UNTOLD),)))
        said = answered(request, text)
        return msgspec.structs.replace(said, answers=(LabelRead(0, logprobs),))

    engine = ScriptedEngine(written, label_probabilities=True)
    judge_rows(tmp_path / "run", pairs(2), engine=engine)
    assert tells_masses(tmp_path / "run")
