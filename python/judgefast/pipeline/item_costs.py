"""What each item of a plan may cost: how a budget knows what still fits into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from judgefast.batches.sending import in_order
from judgefast.engines.budgeted import Cost, Known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.batches.request import Request
    from judgefast.pipeline.plan import RunPlan
    from judgefast.prompts.decoding import Decoding
    from judgefast.verdicts.table import VerdictTable


class ItemCosts:
    """The requests that a start asks, summed up by item."""

    def __init__(
        self,
        plan: RunPlan,
        rows: NDArray[np.uint32],
        table: VerdictTable,
        decodings: Sequence[Decoding],
        usd: NDArray[np.float64] | None = None,
    ) -> None:
        """Sum up.

        Args:
            plan: What is asked.
            rows: Rows of the plan whose requests this start asks, ascending; at least one.
            table: Its journal, which knows what earlier starts have asked.
            decodings: By aspect.
            usd: The most that the request of each of `rows` may cost, where that is known.

        """
        columns, answers = plan.columns, table.answers
        most = np.array([one.most_tokens for one in decodings], np.int64)
        tokens = plan.rendered.prompt_tokens
        self._answers = answers
        self._item = columns.item
        self._answer = most[columns.aspect] if len(set(most.tolist())) > 1 else most[:1]
        self._aspects_differ = len(self._answer) > 1
        self._prompt = tokens
        item = columns.items_of(rows)
        starts = np.flatnonzero(np.append(True, item[1:] != item[:-1]))
        self._items = item[starts]
        self._requests = np.diff(np.append(starts, len(rows)))
        answer = self._answer[rows] if self._aspects_differ else self._answer[0]
        each = answer + (np.int64(0) if tokens is None else tokens[rows].astype(np.int64))
        self._tokens = np.add.reduceat(np.broadcast_to(each, rows.shape), starts)
        places, judgments = answers.sharing.judgments_of(rows)
        new = np.zeros(len(rows), np.int64)
        np.add.at(new, places[~answers.sharing.spread(answers.attempts > 0)[judgments]], 1)
        self._judgments = np.add.reduceat(new, starts)
        self._rows, self._new = rows, new
        self._usd = np.broadcast_to(np.float64(0), rows.shape) if usd is None else usd
        self._item_usd = np.add.reduceat(self._usd, starts)
        self._first = int(columns.item[in_order(columns, rows)[0]])

    def of(self, requests: Sequence[Request]) -> list[Known]:
        """See `engines.budgeted.Costs`."""
        if not requests:
            return []
        ids = pa.array([request.request_id for request in requests], pa.binary(16))
        rows = self._answers.rows(ids)
        places = np.searchsorted(self._rows, rows.astype(self._rows.dtype))
        return [
            Known(
                item=int(self._item[row]),
                prompt=0 if self._prompt is None else int(self._prompt[row]),
                answer=int(self._answer[row if self._aspects_differ else 0]),
                judgments=int(self._new[place]),
                usd=float(self._usd[place]),
            )
            for row, place in zip(rows.tolist(), places.tolist(), strict=True)
        ]

    def of_item(self, item: int) -> Cost:
        """See `engines.budgeted.Costs`."""
        at = int(np.searchsorted(self._items, self._items.dtype.type(item)))
        assert self._items[at] == item
        return Cost(
            int(self._requests[at]),
            int(self._judgments[at]),
            int(self._tokens[at]),
            float(self._item_usd[at]),
        )

    @property
    def most_usd(self) -> float:
        """Of the item that may cost most."""
        return float(self._item_usd.max())

    @property
    def first(self) -> Cost:
        """What the item costs that is asked first."""
        return self.of_item(self._first)
