"""Finding an estimate by its name and slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar

from judgefast.errors import ConfigError
from judgefast.stats.names import suggestion
from judgefast.stats.slice_names import slice_parts

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    if place is not None:
        return named[place]
    _refuse(name, slice, slices)


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
    """Which slice is meant; its parts may come in any order.

    >>> matching("baseline=y candidate=x", ["all", "candidate=x baseline=y"])
    1
    """
    if wanted in slices:
        return slices.index(wanted)
    parts = slice_parts(wanted)
    found = [place for place, one in enumerate(slices) if parts and slice_parts(one) == parts]
    return found[0] if found else None


def _refuse(name: str, slice: str | None, slices: Sequence[str]) -> NoReturn:  # noqa: A002 - as above
    listed = ", ".join(f"`{one}`" for one in slices)
    if slice is None:
        msg = f"`{name}` has several slices and none of them is the whole: {listed}"
        raise ConfigError(msg, hint=f"name one, as in `{name}[{slices[0]}]`")
    msg = f"`{name}` has no slice `{slice}`; it has: {listed}"
    raise ConfigError(msg, hint=suggestion(slice, list(slices)))
