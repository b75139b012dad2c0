"""From rows of one statistic to the parts of the data that it is measured in."""

from __future__ import annotations

from difflib import get_close_matches
from math import prod
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np

from judgefast.errors import ConfigError
from judgefast.stats.aspects import UNIT_SCALE
from judgefast.stats.joint import SlicedRows
from judgefast.stats.slice_names import slice_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from judgefast.stats.aspects import Scale
    from judgefast.stats.audit import Second


class JudgedItems(Protocol):
    """What statistics read of the items: `datasets.columns.ItemColumns` has it. n items."""

    @property
    def cluster_id64(self) -> NDArray[np.uint64]:
        """Resampling id. Shape (n,)."""

    @property
    def gold_choice(self) -> NDArray[np.uint8]:
        """Index of the better answer, `CHOICE_TIE` or `CHOICE_NONE`. Shape (n,)."""

    @property
    def gold_score(self) -> NDArray[np.float64]:
        """Score of a lone answer by people; NaN where there is none. Shape (n,)."""

    @property
    def models(self) -> Sequence[str]:
        """Names of the models."""

    @property
    def model(self) -> NDArray[np.int32]:
        """Index into `models` of each answer; -1 for none. Shape (n, max_answers)."""

    @property
    def meta(self) -> Mapping[str, tuple[NDArray[np.int32], Sequence[str]]]:
        """Codes (shape (n,), -1 for none) and names of each scalar meta field."""


class Rows(NamedTuple):
    """Outcomes of one statistic. All of length n; `groups` names the codes of `group`."""

    item: NDArray[np.uint32]
    aspect: NDArray[np.uint16]
    value: NDArray[np.int64]
    """Multiples of 2^-24."""
    weight: NDArray[np.uint8]
    """0 where the outcome has no value: it is counted as missing."""
    group: NDArray[np.int64]
    groups: Sequence[str]
    """Such as `model=gpt-x`; the empty string stands for all."""


Cuts = Literal["aspects", "whole", "both"]
"""Whether the aspects of a run, where there are several, are slices, are not told apart, or both:
the whole first."""


class Cut(NamedTuple):
    """Rows of one statistic in one way of cutting them."""

    codes: NDArray[np.int64]
    """Slice of each row, from 0; -1 for none. Shape (n,)."""
    slices: list[str]
    """Their names, by code."""
    numbers: list[int]
    """What each is called in any shard."""
    aspects: list[int]
    """Which aspect each is of; 0 where aspects are not told apart."""


class Statistic(NamedTuple):
    """One named mean over outcomes."""

    name: str
    rows: Rows
    scales: tuple[Scale, ...] = (UNIT_SCALE,)
    """Of the values: one, or one an aspect."""
    binary: bool = True
    """Whether a value can be a yes-or-no outcome."""
    cuts: Cuts = "aspects"
    note: str = ""
    """What has to be said of the values."""
    second: Second | None = None
    """What is known of second orders; None where none was left out."""

    def scales_of(self, cut: Cut) -> list[Scale]:
        """Scale of each slice."""
        last = len(self.scales) - 1
        return [self.scales[min(aspect, last)] for aspect in cut.aspects] or [UNIT_SCALE]


_SMALL = 65_536
"""So many codes are looked up in a table however few rows there are."""


class Slicer:
    """Cuts rows by group, by aspect where there are several, and by each meta field asked for."""

    def __init__(
        self, items: JudgedItems, *, fields: Sequence[str], aspects: Sequence[str]
    ) -> None:
        self._items = items
        self._aspects = aspects if len(aspects) > 1 else ()
        self._fields = [known_field(field, items.meta) for field in fields]

    def parts(self, statistic: Statistic, *, cuts: Cuts | None = None) -> Iterator[SlicedRows]:
        """Cut a statistic into every slice that has at least one row, one field at a time.

        `cuts` in place of its own.
        """
        rows = statistic.rows
        heaviest = int(rows.weight.max(initial=1))
        for cut in self.cut(rows, cuts or statistic.cuts):
            yield SlicedRows(
                statistic.name,
                cut.slices,
                self._items.cluster_id64[rows.item],
                rows.value,
                rows.weight,
                cut.codes,
                missing_weight=heaviest,
                scales=statistic.scales_of(cut),
                binary=statistic.binary,
                note=statistic.note,
                numbers=cut.numbers,
                second=statistic.second,
            )

    def cut(self, rows: Rows, cuts: Cuts = "aspects") -> Iterator[Cut]:
        """Cut `rows` in every way asked for."""
        for field in (None, *self._fields):
            if cuts != "aspects" and (cuts == "whole" or self._aspects):
                yield self._cut(rows, field, ())
            if cuts != "whole":
                yield self._cut(rows, field, self._aspects)

    def _cut(self, rows: Rows, field: str | None, aspects: Sequence[str]) -> Cut:
        """Cut by group, by some aspects, and by one field of meta."""
        code = rows.group.astype(np.int64)
        outside = code < 0
        parts: list[tuple[int, Sequence[str]]] = [(len(rows.groups), rows.groups)]
        if aspects:
            names = [slice_part("aspect", aspect) for aspect in aspects]
            code = code * len(names) + rows.aspect
            parts.append((len(names), names))
        if field is not None:
            of_item, values = self._items.meta[field]
            meta = of_item[rows.item].astype(np.int64)
            outside |= meta < 0
            names = [slice_part(f"meta.{field}", value) for value in values]
            code = code * max(len(names), 1) + meta
            parts.append((len(names), names))
        code[outside] = 0
        present, codes = _dense(code, outside, prod(size for size, _ in parts))
        numbers, below = present.tolist(), prod(size for size, _ in parts[1 + bool(aspects) :])
        return Cut(
            codes,
            [_slice_name(one, parts) for one in numbers],
            numbers,
            [one // below % len(aspects) if aspects else 0 for one in numbers],
        )


def _dense(
    code: NDArray[np.int64], outside: NDArray[np.bool_], size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Codes that occur, ascending, and the place of each row's among them; -1 for rows outside."""
    if size <= max(len(code), _SMALL):  # a table is read much faster than rows are sorted
        table = np.full(max(size, 1), -1, dtype=np.int64)
        table[code[~outside] if outside.any() else code] = 0
        present = np.flatnonzero(table == 0)
        table[present] = np.arange(len(present))
        codes = table[code]
    else:
        present, codes = np.unique(code, return_inverse=True)
        kept = np.unique(codes[~outside])
        place = np.full(len(present), -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        present, codes = present[kept], place[codes]
    codes[outside] = -1
    return present, codes


def _slice_name(code: int, parts: Sequence[tuple[int, Sequence[str]]]) -> str:
    names = []
    for size, of_part in reversed(parts):
        code, index = divmod(code, size)
        names.append(of_part[index])
    return " ".join(name for name in reversed(names) if name) or "all"


def known_field(field: str, meta: Mapping[str, object]) -> str:
    """Name of a meta field without `meta.`.

    Raises:
        ConfigError: No item has it.

    """
    name = field.removeprefix("meta.")
    if name in meta:
        return name
    close = get_close_matches(name, list(meta), n=1)
    known = ", ".join(f"`meta.{one}`" for one in meta) or "none"
    message = f"no meta field `{field}` to slice by; known: {known}"
    raise ConfigError(message, hint=f"did you mean `meta.{close[0]}`?" if close else None)
