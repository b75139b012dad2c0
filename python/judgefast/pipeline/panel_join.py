"""Outcomes of several runs joined: a row for each comparison or scored answer, a column a judge."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from judgefast.codes import (
    ACROSS,
    CHOICE_NONE,
    CHOICE_TIE,
    FIXED_ONE,
    NO_ANSWER,
    OutcomeStatus,
)
from judgefast.datasets.rows import iter_rows
from judgefast.errors import ConfigError
from judgefast.hashes import framed
from judgefast.pipeline.comparable import check_comparable
from judgefast.pipeline.panel_aspects import (
    JOINED_BY_NAMES,
    aspects_of_all,
    without_aspect_in_common,
)
from judgefast.pipeline.panel_verdicts import said_of, unseen
from judgefast.stats.votes import HALF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading
    from judgefast.stats.votes import Kind

ADAPTIVE = "adaptive"
"""Orders whose outcomes are not the estimates' own: an audit corrects these."""

ABSENT = -1
"""Row of an outcome that a run has not."""

_ANSWERS = 1 << 16
"""Places of answers that a code has room for."""
_SHOWN_HEX = 8
_CONTENT = "judgefast panel content 1"
_BEHIND = "\x00judgefast:"
"""Between an id and a hash; no id of the user's holds it."""


class Seated(NamedTuple):
    """One judge of a panel, read."""

    name: str
    reading: Reading


