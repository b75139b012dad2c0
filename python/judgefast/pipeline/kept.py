"""What decision servers said of each question, as completions keep it; no verdict is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.batches.sharing import question_of
from judgefast.engines.decisions.asked import read_kept
from judgefast.pipeline.estimates import resampling_of
from judgefast.pipeline.kept_rows import is_kept, is_whole
from judgefast.prompts.questions import question_of as asked_as
from judgefast.stats.option_orders import option_orders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.decisions.asked import Put
    from judgefast.pipeline.kept_rows import KeptRows
    from judgefast.pipeline.results import Reading
    from judgefast.prompts.rubric import Rubric
    from judgefast.stats.option_bias import OptionOrders


def option_orders_of(reading: Reading, kept: KeptRows | None) -> OptionOrders | None:
    """What the order of options did; None where nothing is kept of it."""
    if kept is None or not kept.models:
        return None
    return option_orders(
        kept.rows,
        reading.items,
        level=reading.config.level,
        resampling=resampling_of(reading),
        kinds=_kinds(reading.rubric),
        models=kept.models,
        confidence_server=kept.confidence,
    )


def _kinds(rubric: Rubric) -> list[str]:
    """Kinds of the questions that a rubric puts."""
    return sorted({asked_as(rubric, place).kind for place in range(len(rubric.aspects))})


def puts_of(text: str | None, question: int) -> tuple[Put, ...]:
    """Each time that a question was put, by what is kept; nothing where that says nothing of it."""
    kept = None if text is None else read_kept(text)
    if kept is None or question >= len(kept.questions):
        return ()
    return tuple(filter(is_whole, kept.questions[question]))


def words_of_kept(reading: Reading, row: int, text: str) -> str:
    """What a server said of a question that has no verdict; of other judges their text."""
    if not is_kept(reading):
        return text
    puts = puts_of(text, int(question_of(reading.plan.columns)[row]))
    return "; ".join(dict.fromkeys(put.words for put in puts if put.words))


def server_confidence(puts: Sequence[Put]) -> float | None:
    """Mean of the server's own confidence in one question; None where it gave none."""
    said = [put.confidence for put in puts if put.confidence is not None]
    return sum(said) / len(said) if said else None
