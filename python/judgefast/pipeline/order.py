"""In which order a run sends its requests: as it was planned, and as the journal has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from judgefast._native import RequestIndex
from judgefast.batches.columns import NONE
from judgefast.batches.digest import NEVER, FirstSent, order_digest, order_sent
from judgefast.batches.sending import in_order
from judgefast.batches.sharing import Sharing
from judgefast.batches.tables import key_rows, sent_of
from judgefast.codes import Status
from judgefast.journal.answers import id_bytes
from judgefast.reports.report import SendingOrder

if TYPE_CHECKING:
    from typing import Any

    import pyarrow as pa
    from numpy.typing import NDArray

    from judgefast.journal.run_directory import RunDirectory
    from judgefast.pipeline.plan import RunPlan

REORDERED = "reordered_from"
"""Fact of a launch: the place in the order of sending from which it sent in another order."""

_ORDERED = ("request_id", "prefix_group", "planned", "sent")
"""Columns of `requests` that say what is sent, and in which order."""


def requests_to_send(plan: RunPlan) -> NDArray[np.integer]:
    """Rows of a plan whose requests are sent, in the order of sending."""
    own = Sharing(plan.columns.asked_by).own(len(plan))
    own &= plan.rendered.decided == Status.PARSED
    return in_order(plan.columns, np.flatnonzero(own))


def digest_of(plan: RunPlan) -> str:
    """Digest of the order in which a plan is sent, as `plan.json` has it. 32 hex digits."""
    rows = requests_to_send(plan)
    return order_digest(plan.columns.prefix_group[rows], plan.columns.request_id[rows])


def sending_order(directory: RunDirectory) -> SendingOrder:
    """Compare the order in which a run was sent, as its journal has it, with that of its plan.

    Takes about 80 bytes a request, for as long as it works.
    """
    groups, ids = _planned(directory)
    launches = directory.launches()
    first = _first_sent(directory, ids, [facts["launch"] for facts in launches])
    ends = [facts.get(REORDERED, len(ids)) for facts in launches]
    order = order_sent(first, np.array(ends, np.int64))
    return SendingOrder(
        planned=order_digest(groups, ids),
        sent=order_digest(groups, ids, order),
        requests=len(ids),
        known=int(np.count_nonzero(first.launch != NEVER)),
    )


def _first_sent(directory: RunDirectory, ids: NDArray[np.uint8], launches: list[str]) -> FirstSent:
    """When each of some requests was sent first, as far as the journal tells."""
    first = FirstSent(np.full(len(ids), NEVER, np.int32), np.zeros(len(ids)))
    index = RequestIndex(ids, NONE)
    for batch in directory.completions(["request_id", "launch", "started"]):
        _note(first, index.rows(id_bytes(batch.column("request_id"))), batch, launches)
    return first


def _planned(directory: RunDirectory) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Prefix group and id of each request that is sent, in planned order.

    Nothing of a part is sent before anything of an earlier one. Places are compared inside a part
    only: they count judgments, and a part that says none has fewer requests where some are shared.
    """
    groups, ids = [np.zeros(0, np.uint64)], [np.zeros((0, 16), np.uint8)]
    for requests, _ in directory.plan_parts(_ORDERED, []):
        is_sent: Any = pc.equal(requests.column("planned").cast("string"), "send")
        chosen = np.flatnonzero(is_sent.to_numpy())
        if len(sent := sent_of(requests)):
            chosen = chosen[np.argsort(sent[chosen], kind="stable")]
        groups.append(requests.column("prefix_group").to_numpy()[chosen])
        ids.append(key_rows(requests.column("request_id"))[chosen])
    return np.concatenate(groups), np.concatenate(ids)


def _note(
    first: FirstSent, rows: NDArray[np.int64], batch: pa.RecordBatch, launches: list[str]
) -> None:
    """Take in when requests were sent, whatever came of them."""
    names: Any = batch.column("launch")
    numbers = [
        launches.index(name) if name in launches else NEVER for name in names.dictionary.to_pylist()
    ]
    launch = np.array(numbers, np.int32)[names.indices.to_numpy()]
    started = batch.column("started").to_numpy()
    chosen = np.flatnonzero((rows >= 0) & (started > 0) & (launch != NEVER))
    rows, launch, started = rows[chosen], launch[chosen], started[chosen]
    order = np.lexsort((started, launch, rows))
    row, at = np.unique(rows[order], return_index=True)
    launch, started = launch[order][at], started[order][at]
    is_earlier = launch < first.launch[row]
    is_earlier |= (launch == first.launch[row]) & (started < first.started[row])
    first.launch[row[is_earlier]] = launch[is_earlier]
    first.started[row[is_earlier]] = started[is_earlier]
