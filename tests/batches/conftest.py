"""Items in words to a batch of rows, for the tests of this stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from judgefast.datasets.items import text_hash

if TYPE_CHECKING:
    from collections.abc import Callable

HASHES = pa.schema(
    [
        ("item_id", pa.string()),
        ("question_sha256", pa.binary()),
        ("reference_sha256", pa.binary()),
        ("answers", pa.list_(pa.struct([("model", pa.string()), ("sha256", pa.binary())]))),
    ]
)


@pytest.fixture(scope="session")
def batch() -> Callable[[list[dict[str, Any]]], pa.RecordBatch]:
    """Rows of items with `item_id`, `answers`, perhaps `question`, `reference`, `models`."""

    def rows(items: list[dict[str, Any]]) -> pa.RecordBatch:
        columns = [
            {
                "item_id": item["item_id"],
                "question_sha256": text_hash(item.get("question")) or None,
                "reference_sha256": text_hash(item.get("reference")) or None,
                "answers": [
                    {"model": model, "sha256": text_hash(text) or None}
                    for model, text in zip(
                        item.get("models") or [None] * len(item["answers"]),
                        item["answers"],
                        strict=True,
                    )
                ],
            }
            for item in items
        ]
        return pa.RecordBatch.from_pylist(columns, schema=HASHES)

    return rows
