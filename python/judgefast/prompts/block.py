"""The prompts of a block of rows as numbers of their segments: no prompt is put together.

Every text of the block is cut and encoded once. What comes after is arithmetic on columns: a prompt
is a row of cells, its layout says which trusted part or which text of the item stands in each, and
a text may be several segments (the turns of a conversation), one, or none (it is blank, or not
there).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from judgefast.prompts.pieces import Piece, count_ids, hash_of_frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from judgefast.datasets.items import Item, Text
    from judgefast.prompts.pieces import Cut
    from judgefast.prompts.template import Slot

SLOTS = ("", "question", "reference", "answer")
"""What a segment is a part of, by code: the rubric or the chat template, or a text of the item. The
answer at place k (`answer_1` is 0) has the code of `answer` plus k."""

_ANSWER = SLOTS.index("answer")


class Asked(Protocol):
    """What is asked in a block of rows: `batches.columns.PlanColumns`. All of length n but two."""

    @property
    def item(self) -> NDArray[np.uint32]:
        """Number of the item in the run."""

    @property
    def aspect(self) -> NDArray[np.uint16]:
        """Index into the rubric's aspects."""

    @property
    def shown(self) -> NDArray[np.uint16]:
        """Indices of the answers shown, the rows joined."""

    @property
    def shown_offsets(self) -> NDArray[np.int64]:
        """Shape (n + 1,): row k shows `shown[shown_offsets[k]:shown_offsets[k + 1]]`."""


class Wording(Protocol):
    """How the prompts of a run are worded: `prompts.plan.PromptPlan`."""

    def parts_of(self, aspect: int, *, with_reference: bool) -> Sequence[Piece | Slot]:
        """Trusted parts and slots of a prompt; each answer has a slot of its own."""

    def shows_reference(self, item: Item) -> bool:
        """Whether the reference of an item is shown."""

    def most_tokens(self, aspect: int, *, with_reference: bool) -> int | None:
        """Tokens above which the answers of a prompt are shortened; None where they are not."""

    def cuts_of(self, item: Item, shown: tuple[int, ...]) -> Mapping[int, Cut]:
        """What is shown of the answers of a comparison, by index; empty where it is all of them."""

    def pieces_of(self, text: Text | None, slot: str, sha256: bytes) -> Sequence[Piece]:
        """Pieces of a text of an item."""

    def pieces_of_answer(self, item: Item, index: int) -> Sequence[Piece]:
        """Pieces of an answer of an item."""


class Segments(NamedTuple):
    """A set of n prompts. Numbers of segments are local to it."""

    segments: NDArray[np.uint32]
    """Numbers of each prompt's segments, the prompts joined; 0 to distinct - 1, in the order in
    which they first appear."""
    segment_offsets: NDArray[np.int64]
    """Shape (n + 1,): prompt k is `segments[segment_offsets[k]:segment_offsets[k + 1]]`."""
    ids: NDArray[np.int32]
    """Token ids of the distinct segments, joined; empty where the tokenizer is unknown."""
    id_offsets: NDArray[np.int64]
    """Shape (distinct + 1,): where the ids of each segment start; all 0 without a tokenizer."""


class PromptBlock(NamedTuple):
    """The prompts of a block of rows."""

    segments: Segments
    slots: NDArray[np.uint16]
    """What each of `segments.segments` is a part of, as codes of `SLOTS`."""
    frames: tuple[bytes, ...]
    """What each distinct segment adds to the hash of its prompt; empty where there are ids."""
    replaced_characters: int
    """Characters sent as U+FFFD, summed over all prompts."""
    stripped_characters: int
    """White space taken off the ends of texts, summed over all prompts."""
    left_out: NDArray[np.int32] | None = None
    """Tokens of answers that each prompt does not show; None where answers are never shortened."""

    def frame_hashes(self) -> NDArray[np.uint8]:
        """Hashes of prompts without ids. Shape (n, 16)."""
        numbers, ends = self.segments.segments.tolist(), self.segments.segment_offsets.tolist()
        frames = [self.frames[number] for number in numbers]
        found = [hash_of_frames(frames[start:end]) for start, end in pairwise(ends)]
        return np.frombuffer(b"".join(found), np.uint8).reshape(-1, 16)


