"""Texts of the data that keep prompts from sharing: alike for a person, not for a cache."""

from __future__ import annotations

import json
import re
import unicodedata
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgefast.datasets.rows import items_of, rows_around
from judgefast.reports.plan_report import LintFinding
from judgefast.reports.words import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from judgefast.datasets.items import Item, Text

MOST_TEXTS = 2_000_000
"""That are held against each other: the first ones of the run."""
MOST_GROUPS = 1_000
"""Groups of texts that are looked at one by one; the cost of more is worked out from these."""

VOLATILE = re.compile(
    r"""\b(?:\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?
    |\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?
    |[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}
    |(?=[0-9a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,64}
    |\d{6,20})\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Dates, times of day, UUIDs, hexadecimal digests and long numbers."""
_HEAD_CHARACTERS = 120
"""From the beginning of a text, in which what is volatile is looked for."""
_SHARED_CHARACTERS = 64
"""Behind it, which must be alike, so that something would be shared."""

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

    """

    def __init__(self, rows: Path, count: Callable[[str], int], before: int) -> None:
        self._rows = rows
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
            for field, text in _texts_of(item)
        ]
        self.texts += len(found)
        if found:
            columns = zip(*found, strict=True)
            kinds = (np.uint8, np.uint32, *[np.uint64] * 4)
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
        return [*found, *self._split(questions), *self._volatile(questions)]

    def _nearly_equal(self, field: int, seen: Seen) -> list[LintFinding]:
        groups = _groups(seen.meant, seen.sent)
        cost, (one, other) = self._cost(groups, seen, field, _whole)
        if one is None or other is None:
            return []
        same_blanks = _plain(one.text) == _plain(other.text)
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
        return [
            LintFinding(
                code=code,
                where=f"items `{one.item_id}` and `{other.item_id}`, {name}",
                text=repr(other.text[max(0, len(prefix) - 20) : len(prefix) + 40]),
                token=token,
                lost_tokens=cost,
                words=f"{plural(len(groups), name)} stand in several forms that differ in {differ} "
                "alone: each form is computed anew",
                advice=advice,
            )
        ]

    def _split(self, seen: Seen) -> list[LintFinding]:
        groups = _groups(seen.sent, seen.cluster)
        cost, (one, other) = self._cost(groups, seen, 0, _whole)
        if one is None or other is None:
            return []
        return [
            LintFinding(
                code="split_question",
                where=f"items `{one.item_id}` and `{other.item_id}`, question",
                text=other.text[:60],
                token=self._before,
                lost_tokens=cost,
                words=f"{plural(len(groups), 'question')} are in several clusters, because their "
                "references or `cluster` differ: they are asked far apart, and resampled as if "
                "they had nothing to do with each other",
                advice="give rows of one question the same `cluster`, and the same reference",
            )
        ]

    def _volatile(self, seen: Seen) -> list[LintFinding]:
        keyed = seen.where(seen.masked > 0)
        groups = _groups(keyed.masked, keyed.sent)
        cost, (one, other) = self._cost(groups, keyed, 0, _behind_volatile)
        if one is None or other is None:
            return []
        found = VOLATILE.search(one.text)
        assert found is not None  # that is why it is in the group
        return [
            LintFinding(
                code="volatile_head",
                where=f"items `{one.item_id}` and `{other.item_id}`, question",
                text=one.text[max(0, found.start() - 20) : found.end() + 20],
                token=self._before + self._count(one.text[: found.start()]),
                lost_tokens=cost,
                words=f"`{found[0]}` stands before text that other questions have too: nothing "
                f"behind it is shared ({plural(len(groups), 'beginning')} of questions)",
                advice="leave it out, or move it behind the text that questions share",
            )
        ]

    def _cost(
        self,
        groups: list[tuple[NDArray[np.int64], int]],
        seen: Seen,
        field: int,
        lost: Callable[[str, str], str],
    ) -> tuple[int, tuple[_Shown | None, _Shown | None]]:
        """Tokens that groups of rows of `seen` cost, and two texts of the dearest group.

        Args:
            groups: Rows of two texts that differ, and how many different ones there are.
            seen: The texts.
            field: Which texts of an item.
            lost: The part of the second of two texts that is computed anew.

        """
        if not groups:
            return 0, (None, None)
        looked = groups[:MOST_GROUPS]
        wanted = np.unique(np.concatenate([seen.item[rows] for rows, _ in looked]))
        items = dict(_items(self._rows, wanted))
        cost, dearest = 0, (-1, (None, None))
        for rows, different in looked:
            pair: list[Any] = [
                _shown(items[int(seen.item[row])], field, int(seen.sent[row])) for row in rows
            ]
            tokens = self._count(lost(pair[0].text, pair[1].text)) * (different - 1)
            cost += tokens
            if tokens > dearest[0]:
                dearest = tokens, (pair[0], pair[1])
        return round(cost * len(groups) / len(looked)), dearest[1]


class _Shown(NamedTuple):
    item_id: str
    text: str


def _looked_at(
    field: int, item: int, text: Text, cluster: str
) -> tuple[int, int, int, int, int, int]:
    words = _words_of(text)
    return field, item, _hash(words), _hash(_meant(words)), _masked(words), _hash(cluster)


def _texts_of(item: Item) -> list[tuple[int, Text]]:
    texts = [(0, item.question), (1, item.reference), *((2, one.text) for one in item.answers)]
    return [(field, text) for field, text in texts if text]


def _words_of(text: Text) -> str:
    """A text as it is sent; of a conversation the turns."""
    if isinstance(text, str):
        return text.strip()
    return "\n".join(f"[{turn.role}]\n{turn.content.strip()}" for turn in text)


def _meant(words: str) -> str:
    """What a person reads: any white space is one blank, any Unicode form the composed one."""
    if words.startswith(("{", "[")):
        try:
            return json.dumps(json.loads(words), sort_keys=True)
        except (ValueError, RecursionError):
            pass
    return _plain(words)


def _plain(words: str) -> str:
    return unicodedata.normalize("NFC", " ".join(words.split()))


def _masked(words: str) -> int:
    """Hash of a head in which something volatile stands before enough else; 0 where none does."""
    found = VOLATILE.search(words, 0, _HEAD_CHARACTERS)
    if found is None or len(words) < found.end() + _SHARED_CHARACTERS:
        return 0
    head = words[: found.end() + _SHARED_CHARACTERS]
    return _hash(VOLATILE.sub("\0", head))


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
    texts = [_words_of(text) for of, text in _texts_of(item) if of == field]
    return _Shown(item.item_id, next(text for text in texts if _hash(text) == sent))


def _hash(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1
