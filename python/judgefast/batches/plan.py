"""Which judgments a run consists of, and what each is called; keys are as in `docs/keys.md`."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from judgefast import _native
from judgefast.batches.columns import PlanColumns
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

Mode = Literal["pairwise", "scalar", "binary", "choice"]
Orders = Literal["both", "one"]

MAX_REPEATS = 65535
"""`repeat` is a uint16."""

MAX_SEED = (1 << 64) - 1

MAX_SAMPLING_SEED = (1 << 63) - 1

_SAMPLING = b"judgefast sampling 1\0"


class ItemHashes(NamedTuple):
    """What a plan needs to know of a batch of items: their names and hashes, no text.

    A column of hashes is its bytes, shape (bytes,), and its offsets, shape (rows + 1,).
    """

    item_ids: list[str]
    question_sha256: tuple[NDArray[np.uint8], NDArray[np.int64]]
    reference_sha256: tuple[NDArray[np.uint8], NDArray[np.int64]]
    answer_sha256: tuple[NDArray[np.uint8], NDArray[np.int64]]
    answer_offsets: NDArray[np.int64]
    """Shape (items + 1,): the answers of item k are rows `[k]` to `[k + 1]` of `answer_sha256`."""
    baseline: NDArray[np.int64]
    """Shape (items,): index of the baseline's answer, -1 for none. Empty where none is named."""
    base: int
    """Number of the first item in the run."""


def plan_requests(  # noqa: PLR0913 - the settings of a run, named by keyword
    items: pa.RecordBatch,
    *,
    mode: Mode,
    orders: Orders,
    repeats: int,
    seed: int,
    judge: str,
    prompt_hash: str | Sequence[str],
    aspects: Sequence[str],
    pairs: str = "all",
    baseline: str | None = None,
    together: bool = False,
    base: int = 0,
) -> PlanColumns:
    """Plan the judgments of a batch of items.

    In the order of the items; within an item by answers, then aspect, then repeat, then order:
    pairwise the pairs `i < j` of the design, scalar and binary every answer, choice all answers at
    once.

    Args:
        items: Rows in run order, columns `item_id`, `question_sha256`, `reference_sha256` and
            `answers` of `datasets.rows`; others are not looked at.
        mode: What is asked.
        orders: `both`, or `one` of the two, by a hash of seed and item that shows about half of
            the items swapped. Answers shown alone have one order.
        repeats: How often each judgment is asked, 1 to 65535.
        seed: Of the orientation, 0 to 2^64 - 1.
        judge: Identity of the judge model, part of every key.
        prompt_hash: Identity of the trusted part of the prompt, 64 hex digits, part of every key;
            one for all aspects, or one for each. `prefix_group` is over that of the first.
        aspects: Names of the rubric's aspects, at least one.
        pairs: `all`, `baseline` or `sparse:K`, as in `docs/outcomes.md`. For mode `pairwise`.
        baseline: Model whose answer is in each pair, for the pairs `baseline`: the first answer of
            that model; an item without one has no pairs.
        together: Whether the request of the first aspect answers the others, too.
        base: Number of the batch's first item in the run.

    Raises:
        ConfigError: `repeats`, `seed` or `aspects` is out of its range, or the pairs are those with
            a baseline and none is named.
        ColumnError: An item has too few answers for the mode; the message names its row.
        RubricError: No mode of that name.

    """
    if not 1 <= repeats <= MAX_REPEATS:
        msg = f"`repeats` is {repeats}; it must be from 1 to {MAX_REPEATS}"
        raise ConfigError(msg)
    if not 0 <= seed <= MAX_SEED:
        msg = f"`seed` is {seed}; it must be from 0 to 2^64 - 1"
        raise ConfigError(msg)
    if not aspects or len(set(aspects)) < len(aspects):
        msg = f"`aspects` is {list(aspects)}; it must name at least one aspect, and none twice"
        raise ConfigError(msg)
    hashes = [prompt_hash] * len(aspects) if isinstance(prompt_hash, str) else list(prompt_hash)
    if len(hashes) != len(aspects):
        msg = f"`prompt_hash` has {len(hashes)} hashes; there are {len(aspects)} aspects"
        raise ConfigError(msg)
    if pairs == "baseline" and baseline is None:
        msg = "`pairs` is baseline, but no baseline is named"
        raise ConfigError(msg, hint="add --baseline MODEL, with whose answers others are compared")
    item, first, second, shown, offsets, swapped, repeat, aspect, key, group = (
        _native.plan_requests(
            item_hashes(items, base, baseline if pairs == "baseline" else None),
            mode=mode,
            orders=orders,
            pairs=pairs,
            repeats=repeats,
            seed=seed,
            judge=judge,
            prompt_hashes=hashes,
            aspects=list(aspects),
        )
    )
    keys = key.reshape(-1, 16)
    columns = PlanColumns(
        item=item,
        first=first,
        second=second,
        shown=shown,
        shown_offsets=offsets,
        swapped=swapped,
        repeat=repeat,
        aspect=aspect,
        request_id=keys,
        key=keys,
        prefix_group=group,
    )
    return _asked_together(columns) if together and len(aspects) > 1 else columns


