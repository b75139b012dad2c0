"""What is paid for while a run goes on, and at which price: GPU-hours, or tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from judgefast.catalogue.gpus import parse_gpus
from judgefast.catalogue.prices import price_of
from judgefast.costs.budget import parse_budgets
from judgefast.errors import ConfigError
from judgefast.journal.manifest import NAME as MANIFEST
from judgefast.pipeline.by_token import paid_engine
from judgefast.pipeline.token_price import OPTION, price_beforehand

if TYPE_CHECKING:
    from judgefast.config import RunConfig
    from judgefast.engines.base import Engine
    from judgefast.pipeline.token_price import TokenPrice

PAID_BY_TOKEN = frozenset({"decisions"})
"""Engines whose judges are others' as a rule: what they cost is a matter of tokens, unless a GPU or
its price is named."""


class Meter(NamedTuple):
    """What is paid for while a start is at work."""

    gpu: str | None
    gpus: int
    usd: float | None
    """Of one GPU for an hour; None where it is not known."""
    price: str | None
    """Where that is from: the user, or a provider and a date."""


def check_budget(config: RunConfig) -> None:
    """Look for mistakes before anything is read: what an earlier start said may still be missing.

    Raises:
        ConfigError: As for `meter_of`.

    """
    parse_budgets(config.budget)
    if config.gpu is not None:
        parse_gpus(config.gpu)
    if not _is_there(config):
        meter_of(config)


def meter_of(config: RunConfig) -> Meter:
    """What is paid for by the options of a run; nothing of it is known where they do not say.

    Raises:
        ConfigError: The GPU is unknown, a budget cannot be read, or one in money has no price.

    """
    in_money = any(budget.unit == "usd" for budget in parse_budgets(config.budget))
    gpu, gpus = (None, 1) if config.gpu is None else parse_gpus(config.gpu)
    key = None if gpu is None else gpu.key
    if config.price is not None:
        return Meter(key, gpus, config.price, "given")
    if key is None:
        if in_money and config.engine not in PAID_BY_TOKEN:
            msg = "a budget in money needs the price of a GPU-hour"
            hint = "add --gpu H200 for that of the catalogue, or --price 2.50"
            if config.engine == "http":
                hint += "; an API that is paid by the token is held to --budget 2Mtokens"
            raise ConfigError(msg, hint=hint)
        return Meter(None, gpus, None, None)
    try:
        price = price_of(key, "on_demand", config.provider)
    except ConfigError:
        if in_money or config.provider is not None:
            raise
        return Meter(key, gpus, None, None)
    return Meter(key, gpus, price.usd, str(price))


def price_of_tokens(config: RunConfig, engine: Engine) -> TokenPrice | None:
    """What a token costs of a judge that is paid by it; None where it is not, or nobody knows.

    Args:
        config: Options of the run. One that names a GPU or its price pays for hours.
        engine: Who is asked: what it is served by is known.

    Raises:
        ConfigError: A budget is in money, and a token has no price, or replies do not tell what
            they took.

    """
    if config.engine not in PAID_BY_TOKEN or config.price is not None or config.gpu is not None:
        return None
    paid = paid_engine(engine)
    if paid is None:
        return None
    price = price_beforehand(config, engine.model.name)
    in_money = any(budget.unit == "usd" for budget in parse_budgets(config.budget))
    others = "give judgments, as in --budget 10000judgments"
    if isinstance(price, str):
        if not in_money:
            return None
        msg = f"a budget in money needs a price that is known beforehand: {price}"
        hint = f"add --engine-arg {OPTION}=0.042, or {others}; for servers that are rented by the "
        hint += "hour add --gpu H200:2 or --price 2.50"
        raise ConfigError(msg, hint=hint)
    if in_money and not paid.small.are_billed:
        msg = "a budget in money needs replies that tell what they took, and these do not"
        raise ConfigError(msg, hint=others)
    return price


def check_money(config: RunConfig, engine: Engine) -> None:
    """Refuse a budget in money that cannot be counted, before a run directory is made.

    Raises:
        ConfigError: As for `price_of_tokens`.

    """
    if not _is_there(config):
        price_of_tokens(config, engine)


def _is_there(config: RunConfig) -> bool:
    """Whether an earlier start may have said what is missing here."""
    return config.out is not None and (Path(config.out) / MANIFEST).is_file()


def gpus_of_engine(engine: dict[str, Any]) -> int:
    """GPUs that an engine says it works on; 0 where it names none."""
    if engine.get("replicas") is None or engine.get("device", "cpu") == "cpu":
        return 0
    return int(engine["replicas"]) * int(engine.get("tensor_parallel_size") or 1)
