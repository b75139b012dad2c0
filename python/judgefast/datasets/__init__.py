"""Stage `datasets`: rows of a file or a frame -> items with stable ids.

Stage 1 of 8. `read_items` reads and checks rows, `snapshot` writes them in run order, `iter_rows`
and `load_item_columns` read them back. Nothing is imported before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgefast.datasets.columns import ItemColumns, load_item_columns
    from judgefast.datasets.items import Answer, Item, Turn, text_hash
    from judgefast.datasets.options import ReadOptions
    from judgefast.datasets.reader import ItemReader, read_items
    from judgefast.datasets.rows import items_of, iter_rows, rows_schema
    from judgefast.datasets.run_order import SnapshotSummary, snapshot
    from judgefast.datasets.summary import ReadSummary

__all__ = [
    "Answer",
    "Item",
    "ItemColumns",
    "ItemReader",
    "ReadOptions",
    "ReadSummary",
    "SnapshotSummary",
    "Turn",
    "items_of",
    "iter_rows",
    "load_item_columns",
    "read_items",
    "rows_schema",
    "snapshot",
    "text_hash",
]

_ROOMS = {
    "Answer": "items",
    "Item": "items",
    "ItemColumns": "columns",
    "ItemReader": "reader",
    "ReadOptions": "options",
    "ReadSummary": "summary",
    "SnapshotSummary": "run_order",
    "Turn": "items",
    "items_of": "rows",
    "iter_rows": "rows",
    "load_item_columns": "columns",
    "read_items": "reader",
    "rows_schema": "rows",
    "snapshot": "run_order",
    "text_hash": "items",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module hands out whatever it holds
    if name in _ROOMS:
        return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
