"""Second orders only where they can matter: what is needed, as plan and journal have it.

Nothing is remembered beside these two: whoever opens a run finds the same second orders needed,
decided or still waiting, whatever came when, and however often its process was killed.
"""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgefast.batches.adaptive import audited, first_orders
from judgefast.batches.sharing import Sharing, question_of
from judgefast.codes import Status
from judgefast.config import RunConfig
from judgefast.datasets.columns import load_item_columns
from judgefast.engines.adaptive import First
from judgefast.errors import ConfigError
from judgefast.hashes import cluster_id64
from judgefast.stats.confidence import confidence
from judgefast.verdicts.read import read_labels
from judgefast.verdicts.said import SaidLive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from judgefast.batches.columns import PlanColumns
    from judgefast.batches.request import Request
    from judgefast.datasets.columns import ItemColumns
    from judgefast.datasets.items import Item
    from judgefast.engines.base import Completion
    from judgefast.journal.answers import AnswerIndex
    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.plan import RunPlan
    from judgefast.prompts.plan import PromptPlan
    from judgefast.prompts.rubric import Rubric
    from judgefast.prompts.verdict_format import VerdictFormat
    from judgefast.verdicts.columns import VerdictColumns

    Flags = NDArray[np.bool_]

ADAPTIVE = "adaptive"

FEW_AUDITED = 30
"""Clusters of an audit from which intervals hold as they should (`docs/adaptive.md`)."""

_CLOSE = 1e-4
"""So near to a bound the journal decides, which keeps 32 bits of each log-probability."""
_ROUNDING = 1e-9
"""By which a sum of exponentials of a whole distribution may be above 1."""


class Items(NamedTuple):
    """What is read of items: of each, in run order."""

    item_id: Sequence[str]
    num_answers: NDArray[np.integer]
    cluster_id64: NDArray[np.uint64]


