"""One item of a run, whole: what was asked, what came back in each order, what came of it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from judgefast.batches.sharing import question_of
from judgefast.codes import FIXED_ONE, NO_ANSWER, OutcomeStatus, Position, Status
from judgefast.datasets.rows import items_of, iter_rows
from judgefast.errors import ConfigError
from judgefast.journal.answers import COLUMNS
from judgefast.pipeline.confidence import confidence_of
from judgefast.pipeline.kept import puts_of, server_confidence
from judgefast.pipeline.kept_rows import is_kept
from judgefast.pipeline.verdict_words import in_own_orientation
from judgefast.prompts.questions import question_of as typed_question
from judgefast.reports.show import AnswerView, ItemView, JudgmentView, OutcomeView, PutView, letter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgefast.datasets.items import Item
    from judgefast.engines.decisions.asked import Put
    from judgefast.pipeline.results import Reading
    from judgefast.prompts.rubric import Rubric

SUGGESTED = 3
"""Ids that are suggested for one that does not exist."""

COMPARED = 20_000
"""Ids, the first in run order, that an unknown one is compared with."""


class Said(NamedTuple):
    """What came back last, or what counts, for one judgment."""

    attempt: int
    finish_reason: str
    text: str
    error: str | None
    reasoning: str


_SAID = ("text", "error", "reasoning")
"""Columns of it beside those that every reading needs."""


def view_item(reading: Reading, item_id: str) -> ItemView:
    """Gather everything that a run knows of one item.

    Args:
        reading: The run.
        item_id: Id of the item.

    Raises:
        ConfigError: The run has no such item; the hint names the nearest ids.

    """
    row = pc.index(reading.items.item_id, pa.scalar(item_id, pa.string())).as_py()
    if row < 0:
        _refuse(reading, item_id)
    item = _item(reading, row)
    first, last = np.searchsorted(reading.plan.columns.item, [row, row + 1]).tolist()
    said = _said(reading, first, last)
    left_out = _left_out(reading, first, last)
    start, end = np.searchsorted(reading.outcomes.item, [row, row + 1]).tolist()
    return ItemView(
        item_id=item.item_id,
        cluster=item.cluster,
        question=item.question,
        reference=item.reference,
        answers=[AnswerView(model=answer.model, text=answer.text) for answer in item.answers],
        gold=item.gold,
        meta=dict(item.meta),
        judgments=[
            _judgment(reading, judgment, said, left_out.get(judgment, 0))
            for judgment in range(first, last)
        ],
        outcomes=[_outcome(reading, outcome, item) for outcome in range(start, end)],
    )


def _refuse(reading: Reading, item_id: str) -> NoReturn:
    ids = reading.items.item_id
    known: Any = ids.slice(0, COMPARED).to_pylist()
    near = get_close_matches(item_id, known, n=SUGGESTED)
    if not near:
        begins = pc.starts_with(ids, pattern=item_id)
        near = ids.filter(begins).slice(0, SUGGESTED).to_pylist()
    msg = f"`{reading.directory.path}` has no item `{item_id}`"
    one_of = " or ".join(f"`{one}`" for one in near or known[:SUGGESTED])
    hint = f"did you mean {one_of}?" if near else f"its ids look like {one_of}"
    raise ConfigError(msg, hint=hint)


def _item(reading: Reading, row: int) -> Item:
    base = 0
    for batch in iter_rows(reading.directory.path):
        if row < base + batch.num_rows:
            return items_of(batch.slice(row - base, 1))[0]
        base += batch.num_rows
    msg = f"row {row} of the plan is not in `rows`"
    raise AssertionError(msg)


def _said(reading: Reading, first: int, last: int) -> Mapping[int, Said]:
    """By plan row: the completion that counts; where none does, the last attempt."""
    answers = reading.table.answers
    found: dict[int, Said] = {}
    for batch in reading.directory.completions([*COLUMNS, *_SAID]):
        requests = answers.rows(batch.column("request_id"))
        places, rows = answers.sharing.judgments_of(requests)
        of_item = np.flatnonzero((rows >= first) & (rows < last))
        if not len(of_item):
            continue
        places, rows = places[of_item], rows[of_item]
        counted = answers.counts(batch)[places].tolist()
        answered = (answers.final_attempt[requests[places]] > 0).tolist()
        lines = batch.take(pa.array(places)).to_pylist()
        for row, counts, is_answered, line in zip(
            rows.tolist(), counted, answered, lines, strict=True
        ):
            is_last = not is_answered and (
                row not in found or found[row].attempt <= line["attempt"]
            )
            if counts or is_last:
                found[row] = Said(*(line[name] for name in Said._fields))
    return found


def _left_out(reading: Reading, first: int, last: int) -> dict[int, int]:
    """Tokens of answers that were not shown, by plan row, where there are any."""
    if "truncate" not in reading.directory.manifest.options:
        return {}
    rows = range(first, last)
    asked = [reading.plan.columns.request_id[row].tobytes() for row in rows]
    wanted = pa.array(sorted(set(asked)), pa.binary(16))
    found: dict[bytes, int] = {}
    for batch in reading.directory.plan_requests(["request_id", "left_out"]):
        here = batch.filter(pc.is_in(batch.column("request_id"), wanted)).to_pydict()
        found |= dict(zip(here["request_id"], here["left_out"], strict=True))
    return {row: found[request] for row, request in zip(rows, asked, strict=True)}


def _judgment(reading: Reading, row: int, said: Mapping[int, Said], left_out: int) -> JudgmentView:
    plan, verdicts, rubric = reading.plan.columns, reading.verdicts, reading.rubric
    completion = said.get(row)
    shown = plan.shown_in(row)
    span = verdicts.span[row].tolist()
    shares = verdicts.p_labels[row].tolist()
    mass = float(verdicts.label_mass[row])
    labels = rubric.verdicts[plan.aspect[row]].labels
    is_parsed = verdicts.status[row] == Status.PARSED
    words = in_own_orientation(reading, row)
    puts = _puts(reading, row, completion)
    sure = float(confidence_of(reading, np.array([row]))[0])
    if words is None and is_parsed:
        words = f"{verdicts.score[row]:g}"
    return JudgmentView(
        key=plan.key[row].tobytes().hex(),
        order=("swapped" if plan.swapped[row] else "forward") if len(shown) > 1 else "",
        shown=list(shown),
        aspect=rubric.aspects[plan.aspect[row]].name,
        repeat=int(plan.repeat[row]),
        attempt=0 if completion is None else completion.attempt,
        status=Status(verdicts.status[row]).label,
        verdict=words,
        finish_reason=None if completion is None else completion.finish_reason,
        text=None if completion is None or completion.error else completion.text,
        span=(span[0], span[1]) if span[0] < span[1] else None,
        probabilities={
            label.text: share
            for label, share in zip(labels, shares, strict=False)
            if not np.isnan(share)
        },
        label_mass=None if np.isnan(mass) else mass,
        left_out=left_out,
        error=None if completion is None else completion.error,
        reasoning=completion.reasoning if completion and completion.reasoning else None,
        confidence=None if np.isnan(sure) else sure,
        confidence_server=server_confidence(puts),
        puts=[_put_view(put, reading.rubric, int(plan.aspect[row])) for put in puts],
    )


def _puts(reading: Reading, row: int, said: Said | None) -> tuple[Put, ...]:
    if said is None or not is_kept(reading):
        return ()
    return puts_of(said.text, int(question_of(reading.plan.columns)[row]))


def _put_view(put: Put, rubric: Rubric, aspect: int) -> PutView:
    options = typed_question(rubric, aspect).options
    return PutView(
        options=[options[place].text for place in put.order if place < len(options)],
        probabilities=list(put.p),
        outcome=put.outcome,
        words=put.words,
    )


def _outcome(reading: Reading, row: int, item: Item) -> OutcomeView:
    outcomes = reading.outcomes
    baseline = int(outcomes.baseline[row])
    is_scored = outcomes.status[row] == OutcomeStatus.SCORED
    return OutcomeView(
        candidate=_name(item, int(outcomes.candidate[row])),
        baseline=None if baseline == NO_ANSWER else _name(item, baseline),
        aspect=reading.rubric.aspects[outcomes.aspect[row]].name,
        value=float(outcomes.value[row] / FIXED_ONE) if is_scored else None,
        status=OutcomeStatus(outcomes.status[row]).label,
        position=Position(outcomes.position[row]).label,
        rule=reading.rule,
    )


def _name(item: Item, index: int) -> str:
    model = item.answers[index].model
    return letter(index) if model is None else f"{letter(index)} ({model})"
