"""From the flags of `judgefast bench` to a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.benchmarks.bench import Wishes, bench
from judgefast.config import config_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.benchmarks.records import Record
    from judgefast.stopping import Stop

_OF_RUN = (
    *("rubric", "engine", "model", "base_url", "tokenizer", "recorded", "engine_args"),
    *("orders", "seed"),
)
_OF_BENCH = ("items", "scale", "orders", "max_tokens", "repeats", "force_lengths", "blocks")


def measure(what: str, given: dict[str, Any], *, stop: Stop, say: Callable[[str], None]) -> Record:
    """Measure what flags ask for.

    Args:
        what: A workload, a file or a run directory.
        given: Flags by name, those that were not given too.
        stop: Ends it.
        say: Told how far it is.

    Raises:
        JudgefastError: As :func:`bench`.

    """
    options = {
        name: given[name]
        for name in _OF_RUN
        if given.get(name) is not None and given[name] not in ((), {})
    }
    wishes = Wishes(
        what=what,
        config=config_from(dict(options), where="command line"),
        given=frozenset(options),
        warm_up=not given["no_warm_up"],
        raw=given["vs"] is not None,
        block_seconds=given["block_seconds"],
        **{name: given[name] for name in _OF_BENCH},
    )
    record = bench(wishes, stop=stop, say=say)
    return msgspec.structs.replace(record, ideal_because="the GPU's datasheet is not known")