def block_of(wording: Wording, items: Sequence[Item], asked: Asked, base: int) -> PromptBlock:
    """Put the prompts of a block of rows into segments.

    Args:
        wording: How they are worded.
        items: The items that the rows are about.
        asked: The rows; each shows as many answers as the rubric wants.
        base: Number of the first of `items`.

    Raises:
        DataError: A text that is to be shown is missing; the message names item and answer.
        ModelError: A text cannot be sealed.

    """
    at = asked.item.astype(np.int64) - base
    referenced = np.zeros(len(items), np.int64)
    used = np.unique(at).tolist()
    referenced[used] = [wording.shows_reference(items[number]) for number in used]
    kinds = 2 * asked.aspect.astype(np.int64) + referenced[at]
    layouts = {
        kind: wording.parts_of(kind >> 1, with_reference=bool(kind & 1))
        for kind in np.unique(kinds).tolist()
    }
    texts = _Texts(wording, items)
    width = max(map(len, layouts.values()), default=0)
    cells, slots = np.zeros((len(at), width), np.int64), np.zeros((len(at), width), np.uint16)
    for kind, parts in layouts.items():
        rows = np.flatnonzero(kinds == kind)
        for column, part in enumerate(parts):
            if isinstance(part, Piece):
                cells[rows, column] = texts.ours(part)
                continue
            slots[rows, column] = code = _code_of(part)
            if code < _ANSWER:
                cells[rows, column] = texts.of_items(part.name, at[rows])
            else:
                shown = asked.shown[asked.shown_offsets[rows] + (code - _ANSWER)]
                cells[rows, column] = texts.of_answers(at[rows], shown)
    left_out = None
    if wording.most_tokens(0, with_reference=False) is not None:
        most = [wording.most_tokens(kind >> 1, with_reference=bool(kind & 1)) for kind in layouts]
        limits = np.array(most, np.int64)[np.searchsorted(list(layouts), kinds)]
        left_out = np.zeros(len(at), np.int32)
        for row in np.flatnonzero(texts.tokens(cells) > limits).tolist():
            start, end = asked.shown_offsets[row : row + 2].tolist()
            answers = tuple(asked.shown[start:end].tolist())
            cuts = wording.cuts_of(items[int(at[row])], answers)
            for column in np.flatnonzero(slots[row] >= _ANSWER).tolist() if cuts else ():
                index = answers[int(slots[row, column]) - _ANSWER]
                cells[row, column] = texts.of_cut(int(at[row]), index, cuts[index])
                left_out[row] += cuts[index].left_out
    return texts.block(cells, slots)._replace(left_out=left_out)


def _code_of(slot: Slot) -> int:
    """Code of a slot in `SLOTS`."""
    return SLOTS.index(slot.name.partition("_")[0]) + slot.place


