"""Rows of a plan become requests, made one by one as the engine has room for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np

from judgefast._native import sampling_seeds
from judgefast.batches.request import Question, Request
from judgefast.batches.sending import in_order
from judgefast.batches.sharing import Sharing
from judgefast.errors import RunDirectoryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from judgefast.batches.columns import PlanColumns
    from judgefast.datasets.items import Item
    from judgefast.prompts.decoding import Decoding
    from judgefast.prompts.segments import Prompt


class Prompts(Protocol):
    """What renders the prompts of a run: `prompts.plan.PromptPlan`."""

    @property
    def decodings(self) -> tuple[Decoding, ...]:
        """The decoding in force, by aspect."""

    @property
    def asked(self) -> tuple[tuple[Question, ...], ...]:
        """By aspect, the typed questions that are asked with it: its own, or those of all."""

    def render(
        self,
        item: Item,
        shown: tuple[int, ...],
        aspect: int = 0,
        *,
        ids_hash: bytes | None = None,
    ) -> Prompt:
        """What one request says to the judge."""


NOT_HASHED = b""
"""`ids_hash` of a prompt that need not be met again."""


class RequestMaker:
    """Makes the requests of a plan."""

    def __init__(  # noqa: PLR0913 - the parts of a run, most by keyword
        self,
        plan: PlanColumns,
        prompts: Prompts,
        *,
        judge: str,
        rendered: bool,
        ids_hash: NDArray[np.uint8] | None = None,
        verify: bool = True,
    ) -> None:
        """Prepare for a plan.

        Args:
            plan: What is asked.
            prompts: How it is said.
            judge: Identity of the judge model.
            rendered: Whether the engine reads prompts; a replay reads coordinates alone.
            ids_hash: Shape (n, 16): hash of each prompt when it was planned, to be met again.
            verify: Whether it is looked at; this start itself has planned it where it is not.

        """
        self._plan = plan
        self._prompts = prompts
        self._judge = judge
        self._rendered = rendered
        self._ids_hash = ids_hash
        self._verify = verify
        self._sharing = Sharing(plan.asked_by)

    def requests(
        self,
        batches: Iterable[tuple[int, Sequence[Item]]],
        rows: NDArray[np.integer],
        attempts: NDArray[np.int32],
    ) -> Iterator[Request]:
        """Make the requests of some rows of the plan. Each knows the prompt of the one behind it.

        Args:
            batches: Items in the order of `rows/`, a batch at a time, each with the number of its
                first; batches in which nothing is asked may be left out. Nothing of a batch is sent
                before anything of an earlier one: `batches.sending.slices`.
            rows: Rows of the plan whose requests are asked, ascending.
            attempts: Attempts at each row of the plan so far. Shape (n,).

        Raises:
            RunDirectoryError: A prompt is not what it was when it was planned.

        """
        made = self._made(batches, rows, attempts)
        return _followed(made) if self._rendered else made

    def _made(
        self,
        batches: Iterable[tuple[int, Sequence[Item]]],
        rows: NDArray[np.integer],
        attempts: NDArray[np.int32],
    ) -> Iterator[Request]:
        item_of = self._plan.items_of(rows)
        for base, items in batches:
            # Edges of another type would cast the whole column, for every batch.
            edges = np.array([base, base + len(items)], item_of.dtype)
            start, end = np.searchsorted(item_of, edges)
            if end > start:
                chosen = in_order(self._plan, rows[start:end])
                yield from self._of_batch(items, base, chosen, attempts)

    def _of_batch(
        self,
        items: Sequence[Item],
        base: int,
        rows: NDArray[np.integer],
        attempts: NDArray[np.int32],
    ) -> Iterator[Request]:
        """Requests of one batch: columns are taken apart once, not cell by cell."""
        plan, prompts, judge = self._plan, self._prompts, self._judge
        first, last = int(rows.min()), int(rows.max()) + 1
        shown_lists = plan.shown_lists(first, last)
        hashes = None if self._ids_hash is None else self._ids_hash[first:last].tobytes()
        keys = plan.key[first:last].tobytes()
        ids = keys if plan.request_id is plan.key else plan.request_id[first:last].tobytes()
        seeds = sampling_seeds(keys)
        answered = self._keys_of(rows)
        cells = zip(
            rows.tolist(),
            (plan.item[rows] - base).tolist(),
            plan.aspect[rows].tolist(),
            plan.repeat[rows].tolist(),
            plan.prefix_group[rows].tolist(),
            (attempts[rows] + 1).tolist(),
            strict=True,
        )
        for row, place, aspect, repeat, group, attempt in cells:
            item = items[place]
            at = row - first
            span = slice(16 * at, 16 * at + 16)
            planned = None if hashes is None else hashes[span]
            yield Request(
                request_id=ids[span],
                keys=(keys[span],) if answered is None else answered[row],
                item_id=item.item_id,
                shown=shown_lists[at],
                repeat=repeat,
                judge=judge,
                questions=prompts.asked[aspect],
                prompt=self._prompt(item, shown_lists[at], aspect, planned)
                if self._rendered
                else None,
                prefix_group=group,
                decoding=prompts.decodings[aspect],
                seed=seeds[at],
                attempt=attempt,
            )

    def _keys_of(self, rows: NDArray[np.integer]) -> dict[int, tuple[bytes, ...]] | None:
        """Keys of all judgments of each request, in plan order; None where each has one."""
        if self._sharing.is_plain:
            return None
        places, judgments = self._sharing.judgments_of(rows)
        keys: dict[int, list[bytes]] = {row: [] for row in rows.tolist()}
        for row, key in zip(rows[places].tolist(), self._plan.key[judgments], strict=True):
            keys[row].append(key.tobytes())
        return {row: tuple(each) for row, each in keys.items()}

    def _prompt(
        self, item: Item, shown: tuple[int, ...], aspect: int, planned: bytes | None
    ) -> Prompt:
        if not self._verify:
            return self._prompts.render(item, shown, aspect, ids_hash=planned or NOT_HASHED)
        prompt = self._prompts.render(item, shown, aspect)
        if planned is not None and prompt.ids_hash != planned:
            msg = f"the prompt of item `{item.item_id}` is not the one that was planned"
            hint = "tokenizer, chat template or texts have changed; judge into another directory"
            raise RunDirectoryError(msg, hint=hint)
        return prompt


def _followed(requests: Iterator[Request]) -> Iterator[Request]:
    """Tell each request what is sent after it: one is made ahead."""
    last = next(requests, None)
    for request in requests:
        assert last is not None  # there was one before it
        ids = None if request.prompt is None else request.prompt.token_ids
        yield last if ids is None else msgspec.structs.replace(last, next_ids=ids)
        last = request
    if last is not None:
        yield last
