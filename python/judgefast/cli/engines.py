"""`judgefast engines`: what can judge here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from judgefast.cli.output import put
from judgefast.reports.inert import line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.engines.listing import Listed

_HEAD = (
    *("engine", "installed", "takes", "sealed", "labels", "structure", "same again"),
    *("cached tokens", "version"),
)
_UNKNOWN = "once started"
_LONGEST_ERROR = 300


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def engines(*, as_json: bool) -> None:
    """List what can judge here, what each can do, and what to install for the rest.

    Example: judgefast engines
    """
    from judgefast.engines.listing import list_engines  # noqa: PLC0415 - imports each of them

    found = list_engines()
    if as_json:
        import msgspec  # noqa: PLC0415 - only here

        put(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    rows = [_HEAD, *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        put("  ".join(cells).rstrip())
    for words in _below(found):
        put(words)


def _row(one: Listed) -> tuple[str, ...]:
    can = one.capabilities
    if can is None:
        abilities = ("" if one.error else _UNKNOWN, *[""] * 5)
    else:
        structure = [name for name in ("schema", "choice") if getattr(can, name)]
        abilities = (
            can.takes,
            "-" if one.sealed is None else _yes(one.sealed),
            _yes(can.label_probabilities),
            ", ".join(structure) or "no",
            _yes(can.deterministic),
            _yes(can.cached_tokens),
        )
    theirs = [] if one.distribution == "judgefast" else [(one.distribution, one.version)]
    words = ", ".join(f"{name} {at}" for name, at in [*theirs, *one.drives.items()] if at)
    return (line(one.name), "broken" if one.error else _yes(one.installed), *abilities, line(words))


def _below(found: list[Listed]) -> Iterator[str]:
    """What to do about engines that cannot be used, after an empty line."""
    words = [f"{one.name} needs: {one.install}" for one in found if one.install]
    words += [f"{one.name} of {one.distribution}: {one.error}" for one in found if one.error]
    if words:
        yield ""
    yield from (line(each, _LONGEST_ERROR) for each in words)


def _yes(is_so: bool) -> str:  # noqa: FBT001 - the one thing it says
    return "yes" if is_so else "no"
