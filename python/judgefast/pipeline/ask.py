"""The judge phase: what is missing is asked, journaled, and read as it comes back."""

from __future__ import annotations

import time
from collections import deque
from contextlib import closing, suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.batches.requests import RequestMaker
from judgefast.batches.sending import in_order, slices
from judgefast.datasets.items import Item
from judgefast.datasets.read_ahead import read_ahead
from judgefast.datasets.rows import items_of, rows_around
from judgefast.engines.adaptive import Adaptive
from judgefast.engines.budgeted import Budgeted
from judgefast.engines.drive import Flight, drive
from judgefast.engines.source import FixedPlan
from judgefast.engines.tail import Tail
from judgefast.errors import EngineError
from judgefast.pipeline.adaptive import Firsts
from judgefast.pipeline.live import LiveVerdicts, Unreadable
from judgefast.pipeline.order import REORDERED, requests_to_send

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from judgefast.config import RunConfig
    from judgefast.journal.run_directory import RunDirectory
    from judgefast.pipeline.adaptive import SecondOrders
    from judgefast.pipeline.budget import StartBudget
    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.plan import RunPlan
    from judgefast.reports.progress import Progress
    from judgefast.stats.estimate import Estimate
    from judgefast.stopping import Stop
    from judgefast.verdicts.table import VerdictTable

SLICE_ITEMS = 64
"""Items that are taken out of Arrow at a time; the order of sending may need more of a block."""

NOT_READ = Item(item_id="", cluster="", question=None, answers=())
"""Stands for an item about which nothing is asked."""


class Work(NamedTuple):
    """What is to be asked, and where its answers are read into."""

    plan: RunPlan
    table: VerdictTable
    rows: NDArray[np.uint32]
    """Rows of the plan whose requests are asked, ascending."""
    texts: Path
    """Folder that holds `rows/` with texts."""
    verify: bool = True
    """Whether each prompt must be shown to be the one that was planned; this start has planned
    them where it is false."""
    seconds: SecondOrders | None = None
    """Those of them that wait for their first orders; None where all are asked."""

    @property
    def asked(self) -> NDArray[np.uint32]:
        """Those of `rows` that something came back for: a run may stop before it has asked all."""
        return self.rows[self.table.answers.attempts[self.rows] > 0]

    @property
    def already(self) -> int:
        """Judgments that are not asked."""
        return len(self.plan) - len(self.table.answers.sharing.judgments_of(self.rows)[1])


class Asked(NamedTuple):
    """How the judge phase went."""

    seconds: float
    in_flight_mean: float
    unreadable: Unreadable
    interrupted: bool
    lost: EngineError | None
    """By which the engine was lost; None if it was not."""
    first_sent: float | None = None
    """Monotonic time of the first request."""
    given_up: int = 0
    """Requests that were in flight when the time of a budget was up."""


