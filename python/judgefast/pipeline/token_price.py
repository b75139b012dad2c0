"""What the verdicts of a run cost whose judge is paid by the token, and what a token will cost."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from judgefast.catalogue.apis import read_apis
from judgefast.codes import Status
from judgefast.reports.verdict_price import THOUSAND, VerdictPrice, dollars

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from judgefast.catalogue.apis import Api
    from judgefast.config import RunConfig
    from judgefast.pipeline.kept_rows import KeptRows
    from judgefast.pipeline.results import Reading

OPTION = "usd_per_million_tokens"
"""Option of an engine: what 1 million prompt tokens cost."""
HINT = f"--engine-arg {OPTION}=NUMBER says it"
OWN = f"the servers are one's own, and are not paid by the token; {HINT} if they are"
_VERSION = re.compile(r"(\.\d+)*(-\d{4}-?\d\d-?\d\d)?")
"""What a model may have behind the name of its row where that is of one version: `jev-1.13.0`,
`gpt-6-luna-2026-10-10`."""


class TokenPrice(NamedTuple):
    """What a token of a prompt costs, known before it is sent."""

    usd_per_million_tokens: float
    whose: str
    """The user's, or a provider's with its day."""

    def __str__(self) -> str:
        """With the amount, for a person."""
        return f"{dollars(self.usd_per_million_tokens)} for 1 million prompt tokens, {self.whose}"


def price_beforehand(config: RunConfig, model: str) -> TokenPrice | str:
    """What the judge of a run asks for a token; or why that is not known, for a person.

    Args:
        config: Its options: a price that is given goes before the catalogue's.
        model: Name of the judge, as it has answered.

    """
    given = config.engine_args.get(OPTION)
    if given is not None:
        return TokenPrice(float(given), "as given")
    hosts = _hosts(config.base_url)
    if _are_near(hosts):
        return OWN
    row = _row_at(model, hosts)
    if isinstance(row, str):
        return row
    assert row.usd_input is not None
    if row.usd_output or row.usd_cached is not None:
        return f"{row.name} has prices of its own for what is written or cached; {HINT}"
    if config.engine_args.get("allow_moved"):
        return f"with `allow_moved` another model may answer, at a price of its own; {HINT}"
    return TokenPrice(row.usd_input, f"{row.provider}, {row.name} ({row.when})")


def price_of_verdicts(reading: Reading, kept: KeptRows | None) -> VerdictPrice | None:
    """Price a run so far, by the word that is nearest to what was paid.

    What the server says of each reply comes first; then what the user says of a token; then the
    catalogue's row of each model that answered, where its provider was asked. None of a judge that
    is not asked typed questions.
    """
    if kept is None:
        return None
    launches, manifest = reading.directory.launches(), reading.directory.manifest
    paid, day = kept.paid, manifest.created[:10]
    tokens = paid.tokens
    summed = None if tokens is None else sum(tokens.values())
    verdicts = int(np.count_nonzero(reading.verdicts.status == Status.PARSED))

    def priced(usd: float, **more: Any) -> VerdictPrice:  # noqa: ANN401 - fields
        return VerdictPrice(
            verdicts=verdicts,
            usd=usd,
            usd_per_1000=usd / verdicts * THOUSAND if verdicts else None,
            prompt_tokens=summed,
            at_least=paid.unseen > 0 or any(map(_took_more, launches)),
            **more,
        )

    if paid.usd is not None:
        return priced(paid.usd, by="server", date=day)
    config = _last_config(launches) or manifest.config
    given = config.get("engine_args", {}).get(OPTION)
    if given is not None and summed is not None:
        rate = float(given)
        return priced(summed * rate / 1e6, by="given", date=day, usd_per_million_tokens=rate)
    asked = str(config.get("model") or manifest.model.name)
    hosts = _hosts(config.get("base_url", ()))
    is_own = given is None and _are_near(hosts)
    found = OWN if is_own else _by_catalogue(tokens, asked, hosts)
    if isinstance(found, str):
        return VerdictPrice(
            verdicts=verdicts, usd=None, usd_per_1000=None, unknown=found, prompt_tokens=summed
        )
    return priced(by="catalogue", **found)


def _last_config(launches: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """Options of the latest start that has asked."""
    config: dict[str, Any] | None = None
    for facts in launches:
        config = facts.get("config", config)
    return config


def _took_more(facts: dict[str, Any]) -> bool:
    """Whether a start has sent what no completion tells of: again, at its end, or was killed."""
    if "counters" in facts:
        counters = facts["counters"]
        return bool(counters.get("resent") or counters.get("unanswered"))
    return "engine" in facts and "judge" not in facts.get("seconds", {})


def _by_catalogue(
    tokens: dict[str, int] | None, asked: str, hosts: Sequence[str]
) -> dict[str, Any] | str:
    """Price the tokens of each model by its row; or say why that cannot be."""
    if tokens is None:
        return "the server does not count the tokens of every reply"
    usd, rows = 0.0, dict[str, "Api"]()
    for model, count in (tokens or {asked: 0}).items():
        row = _row_at(model or asked, hosts)
        if isinstance(row, str):
            return row
        usd, rows[row.key] = usd + count * (row.usd_input or 0.0) / 1e6, row
    [first, *others] = rows.values()
    return {
        "usd": usd,
        "date": "; ".join(dict.fromkeys(row.when for row in rows.values())),
        "usd_per_million_tokens": None if others else first.usd_input,
        "source": "; ".join(f"{row.provider}, {row.name}" for row in rows.values()),
    }


def _row_at(model: str, hosts: Sequence[str]) -> Api | str:
    """The row that has the price of a model where it is asked; or why there is none."""
    row = _row_of(model)
    if row is None or row.usd_input is None:
        return f"no price of `{model}` is in the catalogue; {HINT}"
    if not all(_is_of(host, row) for host in hosts):
        return (
            f"the catalogue has the price of `{model}` at {row.provider}, and another host was "
            f"asked; {HINT}"
        )
    return row


def _row_of(model: str) -> Api | None:
    """The decision endpoint of the catalogue that a model is of: the longest name that it has."""
    named = [
        (len(name), row)
        for row in read_apis().values()
        if row.kind == "decision"
        for name in (row.key, row.name, *row.served)
        if _is_called(model.casefold(), name.casefold())
    ]
    return max(named, key=lambda each: each[0])[1] if named else None


def _is_called(model: str, name: str) -> bool:
    behind = _VERSION if re.search(r"\d", name) else re.compile("")
    return model.startswith(name) and behind.fullmatch(model[len(name) :]) is not None


def _is_of(host: str, row: Api) -> bool:
    """Whether a host is the provider's; a row that names none is of whoever is asked."""
    return not row.hosts or any(host == own or host.endswith(f".{own}") for own in row.hosts)


def _hosts(urls: Iterable[str]) -> list[str]:
    return [urlsplit(url if "//" in url else f"//{url}").hostname or "" for url in urls]


def _are_near(hosts: Sequence[str]) -> bool:
    return bool(hosts) and all(map(_is_near, hosts))


def _is_near(host: str) -> bool:
    """Whether a server is on this machine or in a network of one's own."""
    if host == "localhost" or host.endswith((".local", ".localhost", ".internal")):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host
    return address.is_loopback or address.is_private or address.is_link_local
