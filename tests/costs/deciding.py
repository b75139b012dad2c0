"""Workloads that can be scaled, and estimates of them at a price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgefast.costs.estimate import priced
from judgefast.costs.estimates import Placed
from judgefast.costs.offers import Offer
from judgefast.costs.ranges import Range
from judgefast.costs.rates import Rates
from judgefast.costs.starting import NOTHING, StartWishes, starting_of
from judgefast.costs.workload import Answers, Workload

if TYPE_CHECKING:
    from judgefast.costs.estimates import Estimate

ANSWERS = Answers(
    mean=Range(80.0, 100.0, 130.0), spread=0.3, most=400, basis="measured", because="a pilot"
)
RATES = Rates(
    prompt_token=1e-4,
    step=0.02,
    sequence=1e-4,
    context_token=1e-8,
    error=0.2,
    basis="calibrated",
    because="measured here",
)
PLACED = Placed(
    model="judge",
    gpu="H200-SXM",
    gpus=1,
    copies=1,
    weights="fp8",
    cache="16bit",
    weight_bytes=10**10,
    kv_bytes_per_token=1000.0,
    room_tokens=150_000,
    batch=0.0,
    limit="room",
)
OFFER = Offer(usd=2.0, kind="given")


def workload(items: int = 1000, **changes: Any) -> Workload:
    """Two judgments an item, a fifth of the prompts shared."""
    given: dict[str, Any] = {
        "items": items,
        "judgments": 2 * items,
        "requests": 2 * items,
        "prompt_tokens": 4000 * items,
        "computed_tokens": Range(0.7, 0.8, 1.0).times(4000 * items),
        "longest_prompt": 4000,
        "answers": ANSWERS,
        "orders": 2,
        "basis": "counted",
        "because": "planned",
    }
    return Workload(**given | changes)


def estimated(work: Workload, *, is_warm: bool = False, offers: Any = (OFFER,)) -> Estimate:
    """On one GPU, at 2 dollars an hour unless `offers` says otherwise."""
    starting = NOTHING if is_warm else starting_of(10**10, StartWishes())
    return priced(work, PLACED, RATES, starting=starting, offers=offers)
