"""Work of which a part is asked only where what came before leaves it open."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import msgspec

from judgefast.costs.ranges import Range

if TYPE_CHECKING:
    from judgefast.costs.workload import Workload

_ROUNDING = 1e-6

ASSUMED_OPEN = Range(0.0, 0.5, 1.0)
"""Share of second orders that are asked beside those of the audit, where no pilot shows it."""


class OpenShare(msgspec.Struct, frozen=True):
    """Which share of first orders leaves its comparison open, and how that is known."""

    share: Range
    because: str


ASSUMED = OpenShare(
    ASSUMED_OPEN,
    "how many second orders are asked is not known: from those of the audit to all; a pilot "
    "measures it (--pilot RUN)",
)


def with_open(both: Workload, least: float, known: OpenShare) -> Workload:
    """Say of work in both orders what adaptive orders would ask of it.

    Sums are those of the likely share; `asked` says how far they may be off. What is asked is taken
    to share as much of its prompts as the whole does.

    Args:
        both: In both orders.
        least: Its requests that are asked whatever comes: first orders, and those of the audit.
        known: Of the others.

    """
    whole = max(1, both.requests)
    low, likely, high = (
        least + (whole - least) * share
        for share in (known.share.low, known.share.likely, known.share.high)
    )
    requests = min(whole, ceil(likely - _ROUNDING))
    low, high, share = min(low, requests), max(high, requests), requests / whole
    return msgspec.structs.replace(
        both,
        judgments=round(both.judgments * share),
        requests=requests,
        prompt_tokens=round(both.prompt_tokens * share),
        computed_tokens=both.computed_tokens.by(Range(low / whole, share, high / whole)),
        asked=Range(low / requests, 1.0, high / requests),
        because=f"{both.because}; adaptive orders: {known.because}",
    )
