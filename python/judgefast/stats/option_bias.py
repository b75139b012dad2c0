"""What a report says of the order in which options were put; `option_orders` makes it."""

from __future__ import annotations

import msgspec

from judgefast.stats.estimate import Estimate  # noqa: TC001 - msgspec reads the annotation


class OptionOrders(msgspec.Struct, frozen=True, kw_only=True):
    """What the order of options did, over all questions that were answered."""

    questions: int
    times: dict[str, int]
    """Questions by how often each was put."""
    kinds: list[str] = []
    """Of the questions: `choice`, whose options can be put in another order, `score`, `yes_no`."""
    option_flip_rate: Estimate | None = None
    """How often two orders of a question's options choose another option. None, as the others,
    where no question was put with two orders."""
    slot_bias: Estimate | None = None
    """Mean of P(option put first) - 1/n. With two options what they say cancels; of more, that of
    the middle ones does not."""
    slot_gain: Estimate | None = None
    """Mean of P(option put first) - P(the same option put elsewhere): what it says cancels."""
    models: dict[str, int] = {}
    """Requests by the model that answered, as the server calls it."""
    confidence_server: float | None = None
    """Mean of the server's own confidence; no two servers mean the same by it."""

    @property
    def estimates(self) -> list[Estimate]:
        """Those that there are."""
        found = (self.option_flip_rate, self.slot_bias, self.slot_gain)
        return [one for one in found if one is not None]