class Joined(NamedTuple):
    """Outcomes of n units by k judges, in the order of the first run."""

    judges: list[str]
    readings: list[Reading]
    aspects: list[str]
    item_id: pa.Array[Any]
    """Strings, shape (items,): of all runs, each once."""
    item: NDArray[np.int64]
    """Shape (n,): index into `item_id`."""
    candidate: NDArray[np.uint16]
    baseline: NDArray[np.uint16]
    """`NO_ANSWER` for a scored answer."""
    aspect: NDArray[np.int64]
    """Index into `aspects`."""
    cluster_id64: NDArray[np.uint64]
    row: NDArray[np.int64]
    """Shape (n, k): row of each judge's outcomes; `ABSENT` where it was not asked."""
    value: NDArray[np.float64]
    """Shape (n, k): outcome; NaN where there is none."""
    verdicts: NDArray[np.float64]
    """Shape (n, k): what judges are compared by, as `panel_verdicts` finds it: a score as it is; of
    two answers 1, 0 or 0.5; of a best-of-n the place of an answer, or `CHOICE_TIE`; NaN where there
    is no value."""
    status: NDArray[np.uint8]
    """Shape (n, k): `codes.OutcomeStatus`; 255 where it was not asked."""
    torn: NDArray[np.bool_]
    """Shape (n, k): whether the judge's own orders or repeats chose different answers, and none of
    them as its verdict."""
    unseen: NDArray[np.bool_]
    """Shape (n, k): whether the judge's value is none of its own, since an empty answer lost."""
    unit_of: list[NDArray[np.int64]]
    """For each judge the unit of each of its outcomes: of a best-of-n all answers of an item are
    one, with the place of the chosen answer as its value, or `CHOICE_TIE`."""
    other_clusters: int
    """Items that have another cluster in a later run than in the first that has them."""

    @property
    def mode(self) -> str:
        """Of all rubrics."""
        return self.readings[0].rubric.mode

    @property
    def kind(self) -> Kind:
        """What its values are."""
        kinds: dict[str, Kind] = {"scalar": "score", "pairwise": "comparison"}
        return kinds.get(self.mode, "choice")

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Whether every judge was asked. Shape (n,)."""
        asked: NDArray[np.bool_] = (self.row != ABSENT).all(axis=1)
        return asked

    @property
    def said(self) -> NDArray[np.float64]:
        """`verdicts` without what no judge saw: what agreement is measured on. Shape (n, k)."""
        return np.where(self.unseen, np.nan, self.verdicts)

    @property
    def speaking(self) -> NDArray[np.bool_]:
        """Which judges gave a value at all. Shape (k,)."""
        has_said: NDArray[np.bool_] = np.any(~np.isnan(self.value), axis=0)
        return has_said

    def judged_by(self, aspect: int) -> list[str]:
        """Judges that were asked for an aspect, by its index."""
        asked = (self.row[self.aspect == aspect] != ABSENT).any(axis=0)
        return [name for name, was in zip(self.judges, asked.tolist(), strict=True) if was]

    def gold(self) -> NDArray[np.float64]:
        """What people said, as values, by the first run that has it; NaN for nobody. Shape (n,)."""
        every = self._every_gold()
        first = np.argmax(~np.isnan(every), axis=1)
        found: NDArray[np.float64] = every[np.arange(len(every)), first]
        return found

    def other_gold(self) -> int:
        """Units of which two runs say that people said different things."""
        every = self._every_gold()
        known = ~np.isnan(every)
        low = np.where(known, every, np.inf).min(axis=1, initial=np.inf)
        high = np.where(known, every, -np.inf).max(axis=1, initial=-np.inf)
        return int((low < high).sum())

    def _every_gold(self) -> NDArray[np.float64]:
        """By each run. Shape (n, k)."""
        found = np.full(self.row.shape, np.nan)
        for judge, reading in enumerate(self.readings):
            has = np.flatnonzero(self.row[:, judge] != ABSENT)
            found[has, judge] = _gold_of(reading, self.row[has, judge])
        return found


def join(judges: Sequence[Seated], *, admitted: Sequence[str] = ()) -> Joined:
    """Join the outcomes of runs by item id, answers and aspect.

    Where every rubric has one aspect, it is the same whatever it is called.

    Args:
        judges: At least two, each with a name of its own, read by the baseline of the first.
        admitted: `data`, where runs of different data are meant to be joined by the ids that they
            share.

    Raises:
        ConfigError: The runs ask for other kinds of outcomes, judged different data, or have no
            unit in common.

    """
    readings = [one.reading for one in judges]
    _check(judges, admitted)
    names = [reading.items.item_id for reading in readings]
    if len({reading.directory.manifest.data.identity for reading in readings}) > 1:
        names = [_with_contents(reading) for reading in readings]
    ids, items = _codes(names)
    aspects, of_aspect = aspects_of_all([reading.rubric for reading in readings])
    clusters, other_clusters = _clusters(readings, items, len(ids))
    keys: list[NDArray[np.uint64]] = []
    several = readings[0].rubric.mode == "choice"  # one verdict of all answers of an item
    none = np.uint16(NO_ANSWER)
    for reading, code, aspect in zip(readings, items, of_aspect, strict=True):
        outcomes = reading.outcomes
        unit = code[outcomes.item].astype(np.uint64)
        for part, size in (
            (np.full_like(outcomes.candidate, none) if several else outcomes.candidate, _ANSWERS),
            (outcomes.baseline, _ANSWERS),
            (aspect[outcomes.aspect], len(aspects)),
        ):
            unit = unit * np.uint64(size) + part.astype(np.uint64)
        keys.append(unit)
    units = np.unique(np.concatenate(keys))
    row = np.full((len(units), len(judges)), ABSENT, np.int64)
    value, verdicts = np.full(row.shape, np.nan), np.full(row.shape, np.nan)
    status = np.full(row.shape, 255, np.uint8)
    torn, is_unseen = np.zeros(row.shape, bool), np.zeros(row.shape, bool)
    unit_of: list[NDArray[np.int64]] = []
    for judge, (reading, key) in enumerate(zip(readings, keys, strict=True)):
        at = np.searchsorted(units, key)
        unit_of.append(at)
        outcomes = reading.outcomes
        row[at[::-1], judge] = np.arange(len(key))[::-1]  # of several the first
        status[at, judge] = outcomes.status
        asked = np.flatnonzero(row[:, judge] != ABSENT)
        verdicts[asked, judge], torn[asked, judge] = said_of(reading, row[asked, judge])
        is_unseen[asked, judge] = unseen(reading, row[asked, judge])
        if several:
            value[:, judge] = verdicts[:, judge]
            continue
        scored = outcomes.status == OutcomeStatus.SCORED
        value[at[scored], judge] = outcomes.value[scored] / FIXED_ONE
    rest, aspect_code = np.divmod(units, np.uint64(len(aspects)))
    rest, baseline = np.divmod(rest, np.uint64(_ANSWERS))
    item, candidate = np.divmod(rest, np.uint64(_ANSWERS))
    joined = Joined(
        judges=[one.name for one in judges],
        readings=readings,
        aspects=aspects,
        item_id=ids,
        item=item.astype(np.int64),
        candidate=candidate.astype(np.uint16),
        baseline=baseline.astype(np.uint16),
        aspect=aspect_code.astype(np.int64),
        cluster_id64=clusters[item.astype(np.int64)],
        row=row,
        value=value,
        verdicts=verdicts,
        status=status,
        torn=torn,
        unseen=is_unseen,
        unit_of=unit_of,
        other_clusters=other_clusters,
    )
    if len(judges) > 1 and not ((row != ABSENT).sum(axis=1) > 1).any():
        called = [(f"`{reading.directory.path}`", reading.rubric) for reading in readings]
        if words := without_aspect_in_common(called):
            raise ConfigError(words, hint=JOINED_BY_NAMES)
        msg = " and ".join(path for path, _ in called)
        msg += " have no item with the same answers in common"
        raise ConfigError(msg, hint="join runs over the same data")
    return joined


def _clusters(
    readings: Sequence[Reading], items: Sequence[NDArray[np.int64]], number: int
) -> tuple[NDArray[np.uint64], int]:
    """Cluster of each item by the first run that has it, and how many have another one later."""
    found, differs = np.zeros(number, np.uint64), np.zeros(number, bool)
    of_runs = [(code, one.items.cluster_id64) for code, one in zip(items, readings, strict=True)]
    for code, clusters in reversed(of_runs):
        found[code] = clusters
    for code, clusters in of_runs:
        differs[code] |= found[code] != clusters
    return found, int(differs.sum())


def _check(judges: Sequence[Seated], admitted: Sequence[str]) -> None:
    doubled = [name for name, count in Counter(one.name for one in judges).items() if count > 1]
    if doubled:
        msg = f"two judges are called `{doubled[0]}`"
        raise ConfigError(msg, hint="give each a name: NAME=RUN")
    for judge in judges:
        directory = judge.reading.directory
        if len(judges) > 1 and directory.manifest.options.get("orders") == ADAPTIVE:
            msg = f"the orders of `{directory.path}` are adaptive"
            hint = "judges are joined by what every comparison was asked: judge in both orders"
            raise ConfigError(msg, hint=hint)
    for a, b in combinations([judge.reading for judge in judges], 2):
        check_comparable(a, b, ACROSS)
    first = judges[0]
    for other in judges[1:]:
        one, two = (each.reading.directory.manifest.data for each in (first, other))
        if one.identity == two.identity or "data" in admitted:
            continue
        paths = [f"`{each.reading.directory.path}`" for each in (first, other)]
        msg = (
            f"{paths[0]} and {paths[1]} judged different data: {one.items:,} items with the "
            f"identity {one.identity[:_SHOWN_HEX]}…, and {two.items:,} with "
            f"{two.identity[:_SHOWN_HEX]}…"
        )
        hint = "if they share items, join those by their ids: --across data"
        raise ConfigError(msg, hint=hint)


def _with_contents(reading: Reading) -> pa.Array[Any]:
    """Ids of items with a hash of what was judged behind them: other answers, another item."""
    named = []
    wanted = ["item_id", "question_sha256", "reference_sha256", "answers.list.element.sha256"]
    for batch in iter_rows(reading.directory.path, wanted):
        for row in batch.to_pylist():
            parts = [row["question_sha256"], row["reference_sha256"]]
            parts += [answer["sha256"] for answer in row["answers"]]
            digest = framed(_CONTENT, [part or b"" for part in parts]).hex()
            named.append(f"{row['item_id']}{_BEHIND}{digest}")
    return pa.array(named, pa.string())


def _codes(
    columns: Sequence[pa.Array[Any]],
) -> tuple[pa.Array[Any], list[NDArray[np.int64]]]:
    """Every string once, in the order of its first row, and the codes of each column."""
    chunks = pa.chunked_array([column.cast(pa.large_string()) for column in columns])
    encoded = chunks.combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    ends = np.cumsum([len(column) for column in columns])[:-1]
    ids = pc.list_element(pc.split_pattern(encoded.dictionary, _BEHIND), 0)
    return ids.cast(pa.string()), np.split(codes, ends)


def _gold_of(reading: Reading, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Gold of some outcomes of a run."""
    items, outcomes = reading.items, reading.outcomes
    item = outcomes.item[rows].astype(np.int64)
    if reading.rubric.mode != "pairwise":
        if reading.rubric.mode == "choice":
            choice = items.gold_choice[item]
            return np.where(choice == CHOICE_NONE, np.nan, choice.astype(np.float64))
        found: NDArray[np.float64] = items.gold_score[item]
        return found
    choice, candidate = items.gold_choice[item], outcomes.candidate[rows]
    baseline = outcomes.baseline[rows]
    gold = np.full(len(rows), np.nan)
    gold[choice == CHOICE_TIE] = HALF
    known = (choice != CHOICE_NONE) & (choice != CHOICE_TIE) & (baseline != NO_ANSWER)
    gold[known & (choice == candidate)] = 1.0
    gold[known & (choice == baseline)] = 0.0
    return gold
