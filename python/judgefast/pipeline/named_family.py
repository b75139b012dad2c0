"""A judge whose model is named is refused of its own family before a server hears of it.

Only the first rows are looked at: all are read once, later, and then all are looked at.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgefast.datasets.files import FileSource
from judgefast.datasets.options import ReadOptions
from judgefast.datasets.reader import ItemReader
from judgefast.datasets.sources import find_sources
from judgefast.errors import ConfigError, DataError
from judgefast.journal.manifest import NAME as MANIFEST
from judgefast.pipeline.own_family import models_of, refuse_own

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgefast.config import RunConfig
    from judgefast.datasets.items import Item


def refuse_named(judges: Mapping[str, RunConfig], data: Any) -> None:  # noqa: ANN401 - any rows
    """Refuse judges by the names of their models, where the first rows have answers of theirs.

    Nothing is said of a run that is there, of a sample, which may leave these rows out, of rows
    that can be read only once, and of rows with a mistake, which is for who reads them all to say.

    Args:
        judges: Options of each judge's run, by its name, which is empty where there is one;
            `out` is where the run would be.
        data: Rows in memory or paths; None for those of the options.

    Raises:
        ConfigError: One of them would judge its own.

    """
    named = {name: config for name, config in judges.items() if _is_to_look_at(config)}
    if not named:
        return
    items, is_all = _first(next(iter(named.values())), data)
    answers = models_of(items)
    for name, config in named.items():
        try:
            refuse_own(config, str(config.model), answers)
        except ConfigError as error:
            msg = f"judge `{name}`: {error}" if name else str(error)
            msg += "" if is_all else f", in the first {len(items):,} items"
            raise ConfigError(msg, hint=error.hint) from None


def _is_to_look_at(config: RunConfig) -> bool:
    if config.model is None or config.engine == "replay" or config.allow_self or config.limit:
        return False
    return config.out is None or not (Path(config.out) / MANIFEST).is_file()


def _first(config: RunConfig, data: Any) -> tuple[list[Item], bool]:  # noqa: ANN401 - as above
    """The first items, about a thousand, and whether there are no more."""
    items: list[Item] = []
    data = list(config.data) if data is None else data
    with suppress(DataError, OSError):
        if not isinstance(data, list | tuple | str | Path) or not data:
            return items, True
        sources = find_sources(data)
        are_rows = isinstance(data, list | tuple) and isinstance(data[0], dict)
        are_files = all(isinstance(one, FileSource) and one.path.is_file() for one in sources)
        if not (are_rows or are_files):  # stdin or a pipe: what is read of it is gone
            return items, True
        options = ReadOptions(
            map=config.map,
            on_empty=config.on_empty,
            max_row_bytes=config.max_row_bytes,
            on_bad_row="skip",
            is_whole=False,
        )
        chunks = ItemReader(sources, options).chunks()
        first = next(chunks, None)  # none where no row can be used
        if first is not None:
            return first.items, next(chunks, None) is None
    return items, True
