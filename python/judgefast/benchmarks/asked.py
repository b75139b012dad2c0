"""From the flags of `judgefast bench` to a record."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.benchmarks.bench import Wishes, bench
from judgefast.benchmarks.ideal import gpus_of, roofline_of
from judgefast.benchmarks.records import PriceFacts
from judgefast.benchmarks.sources import is_generated, is_run
from judgefast.benchmarks.sweep import parse_sweep, sweep
from judgefast.catalogue.gpus import parse_gpus
from judgefast.catalogue.prices import price_of
from judgefast.config import config_from
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.benchmarks.records import Record
    from judgefast.catalogue.gpus import Gpu
    from judgefast.stopping import Stop

_OF_RUN = (
    *("rubric", "engine", "model", "base_url", "tokenizer", "recorded", "engine_args"),
    *("orders", "seed"),
)
_OF_BENCH = ("items", "scale", "orders", "max_tokens", "repeats", "force_lengths", "blocks", "gpu")


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
    _check_for(what, given)
    price = given["price"]
    if price is not None and not 0 < price < math.inf:
        message = f"--price is {price:g}; it must be above 0"
        raise ConfigError(message, hint="give US$ for an hour of one GPU, as in --price 2.50")
    wishes = Wishes(
        what=what,
        config=config_from(dict(options), where="command line"),
        given=frozenset(options),
        warm_up=not given["no_warm_up"],
        raw=given["vs"] is not None,
        block_seconds=given["block_seconds"],
        **{name: given[name] for name in _OF_BENCH},
    )
    if given["gpu"] is not None:
        parse_gpus(given["gpu"])  # a wrong name is said before anything is measured
    names = parse_sweep(given["sweep"])
    if names and wishes.raw:
        message = "--sweep and --vs raw-vllm do not go together"
        raise ConfigError(message, hint="sweep first, then hold the best setting to raw vLLM")
    record = (
        sweep(wishes, names, stop=stop, say=say) if names else bench(wishes, stop=stop, say=say)
    )
    return known_of(record, given["gpu"], price=given["price"], provider=given["provider"])


def _check_for(what: str, given: dict[str, Any]) -> None:
    """Refuse flags that say nothing of what is measured.

    Raises:
        ConfigError: Names the flag.

    """
    generated = is_generated(what)
    wrong: tuple[str, ...] = ("rubric", "recorded") if generated else ("scale", "max_tokens")
    if is_run(what):
        wrong = (*wrong, "rubric", "orders")  # it is judged by its own
    for name in wrong:
        if given.get(name) is not None:
            flag = f"--{name.replace('_', '-')}"
            message = f"{flag} does not go with `{what}`"
            kind = "a file of yours" if generated or name == "rubric" else "a workload by name"
            raise ConfigError(message, hint=f"it is for {kind}; leave {flag} out")


def known_of(
    record: Record, named: str | None, *, price: float | None, provider: str | None
) -> Record:
    """Add what the catalogue knows: the GPU, its price, the roofline.

    Args:
        record: What was measured.
        named: The GPU as the user names it, with its number; None for that of the machine.
        price: US$ for an hour of one of them, as the user gives it.
        provider: Whose price counts where none is given.

    Raises:
        ConfigError: There is no such GPU, or the provider has no price for it.

    """
    gpu, number = gpus_of(named, record.machine, record.engine, record.engine_facts)
    record = msgspec.structs.replace(
        record,
        gpu=None if gpu is None else gpu.key,
        gpus=number,
        price=_price_of(gpu, price, provider),
    )
    seconds, because = roofline_of(record, gpu)
    return msgspec.structs.replace(record, ideal_seconds=seconds, ideal_because=because)


def _price_of(gpu: Gpu | None, price: float | None, provider: str | None) -> PriceFacts | None:
    if price is not None:
        return PriceFacts(usd=price)
    if gpu is None:
        return None
    try:
        found = price_of(gpu.key, "on_demand", provider)
    except ConfigError:
        if provider is not None:
            raise
        return None
    return PriceFacts(
        usd=found.usd or 0.0,
        provider=found.provider,
        kind=found.kind,
        date=found.when,
        source=found.source,
    )
