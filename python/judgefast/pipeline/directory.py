"""A run's directory: made from data, or gone on with; what would make it another run is refused."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from judgefast import _native
from judgefast.datasets.layouts import WITHOUT_TEXTS
from judgefast.datasets.reader import ItemReader, read_items
from judgefast.datasets.run_order import snapshot
from judgefast.errors import ConfigError, DataError, RunDirectoryError
from judgefast.journal.extension import Extension, finish_extension
from judgefast.journal.lock import WriteLock
from judgefast.journal.manifest import NAME, DataFacts, DataFile, Manifest, compare
from judgefast.journal.run_directory import RunDirectory
from judgefast.journal.unfinished import clear_unfinished, refuse_foreign
from judgefast.pipeline.adaptive import adaptive_options, asks_less
from judgefast.pipeline.fit import check_answers, check_fit
from judgefast.pipeline.own_family import as_started
from judgefast.pipeline.plan import plan_run
from judgefast.pipeline.shared_rows import SharedRows, link_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from judgefast.config import RunConfig
    from judgefast.datasets.columns import ItemColumns
    from judgefast.pipeline.judge import Judge
    from judgefast.prompts.decoding import Capabilities


class Opened(NamedTuple):
    """A run directory that may be written to, and its items, read to check them."""

    directory: RunDirectory
    items: ItemColumns


def open_run(
    config: RunConfig,
    judge: Judge,
    data: Any,  # noqa: ANN401 - whatever `read_items` takes
    say: Callable[[str], None],
) -> Opened:
    """Make the run directory `config.out` from the data, or open it to go on.

    Args:
        config: The options of the run.
        judge: Who judges.
        data: The rows; None to go on without reading them again; `SharedRows` for those of another
            run, which are not read at all.
        say: Told what a person should know.

    Raises:
        DataError: The data cannot be used. Nothing was made.
        RunDirectoryError: The directory is busy, is no run, or belongs to another run; the message
            says what differs.

    """
    path = Path(str(config.out))
    is_new = not path.exists()
    if not (path / NAME).is_file():
        refuse_new(path, config, data)
    lock = take_folder(path)
    try:
        finish_extension(path)
        if not (path / NAME).is_file():
            return _create(path, lock, config, judge, data, say)
        directory = RunDirectory.open(path, write=True, lock=lock)
    except BaseException:  # raised again: no lock and no empty folder stay
        if is_new and not (path / NAME).is_file():
            lock.remove()
            with suppress(OSError):
                path.rmdir()
        lock.release()
        raise
    try:
        return Opened(directory, _go_on(directory, config, judge, data, say))
    except BaseException:  # raised again: the folder is let go
        directory.close(to_parquet=False)
        raise


def take_folder(path: Path) -> WriteLock:
    """Make a folder where there is none, and lock it.

    Raises:
        RunDirectoryError: It cannot be made, or another process writes to it.

    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make `{path}`: {error.strerror}"
        raise RunDirectoryError(msg) from error
    return WriteLock(path)


