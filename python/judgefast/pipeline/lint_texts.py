"""Texts of the data that keep prompts from sharing: alike for a person, not for a cache."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgefast.datasets.rows import items_of, rows_around
from judgefast.pipeline.lint_changes import by_head, by_question, undated, written_alike
from judgefast.pipeline.lint_words import (
    VOLATILE,
    hash_of,
    long_head,
    masked,
    meant,
    plain,
    texts_of,
    words_of,
)
from judgefast.reports.plan_report import LintFinding
from judgefast.reports.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from judgefast.datasets.items import Item, Text
    from judgefast.pipeline.lint_anew import Anew

MOST_TEXTS = 2_000_000
"""That are held against each other: the first ones of the run."""
MOST_GROUPS = 1_000
"""Groups of texts that are looked at one by one, for the dearest to be shown."""
_WORTH_CLUSTERING = 0.01
"""Share of the tokens to compute that other clusters must save: they widen every interval."""
_MOST_OF_ALL = 2
"""Clusters over those that would become one: a head that most questions have stays in the cache."""

_FIELDS = ("question", "reference", "answer")


class Seen(NamedTuple):
    """Texts of the data as columns of length n. Hashes are 8 bytes."""

    field: NDArray[np.uint8]
    """Code in `_FIELDS`."""
    item: NDArray[np.uint32]
    sent: NDArray[np.uint64]
    """Of the text as it is sent, without white space at its ends."""
    meant: NDArray[np.uint64]
    """Of what a person reads in it."""
    masked: NDArray[np.uint64]
    """Of its head with what is volatile blotted out; 0 where nothing is."""
    head: NDArray[np.uint64]
    """Of a long head; 0 where it is no longer than that."""
    cluster: NDArray[np.uint64]

    def where(self, is_in: NDArray[np.bool_]) -> Seen:
        """Some of the rows."""
        return Seen(*[column[is_in] for column in self])  # type: ignore[arg-type]  # each as it is


class TextLint:
    """Looks at texts as blocks go by, and says at the end which are nearly alike.

    Args:
        rows: Folder that holds `rows/`, where texts are read again to be shown.
        count: Tokens of a text.
        before: Tokens of a prompt before its question.
        anew: Plans what is advised.

    """

    def __init__(self, rows: Path, count: Callable[[str], int], before: int, anew: Anew) -> None:
        self._rows = rows
        self._anew = anew
        self._count = count
        self._before = before
        self._parts: list[Seen] = []
        self.texts = 0

    def add(self, items: Sequence[Item], base: int) -> None:
        """Take the items of a block in."""
        if self.texts >= MOST_TEXTS:
            return
        found = [
            _looked_at(field, base + place, text, item.cluster)
            for place, item in enumerate(items)
            for field, text in texts_of(item)
        ]
        self.texts += len(found)
        if found:
            columns = zip(*found, strict=True)
            kinds = (np.uint8, np.uint32, *[np.uint64] * 5)
            arrays = [np.array(each, kind) for each, kind in zip(columns, kinds, strict=True)]
            self._parts.append(Seen(*arrays))

    def findings(self) -> list[LintFinding]:
        """What was found, in no order."""
        if not self._parts:
            return []
        seen = Seen(*map(np.concatenate, zip(*self._parts, strict=True)))
        found = []
        for field in range(len(_FIELDS)):
            found += self._nearly_equal(field, seen.where(seen.field == field))
        questions = seen.where(seen.field == 0)
        return [
            *found,
            *self._split(questions),
            *self._volatile(questions),
            *self._shared_head(questions),
        ]

    def _nearly_equal(self, field: int, seen: Seen) -> list[LintFinding]:
        groups = _groups(seen.meant, seen.sent)
        one, other = self._dearest(groups, seen, field, _whole)
        if one is None or other is None:
            return []
        same_blanks = plain(one.text) == plain(other.text)
        if same_blanks:
            code, differ = "white_space", "white space or Unicode form"
            advice = "write them alike: collapse white space, and normalise to NFC"
        else:
            code, differ = "key_order", "the order of their keys"
            advice = "write JSON with sorted keys (`json.dumps(..., sort_keys=True)`)"
        name = _FIELDS[field]
        token = self._before if name == "question" else None
        prefix = _alike(one.text, other.text)
        if token is not None:
            token += self._count(prefix)
        saved = self._anew.with_items(written_alike(self._anew.items, field))
        form = "stands" if len(groups) == 1 else "stand"
        return [
            LintFinding(
                code=code,
                where=f"items `{one.item_id}` and `{other.item_id}`, {name}",
                text=repr(other.text[max(0, len(prefix) - 20) : len(prefix) + 40]),
                token=token,
                lost_tokens=saved.tokens,
                at_least=saved.at_least,
                words=f"{plural(len(groups), name)} {form} in several forms that differ in "
                f"{differ} alone: each form is computed anew",
                advice=advice,
            )
        ]

    def _split(self, seen: Seen) -> list[LintFinding]:
        groups = _groups(seen.sent, seen.cluster)
        one, other = self._dearest(groups, seen, 0, _whole)
        if one is None or other is None:
            return []
        saved = self._anew.with_items(by_question())
        are, they = ("is", "it is") if len(groups) == 1 else ("are", "they are")
        far = f"{they} asked far apart, and " if saved.tokens else f"{they} "
        return [
            LintFinding(
                code="split_question",
                where=f"items `{one.item_id}` and `{other.item_id}`, question",
                text=other.text[:60],
                token=self._before,
                lost_tokens=saved.tokens,
                at_least=saved.at_least,
                words=f"{plural(len(groups), 'question')} {are} in several clusters, because "
                f"references or `cluster` differ: {far}resampled as if these had nothing to do "
                "with each other",
                advice="give rows of one question the same `cluster`, and the same reference",
            )
        ]

    def _volatile(self, seen: Seen) -> list[LintFinding]:
        keyed = seen.where(seen.masked > 0)
        groups = _groups(keyed.masked, keyed.sent)
        one, other = self._dearest(groups, keyed, 0, _behind_volatile)
        if one is None or other is None:
            return []
        found = VOLATILE.search(one.text)
        assert found is not None  # that is why it is in the group
        hashes = {int(keyed.masked[rows[0]]) for rows, _ in groups}
        saved = self._anew.with_items(undated(hashes))
        return [
            LintFinding(
                code="volatile_head",
                where=f"items `{one.item_id}` and `{other.item_id}`, question",
                text=one.text[max(0, found.start() - 20) : found.end() + 20],
                token=self._before + self._count(one.text[: found.start()]),
                lost_tokens=saved.tokens,
                at_least=saved.at_least,
                words=f"`{found[0]}` stands before text that other questions have too: nothing "
                f"behind it is shared ({plural(len(groups), 'beginning')} of questions)",
                advice="leave it out, or move it behind the text that questions share",
            )
        ]

    def _shared_head(self, seen: Seen) -> list[LintFinding]:
        long = seen.where(seen.head > 0)
        most = len(np.unique(seen.cluster)) // _MOST_OF_ALL
        groups = [
            (rows, clusters)
            for rows, clusters in _groups(long.head, long.cluster)
            if clusters <= most and long.sent[rows[0]] != long.sent[rows[1]]
        ]
        one, other = self._dearest(groups, long, 0, _alike)
        if one is None or other is None:
            return []
        saved = self._anew.with_items(by_head({int(long.head[rows[0]]) for rows, _ in groups}))
        if saved.tokens < _WORTH_CLUSTERING * max(1, self._anew.computed):
            return []
        head = _alike(one.text, other.text)
        tokens = self._count(head)
        return [
            LintFinding(
                code="shared_head",
                where=f"items `{one.item_id}` and `{other.item_id}`, question",
                text=head[:60],
                token=self._before + tokens,
                lost_tokens=saved.tokens,
                at_least=saved.at_least,
                words=f"these questions share {plural(tokens, 'token')} at their head, and are "
                f"asked far apart, as they are in different clusters ({plural(len(groups), 'head')}"
                " of this kind)",
                advice="give questions that share a head, as a passage is, one `cluster`: they are "
                "asked one after another, and resampled together in every interval",
            )
        ]

    def _dearest(
        self,
        groups: list[tuple[NDArray[np.int64], int]],
        seen: Seen,
        field: int,
        lost: Callable[[str, str], str],
    ) -> tuple[_Shown | None, _Shown | None]:
        """Two texts of the group with the longest loss.

        Args:
            groups: Rows of two texts that differ, and how many different ones there are.
            seen: The texts.
            field: Which texts of an item.
            lost: The part of the second of two texts that is computed anew.

        """
        if not groups:
            return None, None
        looked = groups[:MOST_GROUPS]
        wanted = np.unique(np.concatenate([seen.item[rows] for rows, _ in looked]))
        items = dict(_items(self._rows, wanted))
        most, dearest = -1, (None, None)
        for rows, different in looked:
            pair: list[Any] = [
                _shown(items[int(seen.item[row])], field, int(seen.sent[row])) for row in rows
            ]
            tokens = self._count(lost(pair[0].text, pair[1].text)) * (different - 1)
            if tokens > most:
                most, dearest = tokens, (pair[0], pair[1])
        return dearest


class _Shown(NamedTuple):
    item_id: str
    text: str


def _looked_at(
    field: int, item: int, text: Text, cluster: str
) -> tuple[int, int, int, int, int, int, int]:
    words = words_of(text)
    of_words = hash_of(words), hash_of(meant(words)), masked(words)
    return field, item, *of_words, long_head(words), hash_of(cluster)


def _whole(one: str, other: str) -> str:
    """All that comes behind the first difference."""
    return other[len(_alike(one, other)) :]


def _behind_volatile(one: str, other: str) -> str:
    """What two texts have in common but for what is volatile in their heads."""
    first, second = VOLATILE.search(one), VOLATILE.search(other)
    if first is None or second is None:
        return ""
    return _alike(one[first.end() :], other[second.end() :])


def _alike(one: str, other: str) -> str:
    """The head that two texts have in common."""
    end = min(len(one), len(other))
    return one[: next((at for at in range(end) if one[at] != other[at]), end)]


def _groups(
    alike: NDArray[np.uint64], differ: NDArray[np.uint64]
) -> list[tuple[NDArray[np.int64], int]]:
    """Rows that are alike by one hash and differ by the other: of each group two, and how many."""
    order = np.lexsort((differ, alike))
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (np.diff(alike[order]) != 0) | (np.diff(differ[order]) != 0)
    kept = np.sort(order[is_new])  # the first row of each kind, in the order of the run
    ordered = kept[np.argsort(alike[kept], kind="stable")]
    edges = np.flatnonzero(np.diff(alike[ordered], prepend=alike[ordered][:1] + np.uint64(1)))
    found = [
        (ordered[start : start + 2], end - start)
        for start, end in pairwise([*edges.tolist(), len(ordered)])
        if end - start > 1
    ]
    return sorted(found, key=lambda group: int(group[0][0]))


def _items(rows: Path, wanted: NDArray[np.uint32]) -> list[tuple[int, Item]]:
    numbers = set(wanted.tolist())
    return [
        (base + place, item)
        for base, batch in rows_around(rows, wanted)
        for place, item in enumerate(items_of(batch))
        if base + place in numbers
    ]


def _shown(item: Item, field: int, sent: int) -> _Shown:
    texts = [words_of(text) for of, text in texts_of(item) if of == field]
    return _Shown(item.item_id, next(text for text in texts if hash_of(text) == sent))
