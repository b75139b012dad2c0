"""Rows of a plan become requests, made one by one as the engine has room for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from judgefast.batches.plan import sampling_seed
from judgefast.batches.request import Question, Request
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
    def decoding(self) -> Decoding:
        """The decoding in force."""

    @property
    def questions(self) -> tuple[Question, ...]:
        """The rubric's typed questions, one an aspect."""

    def render(self, item: Item, shown: tuple[int, ...]) -> Prompt:
        """What one request says to the judge."""


class RequestMaker:
    """Makes the requests of a plan."""

    def __init__(
        self,
        plan: PlanColumns,
        prompts: Prompts,
        *,
        judge: str,
        rendered: bool,
        ids_hash: NDArray[np.uint8] | None = None,
    ) -> None:
        """Prepare for a plan.

        Args:
            plan: What is asked.
            prompts: How it is said.
            judge: Identity of the judge model.
            rendered: Whether the engine reads prompts; a replay reads coordinates alone.
            ids_hash: Shape (n, 16): hash of each prompt when it was planned, to be met again.

        """
        self._plan = plan
        self._prompts = prompts
        self._judge = judge
        self._rendered = rendered
        self._ids_hash = ids_hash

    def requests(
        self,
        batches: Iterable[Sequence[Item]],
        rows: NDArray[np.int64],
        attempts: NDArray[np.int32],
    ) -> Iterator[Request]:
        """Make the requests of some rows of the plan.

        Args:
            batches: All items, in the order of `rows/`, a batch at a time.
            rows: Rows of the plan to ask, ascending.
            attempts: Attempts at each row of the plan so far. Shape (n,).

        Raises:
            RunDirectoryError: A prompt is not what it was when it was planned.

        """
        item_of = self._plan.item[rows]
        base = 0
        for items in batches:
            start, end = np.searchsorted(item_of, [base, base + len(items)])
            for row in rows[start:end].tolist():
                item = items[int(self._plan.item[row]) - base]
                yield self._request(row, item, int(attempts[row]) + 1)
            base += len(items)

    def _request(self, row: int, item: Item, attempt: int) -> Request:
        plan = self._plan
        shown = plan.shown_in(row)
        prompt = self._prompts.render(item, shown) if self._rendered else None
        if prompt is not None and self._ids_hash is not None:
            self._check(row, item, prompt.ids_hash)
        key = plan.key[row].tobytes()
        question = self._prompts.questions[int(plan.aspect[row])]
        return Request(
            request_id=plan.request_id[row].tobytes(),
            keys=(key,),
            item_id=item.item_id,
            shown=shown,
            repeat=int(plan.repeat[row]),
            judge=self._judge,
            questions=(question,),
            prompt=prompt,
            prefix_group=int(plan.prefix_group[row]),
            decoding=self._prompts.decoding,
            seed=sampling_seed(key),
            attempt=attempt,
        )

    def _check(self, row: int, item: Item, ids_hash: bytes) -> None:
        planned: Any = self._ids_hash
        if planned[row].tobytes() != ids_hash:
            msg = f"the prompt of item `{item.item_id}` is not the one that was planned"
            hint = "tokenizer, chat template or texts have changed; judge into another directory"
            raise RunDirectoryError(msg, hint=hint)
