"""The verdicts on one item, in both orders and all repeats, become one outcome.

Stage 6 of 8: verdicts -> **outcomes** -> estimates. `reconcile` holds the rules, `columns` what
comes out. The rules and their tables are in `docs/outcomes.md`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.outcomes.reconcile import ONE_FAILED, RULES, default_rule, reconcile

__all__ = ["ONE_FAILED", "RULES", "OutcomeColumns", "default_rule", "reconcile"]


def __getattr__(name: str) -> object:
    """Import what needs numpy on first use."""
    if name not in __all__:
        msg = f"module `{__name__}` has no attribute `{name}`"
        raise AttributeError(msg)
    home = "columns" if name == "OutcomeColumns" else "reconcile"
    return getattr(import_module(f"{__name__}.{home}"), name)
