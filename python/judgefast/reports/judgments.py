"""The table that leaves the program: one wide row an outcome, with all that led to it.

Names and types are a file format (`docs/reports.md`): columns are added at the end, none is ever
renamed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

JUDGMENTS_FORMAT = "judgefast judgments 1"
"""Stands in the schema's metadata under `format`."""

ORDERS = ("forward", "swapped")
"""Prefixes of the columns of one judgment; a scored answer has the first alone."""


def judgments_schema() -> pa.Schema:
    """Name and type every column of the `judgments` table.

    Returns:
        The schema. What is not there is null. `value` lies in [0, 1] for a comparison (1 is a win
        of the candidate) and on the rubric's scale for a score. `forward_*` and `swapped_*` are of
        the first repeat; `judgments` counts them all. A conversation is a JSON array of its turns.
        `confidence` is ours, of the distribution that all judgments come to; `confidence_server` is
        the mean of what the server said of them, where it said anything.

    """
    import pyarrow as pa  # noqa: PLC0415 - only an export needs it

    text, real = pa.string(), pa.float64()
    fields = [
        ("item_id", text),
        ("cluster", text),
        ("question", text),
        ("reference", text),
        ("candidate", text),
        ("baseline", text),
        ("candidate_index", pa.uint16()),
        ("baseline_index", pa.uint16()),
        ("candidate_answer", text),
        ("baseline_answer", text),
        ("judge", text),
        ("rubric", text),
        ("aspect", text),
        ("rule", text),
        ("status", text),
        ("value", real),
        ("weight", pa.uint8()),
        ("p_win", pa.float32()),
        ("p_tie", pa.float32()),
        ("p_loss", pa.float32()),
        ("label_mass", pa.float32()),
        ("position", text),
        ("judgments", pa.uint32()),
    ]
    for order in ORDERS:
        fields += [
            (f"{order}_key", text),
            (f"{order}_status", text),
            (f"{order}_verdict", text),
            (f"{order}_score", real),
            (f"{order}_strength", real),
            (f"{order}_reason", text),
            (f"{order}_text", text),
        ]
    fields += [("gold", text), ("meta", text)]
    fields += [("confidence", pa.float32()), ("confidence_server", pa.float32())]
    return pa.schema(
        [pa.field(column, kind) for column, kind in fields], metadata={"format": JUDGMENTS_FORMAT}
    )
