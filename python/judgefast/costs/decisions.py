"""What can be decided by an estimate: what else it may cost, what a budget buys, what fits."""

from __future__ import annotations

from typing import Literal

import msgspec

from judgefast.costs.estimates import Estimate, Money
from judgefast.costs.ranges import Range  # noqa: TC001 - as above

Change = Literal[
    "asked",
    "precision",
    "answers",
    "orders",
    "model",
    "gpu",
    "gpus",
    "sample",
    "decision",
    "api",
]
"""What a way of judging changes."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way of judging, with what it costs."""

    name: str
    kind: Change
    says: str
    """What changes in the verdict, where a reader would be misled; empty where nothing does."""
    items: int
    judgments: int
    placed: str
    """On what: `2 x H200-SXM`, or the company that answers; with the precision of weights and cache
    where it is not the one that was asked about."""
    weights: str | None = None
    """Precision of the weights; None where others have the machines."""
    cache: str | None = None
    """Precision of the KV cache."""
    seconds: Range | None = None
    """From the order of a machine to the last answer; None where others have the machines."""
    gpu_hours: Range | None = None
    money: list[Money] = []
    """Empty where no price is known."""
    usd: Range | None = None
    """Of the price in `price`: on demand, or the user's own."""
    price: str = ""
    """What was reckoned with, whose, and of when."""
    times: float | None = None
    """Likely cost as a share of what was asked: of money where it is known, else of GPU-hours."""
    misfit: str | None = None
    """Why it cannot be: the model does not fit, a figure is not known."""


class Affordable(msgspec.Struct, frozen=True, kw_only=True):
    """How much a budget buys."""

    budget: str
    """As it was given."""
    price: str
    """Where the budget is money: which price, whose, of when."""
    surely: int
    """Items that are paid even if all costs as much as it may."""
    likely: int
    at_most: int
    """Items if all costs as little as it may."""
    judgments: int
    """Of `likely`."""
    all_items: int
    """Of what was asked: as many may be judged, and more where it says more."""
    fixed: str
    """What is paid before the first judgment."""
    one: Range | None = None
    """What one item takes, in the budget's unit and with all that is paid before it, where the
    budget likely buys none."""

    @property
    def is_enough(self) -> bool:
        """Whether all that was asked is likely paid for."""
        return self.likely >= self.all_items


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """How many questions a decision needs, and what they cost."""

    difference: float
    """That is to be told from none."""
    name: str
    """Of the mean that it is a difference of."""
    level: float
    power: float
    sides: int
    design: str
    """What is compared with what, in words."""
    deviation: float
    """Standard deviation of one question's difference."""
    because: str
    """Where that is from."""
    questions: int
    items: int
    """More than questions where a question has several, and for those that will not be read."""
    missing: float
    """Share of items that is expected to have no value."""
    others: dict[str, int] = {}
    """Questions that are needed if it were otherwise: by correlation, where it is not known."""
    detectable: float
    """Smallest difference that the items which were asked about would find."""
    judgments: int
    tokens: int
    """Of prompts and answers."""
    way: Way
    """What they cost."""
    notes: list[str] = []


Fit = Literal["fits", "may_fit", "does_not_fit"]


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the work is done in time, and what would be."""

    seconds: float
    fit: Fit
    """`may_fit`: by the likely or the shortest time, but not by the longest."""
    spare: Range
    """Seconds that are left; below 0: that are lacking. `low` if it takes as long as it may."""
    most_items: int
    """That are likely done in time."""
    ways: list[Way]
    """Settings that likely fit, the nearest first."""
    others: int = 0
    """Settings that were tried and do not."""

    @property
    def status(self) -> int:
        """Exit status: 0 fits, 1 does not, 3 cannot be told."""
        return {"fits": 0, "does_not_fit": 1, "may_fit": 3}[self.fit]


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked beside the estimate itself; None where it was not."""

    alternatives: list[Way] | None = None
    budgets: list[Affordable] | None = None
    power: Sample | None = None
    deadline: Deadline | None = None

    @property
    def status(self) -> int:
        """Exit status: that of the deadline; else 0."""
        return 0 if self.deadline is None else self.deadline.status


class Decided(Estimate, frozen=True, kw_only=True):
    """An estimate with what was decided by it."""

    decisions: Decisions

    @classmethod
    def of(cls, estimate: Estimate, decisions: Decisions) -> Decided:
        """Put both together."""
        return cls(
            decisions=decisions,
            **{name: getattr(estimate, name) for name in estimate.__struct_fields__},
        )
