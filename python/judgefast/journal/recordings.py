"""A finished run as recorded outputs: what a replay engine takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgefast.datasets.rows import items_of, iter_rows
from judgefast.journal.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from judgefast.datasets.items import Item, Text

_PLAN = ("request_id", "item_id", "shown", "repeat", "judge")
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
    asked: list[dict[str, Any]] = []
    for batch in directory.plan_requests(_PLAN):
        asked += batch.select(_PLAN[1:]).to_pylist()
    aspects = [
        name
        for batch in directory.plan_asks(["aspect"])
        for name in batch.column(0).cast("string").to_pylist()
    ]
    items = {
        item.item_id: _item_row(item) for batch in iter_rows(folder) for item in items_of(batch)
    }
    for batch in directory.completions(_COMPLETIONS):
        rows, counted = answers.rows(batch.column("request_id")), answers.counts(batch)
        for place, said in enumerate(batch.to_pylist()):
            if not counted[place]:
                continue
            request = asked[int(rows[place])]
            yield items[request["item_id"]] | {
                "shown": request["shown"],
                "repeat": request["repeat"],
                "judge": request["judge"],
                "aspect": aspects[int(rows[place])],
                "text": said["text"],
                "finish_reason": said["finish_reason"],
                "logprobs": said["answers"][0]["logprobs"] if said["answers"] else None,
                "prompt_tokens": said["prompt_tokens"],
                "completion_tokens": said["completion_tokens"],
                "reasoning_tokens": said["reasoning_tokens"],
                "reasoning": said["reasoning"],
            }


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