def _asked_together(columns: PlanColumns) -> PlanColumns:
    """Let each choice of answers be asked about all its aspects by the row of the first.

    The rows of its aspects stand one after the other, as many of each.
    """
    others = np.flatnonzero(columns.aspect)
    rows_of_one = int(others[0]) if len(others) else 0
    rows = np.arange(len(columns.item), dtype=np.int64)
    asked_by = (rows - rows_of_one * columns.aspect.astype(np.int64)).astype(np.uint32)
    return columns._replace(asked_by=asked_by, request_id=columns.key[asked_by])


def sampling_seed(key: bytes) -> int:
    """Seed of the engine's sampling for one request: 63 bits, from its key alone.

    >>> sampling_seed(bytes(16))
    4784011657166072039
    """
    digest = sha256(_SAMPLING + len(key).to_bytes(8, "little") + key).digest()
    return int.from_bytes(digest[:8], "little") & MAX_SAMPLING_SEED


def item_hashes(items: pa.RecordBatch, base: int, baseline: str | None = None) -> ItemHashes:
    """Take out of a batch of rows what a plan needs; `baseline` is the model to look for."""
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy, and needed by the planner alone

    answers = items.column("answers")
    lengths = pc.fill_null(pc.list_value_length(answers), 0).to_numpy(zero_copy_only=False)
    return ItemHashes(
        item_ids=items.column("item_id").to_pylist(),
        question_sha256=_bytes_of(items.column("question_sha256")),
        reference_sha256=_bytes_of(items.column("reference_sha256")),
        answer_sha256=_bytes_of(answers.flatten().field("sha256")),
        answer_offsets=_offsets(lengths),
        baseline=np.empty(0, np.int64)
        if baseline is None
        else _first_of(answers.flatten().field("model"), lengths, baseline),
        base=base,
    )


def _first_of(models: pa.Array, lengths: NDArray[np.int64], baseline: str) -> NDArray[np.int64]:
    """Index of each item's first answer of a model; -1 where it has none."""
    found = np.full(len(lengths), -1, np.int64)
    is_it = [model == baseline for model in models.to_pylist()]
    rows, starts = np.repeat(np.arange(len(lengths)), lengths), _offsets(lengths)
    for place in reversed(np.flatnonzero(is_it).tolist()):
        found[rows[place]] = place - starts[rows[place]]
    return found


def _bytes_of(column: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Bytes and offsets of a binary column; nulls become empty."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and needed by the planner alone
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy, and needed by the planner alone

    filled = pc.fill_null(column.cast(pa.large_binary()), b"")
    _, ends, joined = filled.buffers()
    if ends is None or joined is None:
        return np.empty(0, np.uint8), np.zeros(len(filled) + 1, np.int64)
    offsets = np.frombuffer(ends, np.int64)[filled.offset : filled.offset + len(filled) + 1]
    return np.frombuffer(joined, np.uint8)[offsets[0] : offsets[-1]], offsets - offsets[0]


def _offsets(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where rows of these lengths start when they are joined, and where the last one ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