def ask(  # noqa: PLR0913 - the parts of a run, most by keyword
    directory: RunDirectory,
    work: Work,
    *,
    judge: Judge,
    config: RunConfig,
    stop: Stop,
    progress: Progress,
    estimate: Callable[[], Estimate | None],
    budget: StartBudget,
) -> Asked:
    """Ask some rows of the plan.

    Args:
        directory: Where completions go, before they are counted.
        work: What is to be asked; its verdicts are filled as completions come back.
        judge: Who judges; its engine has been started.
        config: The options of the run.
        stop: Looked at a few times a second.
        progress: Told what is done.
        estimate: The headline as far as it is known; called when it is shown.
        budget: What may be spent.

    Returns:
        How it went. A lost engine is no error here: what came back before is judged.

    Raises:
        RunDirectoryError: The journal cannot be written.

    """
    plan, table = work.plan, work.table
    maker = RequestMaker(
        plan.columns,
        judge.prompts,
        judge=judge.name,
        rendered=judge.rendered,
        ids_hash=plan.rendered.ids_hash,
        verify=work.verify,
    )
    unreadable = Unreadable(None if judge.engine.name == "replay" else config.max_unreadable)
    live = LiveVerdicts(table, unreadable, str(directory.launch))
    flight = Flight()
    already = work.already
    adaptive: Adaptive | None = None

    def tell() -> None:
        progress.update(
            already + live.read + (0 if adaptive is None else adaptive.decided),
            prompt_tokens=live.prompt_tokens,
            cached_tokens=live.cached_tokens,
            completion_tokens=live.completion_tokens,
            unread=unreadable.total,
            estimate=estimate,
        )

    started = time.monotonic()
    lost = None
    with stop.graceful(), closing(_items(work, stop)) as items:
        requests = maker.requests(items, work.rows, table.answers.attempts)
        lanes = judge.engine.lanes
        tail = None  # under a budget: what it leaves out would be the shortest answers
        if not budget.is_limited and work.seconds is None:  # labels are all of one length
            room = sum([lane.room for lane in lanes])
            tail = Tail(room, partial(_tell_of_tail, directory, work))
        plan_source = FixedPlan(requests, total=len(work.rows), lanes=len(lanes), tail=tail)
        source = budget.around(plan_source, judge.engine)
        if work.seconds is not None:
            directory.record_launch({REORDERED: 0})  # a second order is sent when it is needed
            firsts = Firsts(work.seconds, table.verdicts(), table.answers)
            reserve = source if isinstance(source, Budgeted) else None
            source = adaptive = Adaptive(source, firsts, reserve)
        try:
            for completions in drive(
                judge.engine,
                source,
                flight=flight,
                request_seconds=config.request_seconds,
                stopping=lambda: (
                    stop.requested or unreadable.is_too_high or budget.look_at_the_clock()
                ),
                keep=directory.journal.append,
            ):
                if live.add(completions):
                    tell()
            if not stop.requested:
                directory.journal.flush()  # tells of what the engine gave that is no completion
        except EngineError as error:
            lost = error
            with suppress(EngineError):  # what it gave last may be no completion
                directory.journal.flush()
        if live.finish():
            tell()
    return Asked(
        time.monotonic() - started,
        flight.mean,
        unreadable,
        stop.requested,
        lost,
        flight.first_sent,
        len(flight) if budget.look_at_the_clock() and lost is None else 0,
    )


def _tell_of_tail(directory: RunDirectory, work: Work, requests: int) -> None:
    """Write down from where on this start sends in another order than that of the plan."""
    first = in_order(work.plan.columns, work.rows)[-requests]
    place = int(np.flatnonzero(requests_to_send(work.plan) == first)[0])
    directory.record_launch({REORDERED: place})


def _items(work: Work, stop: Stop) -> Generator[tuple[int, Sequence[Item]], None, None]:
    """Items, a slice at a time, and the number of the first; none where nothing is asked."""
    plan = work.plan.columns
    around = rows_around(work.texts, plan.items_of(work.rows))
    with closing(read_ahead(around)) as batches:
        held: deque[tuple[int, pa.RecordBatch]] = deque()
        for first, end in slices(plan, work.rows, SLICE_ITEMS):
            while not held or held[-1][0] + held[-1][1].num_rows < end:
                if stop.requested:
                    return
                held.append(next(batches))
            while held[0][0] + held[0][1].num_rows <= first:
                held.popleft()
            yield first, _slice(held, first, end)


def _slice(batches: Iterable[tuple[int, pa.RecordBatch]], first: int, end: int) -> Sequence[Item]:
    """Items from `first` to `end`; rows between them that were not read are not asked about."""
    made: list[Item] = []
    for base, batch in batches:
        start, stop = max(first, base), min(end, base + batch.num_rows)
        if start < stop:
            made += [NOT_READ] * (start - first - len(made))
            made += items_of(batch.slice(start - base, stop - start))
    return made
