"""A run's directory: made from data, or gone on with; what would make it another run is refused."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from judgefast import _native
from judgefast.datasets.options import ReadOptions
from judgefast.datasets.reader import ItemReader, read_items
from judgefast.datasets.run_order import snapshot
from judgefast.errors import ConfigError, DataError, RunDirectoryError
from judgefast.journal.extension import Extension, finish_extension
from judgefast.journal.lock import WriteLock
from judgefast.journal.manifest import DataFacts, DataFile, Manifest, compare
from judgefast.journal.run_directory import RunDirectory
from judgefast.journal.unfinished import clear_unfinished
from judgefast.pipeline.plan import plan_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from judgefast.config import RunConfig
    from judgefast.pipeline.judge import Judge


class Opened(NamedTuple):
    """A run directory that is open for writing."""

    directory: RunDirectory
    rows: Path
    """Folder that holds `rows/` with texts: the directory, or a copy elsewhere."""


def open_run(
    config: RunConfig,
    judge: Judge,
    data: Any,  # noqa: ANN401 - whatever `read_items` takes
    say: Callable[[str], None],
) -> RunDirectory:
    """Make the run directory `config.out` from the data, or open it to go on.

    Args:
        config: The options of the run.
        judge: Who judges.
        data: The rows; None to go on without reading them again.
        say: Told what a person should know.

    Raises:
        DataError: The data cannot be used. Nothing was made.
        RunDirectoryError: The directory is busy, is no run, or belongs to another run; the message
            says what differs.

    """
    path = Path(str(config.out))
    if not (path / "manifest.json").is_file():
        return _create(path, config, judge, data, say)
    lock = WriteLock(path)
    try:
        finish_extension(path)
    finally:
        lock.release()
    directory = RunDirectory.open(path, write=True)
    try:
        if data is not None:
            _go_on(directory, config, judge, data, say)
        if not config.extend:
            return directory
    except BaseException:
        directory.close(to_parquet=False)
        raise
    directory.close()
    return RunDirectory.open(path, write=True)


@contextmanager
def rows_with_texts(
    directory: RunDirectory,
    config: RunConfig,
    judge: Judge,
    data: Any,  # noqa: ANN401 - as above
) -> Iterator[Path]:
    """Give the folder whose `rows/` holds texts; without texts in the run, from the same data.

    Raises:
        DataError: The data is not what it was.

    """
    if directory.manifest.data.texts:
        yield directory.path
        return
    with tempfile.TemporaryDirectory(prefix="judgefast-") as folder:
        reader = _reader(config, judge, data)
        snapshot(reader, Path(folder), seed=config.seed, limit=config.limit)
        if reader.summary.identity != directory.manifest.data.identity:
            msg = "the data is not what this run was started with"
            raise DataError(msg, hint="give the same files, or judge into another directory")
        yield Path(folder)


def manifest_of(config: RunConfig, judge: Judge, reader: ItemReader) -> Manifest:
    """Describe a run, once its data has been read."""
    summary = reader.summary
    return Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        judgefast=_native.__version__,
        config={
            name: value
            for name, value in msgspec.to_builtins(config).items()
            if value is not None and value not in ({}, [])
        },
        rubric=judge.rubric_facts(),
        data=DataFacts(
            identity=summary.identity,
            items=summary.items,
            read=summary.rows,
            skipped=summary.skipped,
            skipped_examples=summary.examples,
            empty_answers=summary.empty_answers,
            identical_rows=summary.identical_rows,
            replaced_surrogates=summary.replaced_surrogates,
            files=tuple(DataFile(path=file.name, bytes=file.bytes) for file in summary.files),
            layout=summary.layout,
            mapping=summary.mapping,
            texts=not config.no_texts,
        ),
        judge=judge.name,
        model=judge.model_facts(),
        engine=judge.engine_facts(config),
        seeds={"seed": config.seed},
        options={
            "mode": judge.rubric.mode,
            "aspects": judge.aspects,
            "orders": config.orders,
            "repeats": config.repeats,
            "limit": config.limit,
            "on_empty": config.on_empty,
            "probabilities": judge.prompts.decoding.probabilities,
        },
    )


def _create(
    path: Path,
    config: RunConfig,
    judge: Judge,
    data: Any,  # noqa: ANN401 - as above
    say: Callable[[str], None],
) -> RunDirectory:
    if data is None:
        msg = f"`{path}` is no run directory, and no data was given to make one"
        raise RunDirectoryError(msg, hint="name the data: judgefast run DATA --out DIR")
    if config.no_texts and not _can_read_again(data):
        msg = "`no_texts` needs data that can be read again, not stdin or rows in memory"
        raise ConfigError(msg, hint="save the rows to a file first, or keep the texts")
    is_new = not path.exists()
    clear_unfinished(path)
    path.mkdir(parents=True, exist_ok=True)
    try:
        reader = _reader(config, judge, data)
        written = snapshot(
            reader, path, seed=config.seed, limit=config.limit, texts=not config.no_texts
        )
        _tell(reader, say)
        if written.sampled_out:
            say(f"a seeded sample: {written.items:,} of {reader.summary.items:,} items")
        return RunDirectory.create(path, manifest_of(config, judge, reader))
    except BaseException:
        clear_unfinished(path)
        if is_new and not any(path.iterdir()):
            path.rmdir()
        raise


def _go_on(
    directory: RunDirectory,
    config: RunConfig,
    judge: Judge,
    data: Any,  # noqa: ANN401 - as above
    say: Callable[[str], None],
) -> None:
    """Check that the same run is meant, or extend it."""
    reader = _reader(config, judge, data)
    extension = Extension(directory) if config.extend else None
    if extension is None:
        for _ in reader.chunks():
            pass
    else:
        snapshot(reader, extension.path, seed=config.seed, limit=config.limit)
        _tell(reader, say)
    now = manifest_of(config, judge, reader)
    differences = compare(directory.manifest, now)
    if extension is not None:
        differences = [words for words in differences if not words.startswith(_GROWS)]
    if differences:
        msg = f"`{directory.path}` belongs to another run; what differs:\n  " + "\n  ".join(
            differences
        )
        can_grow = extension is None and all(each.startswith(_GROWS) for each in differences)
        raise RunDirectoryError(
            msg,
            hint="name another --out, or let the plan grow with --extend"
            if can_grow
            else "name another --out",
        )
    if extension is not None:
        plan_run(extension, extension.path, judge, config, say)
        extension.commit(now)


_GROWS = ("data: identity", "data: items", "options: orders", "options: repeats", "options: limit")
"""Differences that `--extend` admits, if the new plan contains the old one."""


def _reader(config: RunConfig, judge: Judge, data: Any) -> ItemReader:  # noqa: ANN401 - as above
    recordings = getattr(judge.engine, "recordings", None)
    return read_items(
        data,
        ReadOptions(
            map=config.map,
            on_bad_row=config.on_bad_row,
            on_empty=config.on_empty,
            max_row_bytes=config.max_row_bytes,
            texts_required=judge.rendered,
            num_answers=2 if recordings is None else recordings.num_answers,
        ),
    )


def _can_read_again(data: Any) -> bool:  # noqa: ANN401 - as above
    names = [data] if isinstance(data, str | Path) else data
    return isinstance(names, list | tuple) and all(
        isinstance(name, str | Path) and str(name) != "-" for name in names
    )


def _tell(reader: ItemReader, say: Callable[[str], None]) -> None:
    """Say what was understood of the data."""
    summary = reader.summary
    renamed = {ours: theirs for ours, theirs in summary.mapping.items() if ours != theirs}
    if renamed:
        pairs = ", ".join(f"{ours} = {theirs}" for ours, theirs in renamed.items())
        say(f"rows of {summary.layout}: {pairs}")
    if summary.identical_rows:
        say(f"{summary.identical_rows:,} rows repeat an earlier one; their ids end in #2, #3, ...")
    if summary.ignored_fields:
        names = ", ".join(summary.ignored_fields)
        say(f"fields that hold lists or objects are not kept: {names}")
