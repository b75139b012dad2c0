"""What a report says of verdicts that are read as label probabilities, and of how they were got."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from judgefast.reports.inert import line
from judgefast.reports.words import interval, name, number, percent, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from judgefast.reports.report import Results

_MOST_MODELS = 5
"""Names of models that are listed; an alias that moves has two."""

NO_MASS = "no label mass is known of this judge"


class LabelMass(msgspec.Struct, frozen=True, kw_only=True):
    """How much probability the labels of a verdict held together."""

    judgments: int
    """Judgments read by probability."""
    below: int
    """Of them, those whose labels held less than 0.9."""
    share_below: float
    """`below / judgments`."""
    smallest: float
    """The least that was seen."""


class Confidence(msgspec.Struct, frozen=True, kw_only=True):
    """How sure the judge is by its label probabilities; by one formula for every judge."""

    judgments: int
    """Judgments read by probability."""
    mean_of_judgments: float
    outcomes: int
    """Outcomes that such judgments have come to."""
    mean: float | None
    """Of outcomes, each by the distribution that its judgments come to: both orders, and repeats.
    None where there is none."""
    quartiles: tuple[float, float, float] | None
    """Of outcomes: a quarter of them are below the first, half of them below the second."""


def label_parts(results: Results, table: Table) -> list[RenderableType]:
    """Say how sure the judge is, and what its labels hold; nothing where none were read."""
    sure, mass = results.confidence, results.label_mass
    if sure is not UNSET and sure.quartiles is not None:
        low, half, high = map(number, sure.quartiles)
        table.add_row(
            "confidence",
            f"{half} is the median of {plural(sure.outcomes, 'outcome')}, half of them lie from "
            f"{low} to {high}; mean {number(sure.mean)}, of single judgments "
            f"{number(sure.mean_of_judgments)}",
        )
    if mass is not None:
        table.add_row(
            "label mass",
            f"{mass.below:,} of {plural(mass.judgments, 'judgment')} ({percent(mass.share_below)}) "
            f"below 0.9, smallest {number(mass.smallest)}",
        )
    elif sure is not UNSET:
        table.add_row("label mass", NO_MASS)
    return ["", table] if table.row_count else []


def option_parts(results: Results, table: Table) -> list[RenderableType]:
    """Say what the order of a question's options did; nothing where nothing is known of it."""
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    orders = results.options
    if orders is UNSET:
        return []
    often = [f"{count:,} {_times(times)}" for times, count in orders.times.items()]
    table.add_row("put", f"{plural(orders.questions, 'question')}: {', '.join(often) or 'none'}")
    flips, bias, gain = orders.option_flip_rate, orders.slot_bias, orders.slot_gain
    if flips is None:
        table.add_row("flip rate", _without_flips(orders.kinds))
    else:
        ends = f"{number(flips.value)} {interval(flips)}"
        table.add_row("flip rate", f"{ends}, another order of the options chose another one")
    if gain is not None:
        ends = f"{number(gain.value, signed=True)} {interval(gain, signed=True)}"
        table.add_row("slot gain", f"{ends}, what an option has more where it is put first")
    if bias is not None:
        ends = f"{number(bias.value, signed=True)} {interval(bias, signed=True)}"
        table.add_row(
            "slot bias", f"{ends}, P(option put first) above an even share, whichever were"
        )
    if orders.confidence_server is not None:
        words = f"{number(orders.confidence_server)} is the mean of the server's own confidence, "
        table.add_row("server", words + "which means something else at every server")
    models = list(orders.models.items())
    if models:
        named = [f"{name(model) or 'no name'} ({count:,})" for model, count in models]
        more = len(models) - _MOST_MODELS
        listed = ", ".join(named[:_MOST_MODELS]) + (f" and {more:,} more" if more > 0 else "")
        table.add_row("answered by", line(listed))
    return [Text(""), Text("Options of questions", style="bold"), table]


def _without_flips(kinds: Sequence[str]) -> str:
    """Why nothing is known of other orders: there is none, or none was asked for."""
    if "choice" in kinds or not kinds:
        words = "unknown: each question was put with one order of its options"
        return words + " (unbalanced, unless the server orders them by itself)"
    if "score" in kinds:
        return "levels of a score have one order, and were put in it"
    return "yes and no have no order in a request: there is none to turn round"


def _times(times: str) -> str:
    return {"1": "once", "2": "twice"}.get(times, f"{times} times")
