"""A finished run as recorded outputs: what a replay engine takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from judgefast.datasets.rows import items_of, iter_rows
from judgefast.engines.decisions.asked import lacks_mass
from judgefast.journal.answers import COLUMNS
from judgefast.journal.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from judgefast.datasets.items import Item, Text

_PLAN = ("request_id", "item_id", "shown", "repeat", "judge")
_ASKS = ("request_id", "question", "aspect", "item", "shown")
_TOKENS = ("prompt_tokens", "completion_tokens", "reasoning_tokens")
_COMPLETIONS = (
    "request_id",
    "attempt",
    "launch",
    "row",
    "finish_reason",
    "error_kind",
    "text",
    "answers",
    "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "reasoning",
)


def recorded_rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Each answer of a run that counts, as a row of recordings with its item beside it."""
    directory = RunDirectory.open(folder, write=False)
    answers = directory.final_attempts()
    labels_only = bool(directory.manifest.options.get("labels_only"))
    asked: list[dict[str, Any]] = []
    for batch in directory.plan_requests(_PLAN):
        asked += batch.select(_PLAN[1:]).to_pylist()
    items = [_item_row(item) for batch in iter_rows(folder) for item in items_of(batch)]
    by_id = {row["id"]: row for row in items}
    judgments: list[list[dict[str, Any]]] = [[] for _ in asked]
    for batch in directory.plan_asks(_ASKS):
        rows = answers.rows(batch.column("request_id"))
        for row, ask in zip(rows.tolist(), batch.to_pylist(), strict=True):
            judgments[row].append(ask)
    for batch in directory.completions(_COMPLETIONS):
        rows, counted = answers.rows(batch.column("request_id")), answers.counts(batch)
        for place, said in enumerate(batch.to_pylist()):
            if not counted[place]:
                continue
            request = asked[int(rows[place])]
            for number, ask in enumerate(judgments[int(rows[place])]):
                own = ask.get("item")
                logprobs = _logprobs(said["answers"], ask["question"])
                if labels_only and logprobs is None and said["finish_reason"] != "refused":
                    logprobs = [math.nan]  # malformed, as it is there
                item = by_id[request["item_id"]] if own is None else items[own]
                yield item | {
                    "shown": ask.get("shown") or request["shown"],
                    "repeat": request["repeat"],
                    "judge": request["judge"],
                    "aspect": ask["aspect"],
                    "text": "" if labels_only else said["text"],
                    "finish_reason": "refused" if logprobs == [] else said["finish_reason"],
                    "logprobs": logprobs or None,
                    "reasoning": said["reasoning"],
                    # What was paid once is counted once.
                    **{name: said[name] if not number else said[name] and 0 for name in _TOKENS},
                }


def tells_masses(folder: Path) -> bool:
    """Whether what the labels sum to says something in every answer of a run that counts."""
    directory = RunDirectory.open(folder, write=False)
    options = directory.manifest.options
    if not options.get("label_mass", True):
        return False
    if not options.get("labels_only"):
        return True
    index = directory.final_attempts()
    for batch in directory.completions((*COLUMNS, "text", "answers")):
        counted = batch.filter(pa.array(index.counts(batch)))
        for text, answers in zip(
            counted.column("text").to_pylist(), counted.column("answers").to_pylist(), strict=True
        ):
            if any(lacks_mass(text, answer["question"]) for answer in answers):
                return False
    return True


def _logprobs(answers: list[dict[str, Any]] | None, question: int) -> list[float] | None:
    for answer in answers or ():
        if answer["question"] == question:
            logprobs: list[float] = answer["logprobs"]
            return logprobs
    return None


def _item_row(item: Item) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": item.item_id,
        "cluster": item.cluster,
        "gold": item.gold,
        "meta": item.meta,
        "answers": [
            {"model": answer.model, "text": _plain(answer.text)} for answer in item.answers
        ],
    }
    if item.question is not None:
        row["question"] = _plain(item.question)
    if item.reference is not None:
        row["reference"] = _plain(item.reference)
    return row


def _plain(text: Text | None) -> Any:  # noqa: ANN401 - as a row holds it
    if text is None or isinstance(text, str):
        return text
    return [{"role": turn.role, "content": turn.content} for turn in text]
