"""Which judgments each request of a plan answers, both ways."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.batches.columns import PlanColumns

    Rows = NDArray[np.integer]


Cell = TypeVar("Cell", bound=np.generic)


class Sharing:
    """The rows of a plan that one request answers; nothing is held where each has its own.

    A request is known by the row that asks for it.
    """

    def __init__(self, asked_by: NDArray[np.uint32]) -> None:
        """Look at the column `asked_by` of a plan."""
        self.asked_by = asked_by

    @cached_property
    def _order(self) -> NDArray[np.uint32]:
        """Judgments by request, those of one in plan order; sorted once somebody asks for them."""
        return np.argsort(self.asked_by, kind="stable").astype(np.uint32)

    @cached_property
    def _requests(self) -> NDArray[np.uint32]:
        """The request of each of these."""
        return self.asked_by[self._order]

    @property
    def is_plain(self) -> bool:
        """Whether every judgment has a request of its own."""
        return not len(self.asked_by)

    def requests_of(self, rows: Rows) -> Rows:
        """The request that answers each of some judgments."""
        return rows if self.is_plain else self.asked_by[rows]

    def spread(self, column: NDArray[Cell]) -> NDArray[Cell]:
        """A column by request as one by judgment; no copy where they are the same."""
        return column if self.is_plain else column[self.asked_by]

    def own(self, rows: int) -> NDArray[np.bool_]:
        """Whether each row of the plan, of which there are `rows`, has a request of its own."""
        if self.is_plain:
            return np.ones(rows, np.bool_)
        own: NDArray[np.bool_] = self.asked_by == np.arange(rows, dtype=np.uint32)
        return own

    def judgments_of(self, requests: Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every judgment that some requests answer.

        Args:
            requests: Rows of the plan; -1 for a request that it does not have.

        Returns:
            The place of its request among `requests`, and the row of each judgment.

        """
        known = np.flatnonzero(requests >= 0)
        asked = requests[known]
        if self.is_plain:
            return known, asked.astype(np.int64, copy=False)
        asked = asked.astype(self._requests.dtype)  # another type would cast the whole column
        starts = np.searchsorted(self._requests, asked)
        counts = np.searchsorted(self._requests, asked, "right") - starts
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        judgments = self._order[np.repeat(starts, counts) + within]
        return np.repeat(known, counts), judgments.astype(np.int64)


def asked_together(plan: PlanColumns) -> NDArray[np.bool_] | None:
    """Whether each row's request asks about several aspects; None where none does. Shape (n,)."""
    if not len(plan.asked_by):
        return None
    asker = plan.aspect[plan.asked_by]
    several = np.zeros(len(plan.aspect), np.bool_)
    several[plan.asked_by[asker != plan.aspect]] = True
    return several[plan.asked_by] if several.any() else None


def question_of(plan: PlanColumns) -> NDArray[np.uint16]:
    """Place of each judgment among its request's questions. Shape (n,).

    A request that asks about several aspects asks about all, in the order of the rubric; any other
    has one question, however many judgments it answers.
    """
    together = asked_together(plan)
    none = np.zeros(len(plan.aspect), np.uint16)
    return none if together is None else np.where(together, plan.aspect, none)
