"""Stage 5, `verdicts`: what the judge answered becomes typed verdicts, or the reason why not.

    read_texts   texts of completions, by the rubric's format
    read_labels  log-probabilities of the format's labels
    empty        judgments that have no completion

completions -> **verdicts** -> outcomes. The rules are in `docs/verdicts.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.verdicts.columns import VerdictColumns
    from judgefast.verdicts.read import empty, read_labels, read_texts

__all__ = ["VerdictColumns", "empty", "read_labels", "read_texts"]


def __getattr__(name: str) -> object:
    """Load the readers, and with them numpy, when one is first asked for."""
    if name not in __all__:
        message = f"module `{__name__}` has no attribute `{name}`"
        raise AttributeError(message)
    if name == "VerdictColumns":
        from judgefast.verdicts import columns  # noqa: PLC0415 - loaded when first asked for

        return columns.VerdictColumns
    from judgefast.verdicts import read  # noqa: PLC0415 - loads numpy and the native module

    return getattr(read, name)