class SecondOrders:
    """The second orders of a plan, and what decides of each."""

    def __init__(  # noqa: PLR0913 - what decides, by keyword
        self,
        plan: PlanColumns,
        items: Items,
        formats: Sequence[VerdictFormat],
        *,
        seed: int,
        sure: float,
        audit: float,
    ) -> None:
        """Draw firsts and audit.

        Args:
            plan: Both orders of every comparison; its ids are not looked at.
            items: Those that it counts.
            formats: The rubric's verdict format of each aspect.
            seed: Of the run.
            sure: Confidence from which a first order decides.
            audit: Share of the clusters that are asked in both orders.

        """
        rows = len(plan.item)
        self.sure = sure
        self.is_second: Flags = ~first_orders(plan, items.item_id, items.num_answers, seed)
        """Whether each judgment is a second order."""
        self.is_audited: Flags = audited(items.cluster_id64, seed, audit)[plan.item]
        """Whether each judgment is of a cluster that was drawn."""
        self.first_of = np.arange(rows, dtype=np.int64)
        """Row of the first order of each judgment; its own where it is one."""
        self.first_of[self.is_second] ^= 1  # both orders of a repeat stand side by side
        drawn = [items.cluster_id64[plan.item], items.cluster_id64[plan.item[self.is_audited]]]
        self.clusters, self.audited_clusters = (len(np.unique(each)) for each in drawn)
        self.sharing = Sharing(plan.asked_by)
        self.formats = formats
        self.aspect = plan.aspect
        self.question = question_of(plan)
        """Place of each judgment among its request's questions."""
        self.labels = np.array([len(form.labels) for form in formats])[plan.aspect]
        """Of each judgment's format."""

    def is_open(self, verdicts: VerdictColumns) -> tuple[Flags, Flags]:
        """Whether each judgment that came back leaves its comparison open, and which came back.

        Args:
            verdicts: As the journal has them, row for row of the plan.

        """
        came = verdicts.status < Status.INTERRUPTED
        sure = self.confidence(verdicts) >= self.sure
        return came & ~((verdicts.status == Status.PARSED) & sure), came

    @property
    def audit_words(self) -> str:
        """What the audit has, known before anything is asked."""
        words = f"the audit has {self.audited_clusters:,} of {self.clusters:,} questions"
        if self.audited_clusters < min(FEW_AUDITED, self.clusters):
            words += f"; with fewer than {FEW_AUDITED}, means have wide intervals or none: a larger"
            words += " --audit draws more"
        return words

    @property
    def needed_anyway(self) -> Flags:
        """Which requests are asked whatever comes back, at the rows that ask. Shape (n,)."""
        return self._by_request(~self.is_second | self.is_audited)

    def confidence(self, verdicts: VerdictColumns) -> NDArray[np.float64]:
        """How sure each judgment is; NaN where it was not read. Shape (n,)."""
        return confidence(verdicts.p_labels, self.labels)

    def settled(self, verdicts: VerdictColumns) -> tuple[Flags, Flags]:
        """Which requests are asked, and which are not needed; what is neither waits for its first.

        Args:
            verdicts: As in :meth:`is_open`.

        Returns:
            Both by the row that asks. Shape (n,) each.

        """
        is_open, came = self.is_open(verdicts)
        needed = ~self.is_second | self.is_audited | is_open[self.first_of]
        waits = ~needed & ~came[self.first_of]
        needed, waits = self._by_request(needed), self._by_request(waits)
        return needed, ~needed & ~waits

    def closed(self, verdicts: VerdictColumns) -> tuple[Flags, Flags]:
        """Which second orders are not needed, or would not be without an audit; which came back.

        Args:
            verdicts: As in :meth:`is_open`.

        """
        is_open, came = self.is_open(verdicts)
        opened = self._by_request(~self.is_second | is_open[self.first_of])
        closed = self.is_second & came[self.first_of] & ~self.sharing.spread(opened)
        return closed, came

    def decided(self, verdicts: VerdictColumns) -> Flags:
        """Which judgments are not asked, since the first orders have decided. Shape (n,)."""
        _, dropped = self.settled(verdicts)
        unasked: Flags = verdicts.status == Status.INTERRUPTED
        return unasked & self.sharing.spread(dropped)

    def with_decided(self, verdicts: VerdictColumns) -> VerdictColumns:
        """Give these the status that says so."""
        status = np.where(self.decided(verdicts), np.uint8(Status.DECIDED), verdicts.status)
        return verdicts._replace(status=status)

    def _by_request(self, judgments: Flags) -> Flags:
        """Whether one of the judgments that each request answers is such, at the row that asks."""
        if self.sharing.is_plain:
            return judgments
        found = np.zeros(len(judgments), np.bool_)
        found[self.sharing.requests_of(np.flatnonzero(judgments))] = True
        return found


