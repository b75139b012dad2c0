"""The same work otherwise: fewer or more items, shorter or longer answers."""

from __future__ import annotations

from math import ceil

import msgspec

from judgefast.costs.ranges import Range
from judgefast.costs.workload import Answers, Workload


def with_items(workload: Workload, items: int) -> Workload:
    """Say the same of so many items that are like these on average.

    What prompts of all items share, the rubric, is so short beside them that it is scaled too.

    Args:
        workload: Of at least one item.
        items: At least 1.

    """
    if items == workload.items:
        return workload

    def scaled(count: int) -> int:
        """In whole numbers, so that what is scaled and scaled back is the same; none is lost."""
        return -(-count * items // workload.items)

    return msgspec.structs.replace(
        workload,
        items=items,
        judgments=scaled(workload.judgments),
        requests=scaled(workload.requests),
        prompt_tokens=scaled(workload.prompt_tokens),
        computed_tokens=workload.computed_tokens.times(items / workload.items),
        because=f"{workload.because}; taken for {items:,} items like these",
    )


def with_reasons(workload: Workload, tokens: int) -> Workload:
    """Ask for reasons of so many tokens with the verdict; thinking stays as it is."""
    thinking = workload.answers.thinking
    most = tokens + ceil(thinking.high)
    return msgspec.structs.replace(
        workload,
        answers=Answers(
            mean=Range.exactly(tokens) + thinking,
            spread=workload.answers.spread if thinking.likely else 0.0,
            most=max(most, workload.answers.most) if thinking.likely else most,
            thinking=thinking,
            basis="given",
            because=f"every answer is {tokens:,} tokens long",
        ),
    )


def with_labels(workload: Workload) -> Workload:
    """Read the verdict from one token, without a reason and without thinking."""
    return msgspec.structs.replace(
        workload,
        answers=Answers(
            mean=Range.exactly(1),
            spread=0.0,
            most=1,
            basis="given",
            because="the verdict is read from one token",
        ),
    )