def new_directory(rubric: str, say: Callable[[str], None]) -> str:
    """Name a folder for a run that was given none, and say it."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{moment}-{Path(rubric).stem}"
    folder, number = Path("runs") / name, 1
    while folder.exists():
        number += 1
        folder = Path("runs") / f"{name}-{number}"
    say(f"the run is in {folder}")
    return str(folder)


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
    facts = directory.manifest.data
    if facts.texts or not judge.rendered:
        yield directory.path
        return
    with _rows_again(config, judge, data, facts.identity) as folder:
        yield folder


@contextmanager
def _rows_again(
    config: RunConfig,
    judge: Judge,
    data: Any,  # noqa: ANN401 - as above
    identity: str,
) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="judgefast-") as folder:
        reader = reader_of(config, judge, data)
        snapshot(reader, Path(folder), seed=config.seed, limit=config.limit)
        if reader.summary.identity != identity:
            msg = "the data is not what this run was started with"
            raise DataError(msg, hint="give the same files, or judge into another directory")
        yield Path(folder)


def data_facts(reader: ItemReader, *, texts: bool) -> DataFacts:
    """Describe data, once it has been read."""
    summary = reader.summary
    return DataFacts(
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
        texts=texts,
    )


def options_in_force(config: RunConfig) -> dict[str, Any]:
    """Every option as in a `--config` file, but those that say nothing."""
    return {
        name: value
        for name, value in msgspec.to_builtins(config).items()
        if value is not None and value not in ({}, [])
    }


def manifest_of(config: RunConfig, judge: Judge, data: DataFacts) -> Manifest:
    """Describe a run."""
    pairs = f"baseline {config.baseline}" if config.pairs == "baseline" else config.pairs
    return Manifest(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        judgefast=_native.__version__,
        config=options_in_force(config),
        rubric=judge.rubric_facts(),
        data=data,
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
        }
        | _what_labels_say(judge.engine.capabilities)
        | getattr(judge.engine, "manifest_options", {})
        | adaptive_options(config)
        | ({} if pairs == "all" else {"pairs": pairs})
        | ({} if config.truncate is None else {"truncate": config.truncate})
        | ({} if config.family is None else {"family": config.family}),
    )


def _what_labels_say(capabilities: Capabilities) -> dict[str, Any]:
    """What decides how completions are read, of engines that are not as most."""
    labels_only = {"labels_only": True} if capabilities.takes == "state" else {}
    return labels_only | ({} if capabilities.label_mass else {"label_mass": False})


def differences_of(old: Manifest, new: Manifest, *, extend: bool) -> list[str]:
    """What makes `new` another run than `old`, in words, but for what an extension admits."""
    differences = compare(old, new)
    if not extend:
        return differences
    grows = tuple(name for name in _GROWS if name not in asks_less(old.options, new.options))
    return [words for words in differences if not words.startswith(grows)]


def refuse(path: Path, differences: list[str], *, extend: bool) -> None:
    """Refuse to go on with a run where another one is meant.

    Raises:
        RunDirectoryError: Something differs; the message says what.

    """
    if not differences:
        return
    msg = f"`{path}` belongs to another run; what differs:\n  " + "\n  ".join(differences)
    can_grow = not extend and all(words.startswith(_GROWS) for words in differences)
    more = ", or let the plan grow with --extend" if can_grow else ""
    raise RunDirectoryError(msg, hint=f"name another --out{more}")


def refuse_new(path: Path, config: RunConfig, data: Any) -> None:  # noqa: ANN401 - as above
    """Refuse to make a run where none can be made.

    Raises:
        RunDirectoryError: The folder holds other things, or there is no data.
        ConfigError: Texts are not to be kept, and the data cannot be read again.

    """
    refuse_foreign(path)
    if data is None:
        msg = f"`{path}` is no run directory, and no data was given to make one"
        raise RunDirectoryError(msg, hint="name the data: judgefast run DATA --out DIR")
    if config.no_texts and not can_read_again(data):
        msg = "`no_texts` needs data that can be read again, not stdin or rows in memory"
        raise ConfigError(msg, hint="save the rows to a file first, or keep the texts")


def _create(  # noqa: PLR0913, PLR0917 - the parts of a run, in its order
    path: Path,
    lock: WriteLock,
    config: RunConfig,
    judge: Judge,
    data: Any,  # noqa: ANN401 - as above
    say: Callable[[str], None],
) -> Opened:
    clear_unfinished(path)
    try:
        if isinstance(data, SharedRows):
            facts = link_rows(data, path)
            items = check_fit(path, config, judge)
            check_answers(judge, is_single=bool((items.num_answers == 1).all()))
            manifest = manifest_of(config, judge, facts)
            return Opened(RunDirectory.create(path, manifest, lock=lock), items)
        reader = reader_of(config, judge, data)
        written = snapshot(
            reader, path, seed=config.seed, limit=config.limit, texts=not config.no_texts
        )
        _tell(reader, say)
        if written.sampled_out:
            say(f"a seeded sample: {written.items:,} of {reader.summary.items:,} items")
        check_answers(judge, is_single=reader.summary.mode == "single")
        items = check_fit(path, config, judge)
        facts = data_facts(reader, texts=not config.no_texts)
        manifest = manifest_of(config, judge, facts)
        return Opened(RunDirectory.create(path, manifest, lock=lock), items)
    except BaseException:  # raised again: no half of a run stays
        if not (path / NAME).is_file():
            clear_unfinished(path)
        raise


def _go_on(
    directory: RunDirectory,
    config: RunConfig,
    judge: Judge,
    data: Any,  # noqa: ANN401 - as above
    say: Callable[[str], None],
) -> ItemColumns:
    """Check that the same run is meant, or extend it."""
    before = directory.manifest
    config = as_started(config, before)
    if data is not None and config.extend:
        return _extend(directory, config, judge, data, say)
    items = check_fit(directory.path, config, judge)
    if data is None or isinstance(data, SharedRows):
        now = manifest_of(config, judge, before.data if data is None else data.facts)
        # How texts are read may change with the program; what was asked may not.
        differences = [
            words for words in compare(before, now) if not words.startswith("rubric: parse_hash")
        ]
        refuse(directory.path, differences, extend=False)
        return items
    reader = reader_of(config, judge, data)
    for _ in reader.chunks():
        pass
    now = manifest_of(config, judge, data_facts(reader, texts=not config.no_texts))
    refuse(directory.path, differences_of(before, now, extend=False), extend=False)
    return items


def _extend(
    directory: RunDirectory,
    config: RunConfig,
    judge: Judge,
    data: Any,  # noqa: ANN401 - as above
    say: Callable[[str], None],
) -> ItemColumns:
    """Put a larger plan in place of the run's."""
    extension = Extension(directory)
    try:
        reader = reader_of(config, judge, data)
        texts = not config.no_texts
        snapshot(reader, extension.path, seed=config.seed, limit=config.limit, texts=texts)
        _tell(reader, say)
        now = manifest_of(config, judge, data_facts(reader, texts=texts))
        refuse(directory.path, differences_of(directory.manifest, now, extend=True), extend=True)
        items = check_fit(extension.path, config, judge)
        if texts or not judge.rendered:
            plan_run(extension, extension.path, judge, config, say)
        else:
            with _rows_again(config, judge, data, now.data.identity) as rows:
                plan_run(extension, rows, judge, config, say)
        extension.commit(now)
    except BaseException:  # raised again: no half of it stays
        extension.discard()
        raise
    directory.reload()
    return items


