"""Rows -> items, one chunk at a time, every row accounted for."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from judgefast.datasets.builder import Built, ItemBuilder
from judgefast.datasets.conversations import mend_surrogates
from judgefast.datasets.faults import Reason, RowFault, closest, listed, map_hint, visible
from judgefast.datasets.files import FileSource
from judgefast.datasets.identity import IDENTITY_MODULUS, item_hash
from judgefast.datasets.layouts import WITHOUT_TEXTS, recognise, unrecognised
from judgefast.datasets.options import ReadOptions
from judgefast.datasets.seen import SeenIds
from judgefast.datasets.sources import find_sources
from judgefast.datasets.summary import FileRead, ReadSummary
from judgefast.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.datasets.items import Item, Text
    from judgefast.datasets.sources import Source

CHUNK_ITEMS = 1024
CHUNK_CHARACTERS = 8 * 2**20
"""A chunk ends at this many items, or after this much text."""


class Chunk(NamedTuple):
    """Items that were checked together."""

    items: list[Item]
    hashes: bytes
    """16 bytes for each item, in order."""


def read_items(data: Any, options: ReadOptions | None = None) -> ItemReader:  # noqa: ANN401 - rows of any kind
    """Read rows as items.

    Args:
        data: A path, glob, folder of Parquet or `-` (stdin), or a list of them; an iterable of
            dicts; or any object with `__arrow_c_stream__` (pandas, polars, pyarrow, DuckDB).
        options: How to read them.

    Returns:
        An iterable of items in the order of the data, that streams; to be used once. Its
        `summary` is complete when it is exhausted.

    Raises:
        DataError: Nothing is there to read. Bad rows raise it while items are taken.

    Examples:
        >>> reader = read_items([{"id": 1, "question": "2 + 2?", "answer": "4", "model": "m"}])
        >>> [item.item_id for item in reader], reader.summary.rows
        (['1'], 1)

    """
    return ItemReader(find_sources(data), options or ReadOptions())


class ItemReader:
    """A data set being read. Iterate once."""

    def __init__(self, sources: list[Source], options: ReadOptions) -> None:
        self.summary = ReadSummary()
        self._sources = sources
        self._options = options
        self._builder: ItemBuilder | None = None
        self._seen = SeenIds()
        self._bases: list[int] = []
        self._next_base = 0
        self._repeats: dict[str, int] = {}
        self._first_place = ""
        self._field_names: dict[str, None] = {}
        self._identity = 0
        self._pending: list[tuple[Built, int]] = []
        self._started = False

    @property
    def expected_bytes(self) -> int | None:
        """Of all files together, those that are packed counted as what they may hold; or None."""
        sizes = [
            source.expected_bytes for source in self._sources if isinstance(source, FileSource)
        ]
        return sum(sizes) if len(sizes) == len(self._sources) else None

    def __iter__(self) -> Iterator[Item]:
        """Items in the order of the data."""
        for chunk in self.chunks():
            yield from chunk.items

    def chunks(self) -> Iterator[Chunk]:
        """Items in chunks of about a thousand, each with its item hash.

        Raises:
            DataError: A row cannot be used and `on_bad_row` is `error`; a file cannot be read or
                changes meanwhile; no item is left.

        """
        if self._started:
            message = "these rows were read already"
            raise DataError(message, hint="call read_items again")
        self._started = True
        for source in self._sources:
            yield from self._chunks_of(source)
        self._finish()

    def _chunks_of(self, source: Source) -> Iterator[Chunk]:
        base = self._next_base
        self._bases.append(base)
        summary, number, characters = self.summary, 0, 0
        for number, row in source.rows(self._options.max_row_bytes):
            summary.rows += 1
            try:
                built = self._build(row, base + number)
            except RowFault as fault:
                self._refuse(fault, base + number)
                continue
            self._pending.append((built, base + number))
            characters += _characters(built.item)
            if len(self._pending) >= CHUNK_ITEMS or characters >= CHUNK_CHARACTERS:
                yield self._flush()
                characters = 0
        if self._pending:
            yield self._flush()
        if number == 0 and not source.may_be_empty:
            message = f"`{source.name}` holds no rows"
            raise DataError(message, hint="check the file, or leave it out")
        self._next_base = base + number + 1
        size = source.path.stat().st_size if isinstance(source, FileSource) else None
        summary.files.append(FileRead(source.name, size))

    def _build(self, row: dict[str, Any] | RowFault, position: int) -> Built:
        if isinstance(row, RowFault):
            raise row
        builder = self._builder or self._recognise(row)
        ordinal = self.summary.rows - 1
        try:
            built = builder.build(row, ordinal)
        except UnicodeEncodeError:
            mended, count = mend_surrogates(row)
            self.summary.replaced_surrogates += count
            built = builder.build(mended, ordinal)
        except RecursionError:
            raise RowFault(Reason.BAD_VALUE, "nested too deeply") from None
        mode = "single" if len(built.item.answers) == 1 else "several"
        if mode != self.summary.mode:
            if self.summary.mode:
                many = len(built.item.answers)
                words = (
                    f"the row has {many} answer{'s' * (many > 1)}, "
                    f"{self._first_place} has {'one' if mode == 'several' else 'several'}"
                )
                hint = "judge single answers and pairs in runs of their own"
                raise RowFault(Reason.MIXED_MODES, words, hint=hint)
            self.summary.mode = "single" if mode == "single" else "several"
            self._first_place = self._place(position)
        return built

    def _recognise(self, row: dict[str, Any]) -> ItemBuilder:
        """Fix the layout by the first row that has one."""
        layout = recognise([*row, *self._options.map])
        if layout is None:
            if self._options.texts_required:
                raise unrecognised(row)
            layout = WITHOUT_TEXTS
        builder = ItemBuilder(layout, self._options, self.summary, row)
        self.summary.layout = layout.name
        self.summary.mapping = builder.fields.present_names(row)
        self._field_names = dict.fromkeys(row)
        self._builder = builder
        return builder

    def _flush(self) -> Chunk:
        """Check ids of what is pending, and hand it out."""
        pending, self._pending = self._pending, []
        earlier = self._seen.add(
            [built.item.item_id for built, _ in pending], [position for _, position in pending]
        )
        items, hashes = [], []
        for (built, position), before in zip(pending, earlier, strict=True):
            item, digest = built.item, built.item_hash
            if before is not None:
                if built.has_id:
                    words = f"`{visible(item.item_id)}` is also the id of {self._place(before)}"
                    hint = "give each row an id of its own, or say --map id= to go by the whole row"
                    self._refuse(
                        RowFault(Reason.DUPLICATE_ID, words, field="id", hint=hint), position
                    )
                    continue
                item = self._numbered(item, position)
                digest = item_hash(item)
            items.append(item)
            hashes.append(digest)
            self._identity += int.from_bytes(digest, "little")
        self.summary.items += len(items)
        return Chunk(items, b"".join(hashes))

    def _numbered(self, item: Item, position: int) -> Item:
        """Give an identical row without id an id of its own: `#2`, `#3`, ..."""
        self.summary.identical_rows += 1
        repeat = self._repeats.get(item.item_id, 1)
        while True:
            repeat += 1
            item_id = f"{item.item_id}#{repeat}"
            if self._seen.add([item_id], [position]) == [None]:
                break
        self._repeats[item.item_id] = repeat
        cluster = item_id if item.cluster == item.item_id else item.cluster
        return msgspec.structs.replace(item, item_id=item_id, cluster=cluster)

    def _refuse(self, fault: RowFault, position: int) -> None:
        message = fault.at(self._place(position))
        if self._options.on_bad_row == "skip" or (
            fault.reason is Reason.EMPTY_ANSWER and self._options.on_empty == "skip"
        ):
            self.summary.skip(fault.reason.value, message)
            return
        raise DataError(message, hint=fault.hint) from None

    def _place(self, position: int) -> str:
        """File and line of a position: positions go on through all sources."""
        which = bisect_right(self._bases, position) - 1
        source = self._sources[which]
        return f"`{source.name}`, {source.unit} {position - self._bases[which]}"

    def _finish(self) -> None:
        summary = self.summary
        summary.identity = f"{self._identity % IDENTITY_MODULUS:032x}"
        if not self._options.is_whole:
            return
        if not summary.items:
            counts = ", ".join(f"{count} {reason}" for reason, count in summary.skipped.items())
            names = ", ".join(f"`{source.name}`" for source in self._sources[:3])
            message = f"{names}: no row is left to judge; skipped: {counts or 'none'}"
            examples = [words for kept in summary.examples.values() for words in kept]
            raise DataError(message, hint=examples[0] if examples else None)
        if self._builder is not None and self._builder.fields.unused_maps:
            field = min(self._builder.fields.unused_maps)
            name = self._options.map[field]
            near = closest(name, self._field_names)
            message = f"map: `{visible(name)}` (for `{field}`) is a field that no row has"
            fields = f"the first row has {listed(self._field_names)}"
            hint = map_hint(field, near) if near else fields
            raise DataError(message, hint=hint)


def _characters(item: Item) -> int:
    count = _length(item.question) + _length(item.reference)
    for answer in item.answers:
        count += _length(answer.text)
    return count


def _length(text: Text | None) -> int:
    if text is None or isinstance(text, str):
        return len(text or "")
    return sum(len(turn.content) for turn in text)