class Firsts:
    """What a start's requests wait for: `engines.adaptive.Firsts` of its plan and its journal."""

    def __init__(
        self, seconds: SecondOrders, verdicts: VerdictColumns, answers: AnswerIndex
    ) -> None:
        """Look at what the journal knows before anything is asked.

        Args:
            seconds: Of the plan.
            verdicts: As the journal has them.
            answers: The index of the plan's requests.

        """
        self.rows = len(verdicts.status)
        self._seconds, self._sharing = seconds, seconds.sharing
        self._answers = answers
        self._labels = np.minimum(seconds.labels, 255).astype(np.uint8).tobytes()
        needed, dropped = seconds.settled(verdicts)
        _, self._came = seconds.is_open(verdicts)
        waits = seconds.sharing.spread(~needed & ~dropped)
        first = seconds.first_of[waits]
        waited_for = np.zeros(self.rows, np.bool_)
        waited_for[self._sharing.requests_of(first[~self._came[first]])] = True
        # Looked at one by one, for each request and each answer: as bytes that takes no time.
        self._waits, self._is_waited_for = waits.tobytes(), waited_for.tobytes()
        self._is_plain = self._sharing.is_plain and not seconds.question.any()

    def waited_for(self, requests: Sequence[Request]) -> list[tuple[int, ...]]:
        """See `engines.adaptive.Firsts`."""
        rows = self._answers.rows_of([request.request_id for request in requests]).tolist()
        return [self._firsts_of(row) if self._waits[row] else () for row in rows]

    def came(self, completions: Sequence[Completion]) -> list[tuple[int, First]]:
        """See `engines.adaptive.Firsts`."""
        rows = self._answers.rows_of([each.request_id for each in completions]).tolist()
        found: list[tuple[int, First]] = []
        odd: list[tuple[int, Completion]] = []
        for row, completion in zip(rows, completions, strict=True):
            if row < 0 or not self._is_waited_for[row]:
                continue
            if completion.finish_reason == "cancelled":
                found.append((row, First.LOST))
            elif completion.error_kind is not None or completion.finish_reason == "error":
                found.append((row, First.OPEN))
            elif self._is_plain and (is_sure := self._at_a_glance(row, completion)) is not None:
                found.append((row, First.CLOSED if is_sure else First.OPEN))
            else:
                odd.append((row, completion))
        if odd:
            sure = self._are_sure([each for _, each in odd], np.array([row for row, _ in odd]))
            for (row, _), is_sure in zip(odd, sure.tolist(), strict=True):
                found.append((row, First.CLOSED if is_sure else First.OPEN))
        return found

    def _at_a_glance(self, row: int, completion: Completion) -> bool | None:
        """Whether a completion with the one label read that was asked for is sure; else None."""
        if completion.finish_reason != "stop" or len(completion.answers) != 1:
            return None
        [read] = completion.answers
        if read.question or len(read.logprobs) != self._labels[row]:
            return None
        return clearly_sure(read.logprobs, self._seconds.sure)

    def _are_sure(self, completions: Sequence[Completion], rows: NDArray[np.int64]) -> Flags:
        """Whether all that each completion answers is sure enough, as the journal will have it."""
        seconds = self._seconds
        said = SaidLive(completions, np.arange(len(completions)))
        places, judgments = self._sharing.judgments_of(rows)
        asked = np.stack([seconds.aspect[judgments], seconds.question[judgments]], axis=1)
        sure = np.ones(len(completions), np.bool_)
        for aspect, question in np.unique(asked, axis=0).tolist():
            form = seconds.formats[aspect]
            own = places[(asked == (aspect, question)).all(axis=1)]
            logprobs, has_labels, _ = said.logprobs(len(form.labels), question)
            sure[own[~has_labels[own]]] = False
            own = own[has_labels[own]]
            if len(own):
                read = read_labels(form, logprobs[own])
                is_sure = confidence(read.p_labels, len(form.labels)) >= seconds.sure
                sure[own[~is_sure | (read.status != Status.PARSED)]] = False
        return sure

    def _firsts_of(self, row: int) -> tuple[int, ...]:
        """Rows of the requests that the one of a row waits for."""
        if self._sharing.is_plain:
            return (int(self._seconds.first_of[row]),)
        _, judgments = self._sharing.judgments_of(np.array([row], np.int64))
        first = self._seconds.first_of[judgments]
        asked = self._sharing.requests_of(first[~self._came[first]])
        return tuple(dict.fromkeys(asked.tolist()))


def clearly_sure(logprobs: Sequence[float], sure: float) -> bool | None:
    """Whether a sound read of some labels is at least so sure; None where that is not clear.

    What is not clear is read as the journal will have it, which takes 50 times as long.

    >>> clearly_sure([-0.1, -3.0, -3.5], 0.8), clearly_sure([-0.7, -0.7], 0.8)
    (True, None)
    """
    labels = len(logprobs)
    if labels < 2:  # noqa: PLR2004 - of one label nothing is open
        return None
    *_, second, best = sorted(logprobs)
    mass = sum([exp(each) for each in logprobs]) if best <= 0 else 0.0
    if not (best - second > _CLOSE and 0 < mass <= 1 + _ROUNDING):  # nor where one is no number
        return None
    over = (exp(best) / mass - 1 / labels) / (1 - 1 / labels) - sure
    return None if abs(over) < _CLOSE else over > 0


