"""Finding an estimate by its name and slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from judgefast.errors import ConfigError
from judgefast.stats.names import suggestion
from judgefast.stats.slice_names import slice_parts, unread_from

if TYPE_CHECKING:
    from collections.abc import Sequence

_PAIR = {"candidate": "", "baseline": ""}

MOST_LISTED = 8
"""Slices that a sentence names."""


class Sliced(Protocol):
    """What is looked up: an estimate, a measurement, a difference."""

    @property
    def name(self) -> str:
        """Stable identifier."""

    @property
    def slice(self) -> str:
        """Part of the data."""


One = TypeVar("One", bound=Sliced)


def find(known: Sequence[One], name: str, slice: str | None) -> One:  # noqa: A002 - the column's name
    """Find what is called `name` in a slice.

    Args:
        known: To look in.
        name: Stable identifier.
        slice: Part of the data; None for its headline: `all`, or the only pair of models.

    Raises:
        ConfigError: There is none of that name, no such slice, or no headline among the slices.

    """
    named = [one for one in known if one.name == name]
    if not named:
        names = list(dict.fromkeys(one.name for one in known))
        msg = f"no estimate named `{name}`; there are: {', '.join(names) or 'none'}"
        raise ConfigError(msg, hint=suggestion(name, names))
    slices = [one.slice for one in named]
    place = headline(slices) if slice is None else matching(slice, slices)
    if place is None:
        raise _no_slice(name, slice, slices)
    return named[place]


def headline(slices: Sequence[str]) -> int | None:
    """Which slice a name alone means: `all`, else the only one, else the only pair of models.

    >>> headline(["model=x", "all"]), headline(["candidate=x baseline=y", "model=x", "model=y"])
    (1, 0)
    >>> headline(["model=x", "model=y"])

    """
    if "all" in slices:
        return slices.index("all")
    keys = [set(slice_parts(one)) for one in slices]
    pairs = [place for place, found in enumerate(keys) if found == {"candidate", "baseline"}]
    if len(slices) == 1:
        return 0
    return pairs[0] if len(pairs) == 1 else None


def matching(wanted: str, slices: Sequence[str]) -> int | None:
    """Which slice is meant; its parts come in any order, the only pair of models may be left out.

    >>> matching("baseline=y candidate=x", ["all", "candidate=x baseline=y"])
    1
    >>> matching("meta.lang=de", ["model=x meta.lang=de", "candidate=x baseline=y meta.lang=de"])
    1
    """
    if wanted in slices:
        return slices.index(wanted)
    parts = slice_parts(wanted) if unread_from(wanted) is None else {}
    known = [slice_parts(one) for one in slices] if parts else []
    for whole in (parts, _PAIR | parts):
        found = [
            place
            for place, one in enumerate(known)
            if one == whole or (one.keys() >= _PAIR.keys() and one | _PAIR == whole)
        ]
        if len(found) == 1:
            return found[0]
    return None


def listed(slices: Sequence[str]) -> str:
    """Write slices in a sentence, and how many more there are."""
    more = len(slices) - MOST_LISTED
    words = ", ".join(f"`{one}`" for one in slices[:MOST_LISTED])
    return f"{words} and {more:,} more" if more > 0 else words


def _no_slice(name: str, slice: str | None, slices: Sequence[str]) -> ConfigError:  # noqa: A002 - as above
    if slice is None:
        msg = f"`{name}` has several slices and none of them is the whole: {listed(slices)}"
        return ConfigError(msg, hint=f"name one, as in `{name}[{slices[0]}]`")
    msg = f"`{name}` has no slice `{slice}`; it has: {listed(slices)}"
    return ConfigError(msg, hint=suggestion(slice, list(slices)))
