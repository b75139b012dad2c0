"""What decision servers said of each question, as completions keep it; no verdict is made of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.batches.sharing import question_of
from judgefast.engines.decisions.asked import read_kept
from judgefast.pipeline.estimates import resampling_of
from judgefast.prompts.questions import question_of as asked_as
from judgefast.stats.option_orders import PutRows, option_orders, put_question

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgefast.engines.decisions.asked import Kept, Put
    from judgefast.pipeline.results import Reading
    from judgefast.prompts.rubric import Rubric
    from judgefast.stats.option_bias import OptionOrders


def is_kept(reading: Reading) -> bool:
    """Whether completions of a run may hold such a thing: their texts are no words of a judge."""
    return bool(reading.directory.manifest.options.get("labels_only"))


def option_orders_of(reading: Reading) -> OptionOrders | None:
    """What the order of options did; None where nothing is kept of it."""
    if not is_kept(reading):
        return None
    item: list[int] = []
    times: list[int] = []
    found: list[tuple[float, float, float]] = []
    models: Counter[str] = Counter()
    own: list[float] = []
    for asker, kept in _counted(reading):
        models[kept.model] += 1
        for puts in map(_whole, kept.questions):
            answered = sum(bool(put.p) for put in puts)
            if answered:
                item.append(int(reading.plan.columns.item[asker]))
                times.append(answered)
                found.append(put_question(puts) or (np.nan, np.nan, np.nan))
                own += [put.confidence for put in puts if put.confidence is not None]
    if not models:
        return None
    flipped, bias, gain = np.array(found, np.float64).reshape(-1, 3).T
    rows = PutRows(np.array(item, np.int64), np.array(times, np.int64), flipped, bias, gain)
    return option_orders(
        rows,
        reading.items,
        level=reading.config.level,
        resampling=resampling_of(reading),
        kinds=_kinds(reading.rubric),
        models=dict(models.most_common()),
        confidence_server=sum(own) / len(own) if own else None,
    )


def _kinds(rubric: Rubric) -> list[str]:
    """Kinds of the questions that a rubric puts."""
    return sorted({asked_as(rubric, place).kind for place in range(len(rubric.aspects))})


def _counted(reading: Reading) -> Iterator[tuple[int, Kept]]:
    """The completions that count, each with the row of the plan that asks for it."""
    answers = reading.table.answers
    for batch in reading.directory.completions(["launch", "row", "text"]):
        rows = answers.counted_for(batch)
        places = np.flatnonzero(rows >= 0)
        texts: Any = batch.column("text")
        for row, text in zip(rows[places].tolist(), texts.take(places).to_pylist(), strict=True):
            kept = read_kept(text)
            if kept is not None:
                yield row, kept


def puts_of(text: str | None, question: int) -> tuple[Put, ...]:
    """Each time that a question was put, by what is kept; nothing where that says nothing of it."""
    kept = None if text is None else read_kept(text)
    if kept is None or question >= len(kept.questions):
        return ()
    return _whole(kept.questions[question])


def _whole(puts: Sequence[Put]) -> tuple[Put, ...]:
    """Those that say of each option where it stood: a text of another engine may look alike."""
    return tuple(
        put
        for put in puts
        if sorted(put.order) == [*range(len(put.order))] and len(put.p) in {0, len(put.order)}
    )


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