def second_orders_of(  # noqa: PLR0913, PLR0917 - the parts of a run, in its order
    options: Mapping[str, Any],
    plan: RunPlan,
    items: ItemColumns,
    formats: Sequence[VerdictFormat],
    seed: int,
    say: Callable[[str], None] | None = None,
) -> SecondOrders | None:
    """The second orders of a run by the options of its manifest; None where it has all or none.

    `say` is told what the audit has, where a start asks.
    """
    if options.get("orders") != ADAPTIVE:
        return None
    found = SecondOrders(
        plan.columns,
        Items(items.item_id.to_pylist(), items.num_answers, items.cluster_id64),
        formats,
        seed=seed,
        sure=options["sure"],
        audit=options["audit"],
    )
    if say is not None:
        say(found.audit_words)
    return found


def seconds_in(folder: Path, config: RunConfig, plan: RunPlan, judge: Judge) -> SecondOrders | None:
    """The second orders of a plan that is made beside a run, by the rows in a folder."""
    options = {"orders": config.orders} | adaptive_options(config)
    if not adaptive_options(config):
        return None
    forms = judge.rubric.verdicts
    return second_orders_of(options, plan, load_item_columns(folder), forms, config.seed)


def seconds_among(
    items: Sequence[Item], config: RunConfig, plan: RunPlan, judge: Judge
) -> SecondOrders | None:
    """The second orders of a plan of items that are in memory."""
    if config.orders != ADAPTIVE:
        return None
    columns = Items(
        [item.item_id for item in items],
        np.array([len(item.answers) for item in items], np.int64),
        np.array([cluster_id64(item.cluster) for item in items], np.uint64),
    )
    return SecondOrders(
        plan.columns,
        columns,
        judge.rubric.verdicts,
        seed=config.seed,
        sure=config.sure,
        audit=config.audit,
    )


def adaptive_options(config: RunConfig) -> dict[str, float]:
    """What the manifest keeps beside `orders`."""
    return {"sure": config.sure, "audit": config.audit} if config.orders == ADAPTIVE else {}


def asks_less(before: Mapping[str, Any], now: Mapping[str, Any]) -> set[str]:
    """Options of a manifest, as its differences call them, by which fewer second orders are asked.

    What was asked would then be more than what is needed: no plan grows that way.
    """
    names = ("one", ADAPTIVE, "both")
    orders = [names.index(str(options.get("orders"))) for options in (before, now)]
    found = {"options: orders"} if orders[1] < orders[0] else set()
    if orders == [names.index(ADAPTIVE)] * 2:
        found |= {f"options: {name}" for name in ("sure", "audit") if now[name] < before[name]}
    return found


def check_orders(config: RunConfig, rubric: Rubric, prompts: PromptPlan) -> None:
    """Refuse adaptive orders where nothing says how sure a first order is.

    Raises:
        ConfigError: The rubric compares no two answers, or no label probabilities are read; or an
            option of adaptive orders is given without them.

    """
    if config.orders != ADAPTIVE:
        for name in ("sure", "audit"):
            if getattr(config, name) != getattr(_DEFAULTS, name):
                msg = f"`{name}` is {getattr(config, name):g}, but `orders` is {config.orders}"
                raise ConfigError(msg, hint=f"add --orders adaptive, or leave `{name}` out")
        return
    if rubric.mode != "pairwise":
        msg = f"adaptive orders compare two answers, but the rubric `{rubric.name}` does not"
        raise ConfigError(msg, hint=f"its mode is {rubric.mode}: take --orders both, or one")
    if not all(decoding.probabilities for decoding in prompts.decodings):
        msg = (
            "adaptive orders need the probabilities of the labels, and this judge's verdicts by "
            f"the rubric `{rubric.name}` are read from text"
        )
        hint = "take a rubric whose verdict is a label, as `pairwise`, and an engine that gives "
        raise ConfigError(msg, hint=f"{hint}their probabilities; or --orders both")


_DEFAULTS = RunConfig()