class _Texts:
    """The texts of a block, each cut into segments once, and numbered; text 0 is empty."""

    def __init__(self, wording: Wording, items: Sequence[Item]) -> None:
        self._wording = wording
        self._items = items
        counts = [len(item.answers) for item in items]
        self._first_answer = np.cumsum([0, *counts], dtype=np.int64)
        self._text_of: dict[str, NDArray[np.int64]] = {"answer": np.full(sum(counts), -1, np.int64)}
        """Number of the text of each item, by slot, and of each answer of all items, joined; -1
        until it is met."""
        self._ours: dict[int, int] = {}
        """Number of each trusted part, by the `id` of what the layout holds."""
        self._segment: dict[bytes, int] = {}
        """Number of each segment, by its ids; by its frame where the tokenizer is unknown."""
        self._has_ids = True
        self._segments: list[int] = []
        """Of all texts, joined."""
        self._ends = [0, 0]
        self._cut: dict[tuple[int, int, int], int] = {}
        """Number of what is shown of an answer: its item, its index, the tokens given."""
        self._tokens = [0]
        self._replaced = [0]
        self._stripped = [0]

    def ours(self, part: Piece) -> int:
        """Text of a trusted part."""
        if id(part) not in self._ours:
            self._ours[id(part)] = self._add([part])
        return self._ours[id(part)]

    def of_items(self, slot: str, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Text of each item in one of its slots."""
        of = self._text_of.setdefault(slot, np.full(len(self._items), -1, np.int64))
        for number in _unmet(of, items):
            item = self._items[number]
            text, digest = getattr(item, slot), getattr(item, f"{slot}_sha256")
            of[number] = self._add(self._wording.pieces_of(text, slot, digest))
        return of[items]

    def of_answers(self, items: NDArray[np.int64], shown: NDArray[np.uint16]) -> NDArray[np.int64]:
        """Text of each answer shown."""
        of = self._text_of["answer"]
        answers = self._first_answer[items] + shown
        unmet = _unmet(of, answers)
        places = np.searchsorted(self._first_answer, unmet, side="right") - 1
        indices = unmet - self._first_answer[places]
        for number, place, index in zip(unmet, places.tolist(), indices.tolist(), strict=True):
            of[number] = self._add(self._wording.pieces_of_answer(self._items[place], index))
        found: NDArray[np.int64] = of[answers]
        return found

    def of_cut(self, item: int, index: int, cut: Cut) -> int:
        """Text of what is shown of an answer."""
        key = (item, index, cut.given)
        if key not in self._cut:
            self._cut[key] = self._add(cut.pieces)
        return self._cut[key]

    def tokens(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tokens of each row of a table of texts."""
        found: NDArray[np.int64] = np.array(self._tokens)[cells].sum(axis=1)
        return found

    def _add(self, pieces: Sequence[Piece]) -> int:
        replaced = stripped = 0
        for piece in pieces:
            replaced += piece.replaced
            stripped += piece.stripped
            if piece.ids is None:
                self._has_ids = False
            content = piece.framed() if piece.ids is None else piece.ids.tobytes()
            if content:
                number = self._segment.setdefault(content, len(self._segment))
                self._segments.append(number)
        self._ends.append(len(self._segments))
        self._tokens.append(count_ids(pieces))
        self._replaced.append(replaced)
        self._stripped.append(stripped)
        return len(self._replaced) - 1

    def block(self, cells: NDArray[np.int64], slots: NDArray[np.uint16]) -> PromptBlock:
        """Prompts of which row and column of a table say the number of each text, and its slot."""
        flat = cells.ravel()
        ends = np.array(self._ends)
        lengths = np.diff(ends)[flat]
        total = int(lengths.sum())
        # Where the segments of each cell stand, less how many segments of cells are before them.
        starts = ends[flat] - (np.cumsum(lengths) - lengths)
        met = np.array(self._segments, np.int64)[np.repeat(starts, lengths) + np.arange(total)]
        contents, numbers = self._by_appearance(met)
        sizes = lengths.reshape(cells.shape).sum(axis=1)
        ids = np.frombuffer(b"".join(contents) if self._has_ids else b"", np.int32)
        lengths_of = [len(content) // 4 if self._has_ids else 0 for content in contents]
        return PromptBlock(
            Segments(
                numbers,
                np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]),
                ids,
                np.cumsum([0, *lengths_of], dtype=np.int64),
            ),
            np.repeat(slots.ravel(), lengths),
            () if self._has_ids else contents,
            int(np.array(self._replaced)[flat].sum()),
            int(np.array(self._stripped)[flat].sum()),
        )

    def _by_appearance(
        self, numbers: NDArray[np.int64]
    ) -> tuple[tuple[bytes, ...], NDArray[np.uint32]]:
        """Contents of the segments that appear, in the order in which they do, and new numbers."""
        first = np.full(len(self._segment), len(numbers), np.int64)
        np.minimum.at(first, numbers, np.arange(len(numbers)))
        order = np.argsort(first)[: np.count_nonzero(first < len(numbers))]
        number_of = np.zeros(len(first), np.uint32)
        number_of[order] = np.arange(len(order), dtype=np.uint32)
        contents = tuple(self._segment)
        return tuple([contents[old] for old in order.tolist()]), number_of[numbers]


def _unmet(text_of: NDArray[np.int64], wanted: NDArray[np.int64]) -> list[int]:
    """Those of `wanted` that have no text yet, in the order in which they are met first."""
    unmet, first = np.unique(wanted[text_of[wanted] < 0], return_index=True)
    return list(unmet[np.argsort(first)].tolist())
