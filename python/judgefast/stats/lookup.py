"""Finding an estimate by its name and slice."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Protocol, TypeVar

from judgefast.errors import ConfigError
from judgefast.stats.names import OVERALL, suggestion
from judgefast.stats.slice_names import slice_part, slice_parts, unread_from

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

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


def near_slice(wanted: str, slices: Sequence[str], fields: Collection[str] = ()) -> str | None:
    """Say which slice was meant, or which values its cut has; None where nothing is near.

    Args:
        wanted: A slice that is none of them.
        slices: Those that there are.
        fields: Fields of `meta`, which could be cut by too.

    >>> known = ["model=x meta.lang=de", "model=x meta.lang=fr"]
    >>> near_slice("model=x meta.lan=de", known), near_slice("lang=de", known)
    ('did you mean `model=x meta.lang=de`?', 'did you mean `meta.lang=de`?')
    >>> near_slice("meta.lang=zzz", known), near_slice("colour=red", known)
    ('`meta.lang` is one of `de`, `fr`', None)
    """
    values: dict[str, dict[str, None]] = {}
    for one in slices:
        for key, value in slice_parts(one).items():
            values.setdefault(key, {})[value] = None
    bare = {key.removeprefix("meta."): key for key in values}
    bare |= {field: f"meta.{field}" for field in fields}
    parts = slice_parts(wanted) if unread_from(wanted) is None else {}
    for key, value in parts.items():
        meant = (key, value)
        if key not in bare.values():
            near = get_close_matches(key.removeprefix("meta."), bare, n=1)
            meant = (bare[near[0]] if near else key, value)
        elif value not in (known := list(values.get(key, [value]))):
            near = get_close_matches(value, known, n=1)
            if not near:
                return f"`{key}` is one of {listed(known)}"
            meant = (key, near[0])
        if meant != (key, value):
            mended = [meant if part[0] == key else part for part in parts.items()]
            return f"did you mean `{' '.join(slice_part(*part) for part in mended)}`?"
    return None


def _no_slice(name: str, slice: str | None, slices: Sequence[str]) -> ConfigError:  # noqa: A002 - as above
    if slice is None:
        msg = f"`{name}` has several slices and none of them is the whole: {listed(slices)}"
        hint = f"name one, as in `{name}[{slices[0]}]`"
        if name in OVERALL and "aspect" in slice_parts(slices[0]):
            hint += f"; all aspects together are `{OVERALL[name]}`"
        return ConfigError(msg, hint=hint)
    msg = f"`{name}` has no slice `{slice}`; it has: {listed(slices)}"
    return ConfigError(msg, hint=near_slice(slice, slices))
