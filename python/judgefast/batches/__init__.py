"""Items become judgments, each with its key, in an order in which shared prefixes stay cached.

Stage 3 of 8: items -> **plan** -> engines. `plan` decides what is asked, `columns` is what it says,
`tables` is how that is stored, `request` is what an engine gets.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.batches.columns import PlanColumns, concat
    from judgefast.batches.plan import plan_requests, sampling_seed

__all__ = ["PlanColumns", "concat", "plan_requests", "sampling_seed"]

_HOMES = {
    "PlanColumns": "columns",
    "concat": "columns",
    "plan_requests": "plan",
    "sampling_seed": "plan",
}


def __getattr__(name: str) -> object:
    """Import what needs numpy on first use."""
    if name not in _HOMES:
        msg = f"module `{__name__}` has no attribute `{name}`"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
