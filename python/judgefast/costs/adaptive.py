"""Work of which a part is asked only where what came before leaves it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.costs.ranges import Range

if TYPE_CHECKING:
    from judgefast.costs.workload import Workload

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
    shares = [
        (least + (whole - least) * share) / whole
        for share in (known.share.low, known.share.likely, known.share.high)
    ]
    requests = round(both.requests * shares[1])
    likely = max(requests, 1) / whole
    return msgspec.structs.replace(
        both,
        judgments=round(both.judgments * likely),
        requests=requests,
        prompt_tokens=round(both.prompt_tokens * likely),
        computed_tokens=both.computed_tokens.by(Range(shares[0], likely, shares[2])),
        asked=Range(shares[0] / likely, 1.0, shares[2] / likely),
        because=f"{both.because}; adaptive orders: {known.because}",
    )