_GROWS = (
    "data: identity",
    "data: items",
    "options: orders",
    "options: sure",
    "options: audit",
    "options: repeats",
    "options: limit",
    "options: pairs",
)
"""Differences that `--extend` admits, if the new plan contains the old one."""


def reader_of(config: RunConfig, judge: Judge, data: Any) -> ItemReader:  # noqa: ANN401 - as above
    """Reader of the rows of a run."""
    return read_items(data, judge.read_options(config))


def can_read_again(data: Any) -> bool:  # noqa: ANN401 - as above
    """Whether data is files, which say the same twice."""
    names = [data] if isinstance(data, str | Path) else data
    return (
        isinstance(names, list | tuple)
        and bool(names)
        and all(isinstance(name, str | Path) and str(name) != "-" for name in names)
    )


def _tell(reader: ItemReader, say: Callable[[str], None]) -> None:
    """Say what was understood of the data."""
    summary = reader.summary
    renamed = {ours: theirs for ours, theirs in summary.mapping.items() if ours != theirs}
    if renamed:
        pairs = ", ".join(f"{ours} = {theirs}" for ours, theirs in renamed.items())
        say(f"rows of {summary.layout}: {pairs}")
    if summary.layout == WITHOUT_TEXTS.name and any(
        file.bytes is not None for file in summary.files
    ):
        say("no field of the rows is known to hold answers: the replay goes by ids alone")
    if summary.identical_rows:
        one = summary.identical_rows == 1
        rows = "1 row repeats" if one else f"{summary.identical_rows:,} rows repeat"
        say(f"{rows} an earlier one; ids of repeats end in #2, #3, ...")
    if summary.ignored_fields:
        names = ", ".join(summary.ignored_fields)
        say(f"fields that hold lists or objects are not kept: {names}")
