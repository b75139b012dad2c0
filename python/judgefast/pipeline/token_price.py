"""What the verdicts of a run cost whose judge is paid by the token."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from judgefast.catalogue.apis import read_apis
from judgefast.codes import Status
from judgefast.engines.decisions.asked import read_kept
from judgefast.pipeline.kept import is_kept
from judgefast.reports.verdict_price import THOUSAND, VerdictPrice

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from judgefast.catalogue.apis import Api
    from judgefast.pipeline.results import Reading

OPTION = "usd_per_million_tokens"
"""Option of an engine: what 1 million prompt tokens cost."""
HINT = f"--engine-arg {OPTION}=NUMBER says it"


def price_of_verdicts(reading: Reading) -> VerdictPrice | None:
    """Price a run so far, by the word that is nearest to what was paid.

    What the server says of each reply comes first; then what the user says of a token; then the
    catalogue's row of the model that answered, unless servers of one's own have answered. None of a
    judge that is not asked typed questions.
    """
    if not is_kept(reading):
        return None
    config, day = _last_start(reading)
    models, tokens, usd = _paid(reading)
    verdicts = int(np.count_nonzero(reading.verdicts.status == Status.PARSED))
    if usd is not None:
        return _priced(verdicts, usd, by="server", date=day, prompt_tokens=tokens)
    given = config.get("engine_args", {}).get(OPTION)
    if given is not None and tokens is not None:
        rate = float(given)
        facts: dict[str, Any] = {"by": "given", "date": day, "usd_per_million_tokens": rate}
        return _priced(verdicts, tokens * rate / 1e6, prompt_tokens=tokens, **facts)
    names = [*models, str(config.get("model") or reading.directory.manifest.model.name)]
    row = _row_of(names)
    if given is None and _is_own(config.get("base_url", ())):
        why = f"the servers are one's own, and are not paid by the token; {HINT} if they are"
    elif tokens is None:
        why = "the server does not count the tokens of every reply"
    elif row is None or row.usd_input is None:
        named = ", ".join(f"`{one}`" for one in dict.fromkeys(names) if one)
        why = f"no price of {named} is in the catalogue; {HINT}"
    else:
        return _priced(
            verdicts,
            tokens * row.usd_input / 1e6,
            by="catalogue",
            date=row.when,
            prompt_tokens=tokens,
            usd_per_million_tokens=row.usd_input,
            source=f"{row.provider}, {row.name}",
        )
    return VerdictPrice(
        verdicts=verdicts, usd=None, usd_per_1000=None, unknown=why, prompt_tokens=tokens
    )


def _priced(verdicts: int, usd: float, **more: Any) -> VerdictPrice:  # noqa: ANN401 - fields
    per = usd / verdicts * THOUSAND if verdicts else None
    return VerdictPrice(verdicts=verdicts, usd=usd, usd_per_1000=per, **more)


def _last_start(reading: Reading) -> tuple[dict[str, Any], str]:
    """Options of the latest start, and the day on which the run was made."""
    manifest = reading.directory.manifest
    config: dict[str, Any] = manifest.config
    for facts in reading.directory.launches():
        config = facts.get("config", config)
    return config, manifest.created[:10]


def _paid(reading: Reading) -> tuple[list[str], int | None, float | None]:
    """Models that answered, prompt tokens and dollars of all replies; None: not known of each."""
    models: dict[str, int] = {}
    tokens, usd = 0, 0.0
    replies = counted = priced = 0
    for batch in reading.directory.completions(["text", "prompt_tokens"]):
        cells = zip(
            batch.column("text").to_pylist(),
            batch.column("prompt_tokens").to_pylist(),
            strict=True,
        )
        for text, read in cells:
            kept = read_kept(text)
            if kept is None:
                continue
            replies += 1
            models[kept.model] = models.get(kept.model, 0) + 1
            if read is not None:
                counted, tokens = counted + 1, tokens + read
            if kept.usd is not None:
                priced, usd = priced + 1, usd + kept.usd
    often = sorted(models, key=lambda name: -models[name])
    return (
        often,
        tokens if counted == replies else None,
        usd if replies and priced == replies else None,
    )


def _row_of(names: Sequence[str]) -> Api | None:
    """The decision endpoint of the catalogue that has one of these names."""
    rows = [row for row in read_apis().values() if row.kind == "decision"]
    for name in names:
        wanted = name.casefold()
        for row in rows:
            if wanted in {known.casefold() for known in (row.key, row.name, *row.served)}:
                return row
    return None


def _is_own(urls: Collection[str]) -> bool:
    """Whether all servers are on this machine or in a network of one's own."""
    hosts = [urlsplit(url if "//" in url else f"//{url}").hostname or "" for url in urls]
    return bool(hosts) and all(map(_is_near, hosts))


def _is_near(host: str) -> bool:
    if host == "localhost" or host.endswith((".local", ".localhost", ".internal")):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host
    return address.is_loopback or address.is_private or address.is_link_local
