"""`judgefast prices`: what a GPU-hour and a token cost, and since when that is known."""

from __future__ import annotations

from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

import click

from judgefast.cli.groups import SuggestingGroup
from judgefast.cli.output import put, say
from judgefast.cli.table import put_table
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.catalogue.apis import Api
    from judgefast.catalogue.prices import Kind, Price

_AGED = (
    "prices age within weeks; yours come first: judgefast prices add, or --price where one is taken"
)
_KINDS = click.Choice(["on_demand", "spot", "on-demand"])


@click.group(cls=SuggestingGroup, invoke_without_command=True)
@click.option("--gpu", help="Offers of this accelerator alone.")
@click.option("--kind", type=_KINDS, help="On demand or spot.")
@click.option("--provider", help="Offers of this provider alone.")
@click.option("--apis", is_flag=True, help="Judges that are paid by the token.")
@click.option(
    "--guide", is_flag=True, help="The published guide's price list, and today's beside it."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of lines.")
@click.pass_context
def prices(  # noqa: PLR0913 - flags
    ctx: click.Context,
    *,
    gpu: str | None,
    kind: str | None,
    provider: str | None,
    apis: bool,
    guide: bool,
    as_json: bool,
) -> None:
    """Show what a GPU-hour costs, each price with its date, provider and source.

    Example: judgefast prices --gpu H200 --kind spot

    Without an option: the lowest, the middle and the highest offer of today for each accelerator.
    """
    if ctx.invoked_subcommand is not None:
        return
    if guide or apis:
        flag = "--guide" if guide else "--apis"
        given = {"--gpu": gpu, "--kind": kind, "--provider": provider if guide else None}
        for name, value in given.items():
            if value is not None:
                message = f"{name} does not go with {flag}"
                raise ConfigError(message, hint=f"leave {name} out")
    if guide:
        from judgefast.cli.guide import put_guide  # noqa: PLC0415 - on first use

        put_guide(as_json=as_json)
        return
    if apis:
        _put_apis(provider, as_json=as_json)
        return
    found = _chosen(gpu, kind, provider)
    if as_json:
        _put_json(found)
    elif gpu or kind or provider:
        put_table(_HEAD, map(_row, found), right=1)
        say(_AGED)
    else:
        put_table(_TODAY, _today(found))
        say(_AGED)


def _chosen(gpu: str | None, kind: str | None, provider: str | None) -> list[Price]:
    from judgefast.catalogue.gpus import find_gpu  # noqa: PLC0415 - on first use
    from judgefast.catalogue.prices import prices_of  # noqa: PLC0415 - as above

    key = find_gpu(gpu).key if gpu else None
    found = prices_of(key, _kind(kind), provider)
    if not found:
        at = sorted({price.provider for price in prices_of(key)})
        hint = _providers(provider, at) if at else "see judgefast prices"
        message = f"no price of {key or 'any GPU'} is known for what was asked"
        raise ConfigError(message, hint=hint)
    return found


def _providers(given: str | None, known: list[str]) -> str:
    """Hint at the provider that was meant, else at all."""
    by_plain = {each.casefold(): each for each in known}
    close = get_close_matches((given or "").casefold(), by_plain, n=1)
    if close and by_plain[close[0]].casefold() != (given or "").casefold():
        return f"did you mean `{by_plain[close[0]]}`?"
    return f"providers: {', '.join(known)}"


def _kind(text: str | None) -> Kind | None:
    return cast("Kind", text.replace("-", "_")) if text else None


_HEAD = ("GPU", "price", "kind", "date", "provider", "region", "tier", "GPUs", "source")


def _row(price: Price) -> Sequence[str]:
    return (
        price.gpu,
        price.amount,
        price.kind.replace("_", " "),
        price.when,
        price.provider,
        price.region or "-",
        price.tier or "-",
        str(price.gpus),
        price.source,
    )


_TODAY = ("GPU", "kind", "low", "middle", "high", "offers")


def _today(found: list[Price]) -> list[Sequence[str]]:
    from judgefast.catalogue.prices import typical  # noqa: PLC0415 - on first use

    rows: list[Sequence[str]] = []
    for gpu, kind in sorted({(price.gpu, price.kind) for price in found}):
        today = typical(gpu, kind)
        cells = [f"{price.amount} {price.provider} {price.when}" for price in today or ()]
        offers = sum((price.gpu, price.kind) == (gpu, kind) for price in found)
        rows.append((gpu, kind.replace("_", " "), *(cells or ["-", "-", "-"]), str(offers)))
    return rows


_APIS = ("API", "input", "cached", "output", "kind", "date", "provider", "source")


def _put_apis(provider: str | None, *, as_json: bool) -> None:
    from judgefast.catalogue.apis import read_apis  # noqa: PLC0415 - on first use

    known = read_apis().values()
    found = [
        api for api in known if provider is None or provider.casefold() == api.provider.casefold()
    ]
    if not found:
        at = sorted({api.provider for api in known})
        message = f"no API of `{provider}` is known"
        raise ConfigError(message, hint=_providers(provider, at))
    if as_json:
        _put_json(found)
        return
    put_table(_APIS, map(_api_row, found), right=3)
    say("US dollars for 1 million tokens; " + _AGED)


def _api_row(api: Api) -> Sequence[str]:
    amounts = (api.usd_input, api.usd_cached, api.usd_output)
    return (api.key, *map(_per_million, amounts), api.kind, api.when, api.provider, api.source)


def _per_million(usd: float | None) -> str:
    """A price with as many digits as it has, two at least."""
    return "-" if usd is None else "$" + max(f"{usd:.2f}", f"{usd:g}", key=len)


def _put_json(found: object) -> None:
    import msgspec  # noqa: PLC0415 - only here

    put(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


@prices.command()
@click.option("--provider", required=True, help="Who rents it out.")
@click.option("--gpu", required=True, help="Accelerator, as in `judgefast gpus`.")
@click.option("--usd", type=float, required=True, help="US dollars for an hour of one GPU.")
@click.option("--kind", type=_KINDS, default="on_demand", help="[default: on_demand]")
@click.option("--date", help="Day of the price, as 2026-11-26 [default: today].")
@click.option("--region", help="Where.")
@click.option("--tier", help="The provider's class of machines.")
@click.option("--source", help="Where you have it from.")
def add(**given: Any) -> None:  # noqa: ANN401 - flags
    """Keep a price of your own; it goes before those of the package.

    Example: judgefast prices add --provider us --gpu H200 --usd 2.10 --kind spot
    """
    from judgefast.catalogue.files import add_row  # noqa: PLC0415 - on first use
    from judgefast.catalogue.gpus import find_gpu  # noqa: PLC0415 - as above
    from judgefast.catalogue.prices import Price, check_own  # noqa: PLC0415 - as above

    fields = {name: value for name, value in given.items() if value is not None}
    fields |= {"gpu": find_gpu(fields["gpu"]).key, "kind": _kind(fields["kind"])}
    fields.setdefault("date", datetime.now(tz=UTC).date().isoformat())
    told = (fields.get(name) for name in ("provider", "gpu", "kind", "region", "tier"))
    key = "-".join(word.lower().replace(" ", "-") for word in told if word)
    path = add_row("prices", {"key": f"own-{key}", **fields}, Price, check_own)
    put(str(path))
