"""Runs from Python: judge, open what was judged, take its numbers and tables away."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgefast.errors import ConfigError, RunDirectoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from judgefast.engines.base import Engine
    from judgefast.pipeline.results import Reading
    from judgefast.pipeline.run import Finished
    from judgefast.prompts.segments import Prompt
    from judgefast.reports.comparison import Comparison
    from judgefast.reports.gate import GateReport
    from judgefast.reports.report import Report
    from judgefast.reports.show import ItemView
    from judgefast.stats.estimate import Estimate
    from judgefast.stopping import Stop

LOG = logging.getLogger("judgefast")
"""Told what a person should know; a program that wants it gives it a handler."""

MANIFEST = "manifest.json"


class Run:
    """A run directory: its report, its estimates, its tables. Read on first use, without an engine.

    What is read is kept: a run that goes on elsewhere is opened anew to see more of it.
    """

    def __init__(self, path: str | os.PathLike[str], finished: Finished | None = None) -> None:
        self.path = Path(path)
        """The run directory."""
        self._finished = finished
        self._report = None if finished is None else finished.report
        self._reading: Reading | None = None

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Run:
        """Open a run directory.

        Raises:
            RunDirectoryError: It is none.

        """
        if not (Path(path) / MANIFEST).is_file():
            from judgefast.journal.manifest import refuse_panel  # noqa: PLC0415 - for an error

            refuse_panel(Path(path))
            msg = f"`{os.fspath(path)}` is no run directory: it holds no `{MANIFEST}`"
            raise RunDirectoryError(msg, hint="name the folder that was given as `out`")
        return cls(path)

    def __repr__(self) -> str:
        """Name the run and how far it is; reads nothing that has not been read."""
        if self._report is None:
            return f"<judgefast.Run `{self.path}`>"
        results = self._report.results
        counts = results.counts
        words = f"{results.rubric.name}, {counts.items:,} items"
        words += f", {counts.parsed:,} of {counts.planned:,} judgments parsed"
        if results.estimates:
            first = results.estimates[0]
            value = "undefined" if first.value is None else f"{first.value:.3f}"
            words += f", {first.name} {value}"
            words += "" if first.low is None else f" [{first.low:.3f}, {first.high:.3f}]"
        return f"<judgefast.Run `{self.path}`: {words}>"

    @property
    def report(self) -> Report:
        """Everything that is known of the run, as `judgefast report` prints it."""
        if self._report is None:
            from judgefast.pipeline.results import report_of  # noqa: PLC0415 - loads every stage

            self._report = report_of(self._read())
        return self._report

    @property
    def status(self) -> int:
        """Exit status that the command line would give: 0 done, 3 incomplete, 130 interrupted."""
        if self._finished is not None:
            return self._finished.status
        return 3 if self._incomplete() else 0

    @property
    def why(self) -> str | None:
        """Why the run is incomplete, for a person; None where it is complete."""
        return self._incomplete() if self._finished is None else self._finished.why

    @property
    def estimates(self) -> list[Estimate]:
        """Every number that may be quoted, with its interval (`docs/statistics.md`)."""
        return self.report.results.estimates

    def estimate(self, name: str, slice: str = "all") -> Estimate:  # noqa: A002 - the column's name
        """Look an estimate up.

        Args:
            name: Such as `win_rate`; those of position bias, as `flip_rate`, and
                `correlation` of aspects are found too.
            slice: Which part of the data; `all` is also the only slice, or the only pair of
                models, of a name that has no whole.

        Raises:
            ConfigError: There is none of that name, or it has no such slice.

        """
        from judgefast.stats.lookup import find  # noqa: PLC0415 - on first use

        return find(self.report.results.quotable, name, None if slice == "all" else slice)

    def batches(self, name: str = "judgments") -> pa.RecordBatchReader:
        """Stream a table, in bounded memory; it can be read once.

        Args:
            name: `judgments` (one wide row per outcome), `verdicts`, `outcomes`, `estimates`,
                `items`, `completions`, `requests` or `asks`.

        Raises:
            ConfigError: There is no table of that name.

        """
        from judgefast.pipeline.tables import open_table, table_source  # noqa: PLC0415 - heavy

        table_source(name)  # a wrong name is said before a large run is read
        return open_table(self._read(), name)

    def table(self, name: str = "judgments") -> pa.Table:
        """Read a whole table.

        pandas, polars and DuckDB take it as it is (`__arrow_c_stream__`).

        Args:
            name: As for `batches`.

        Raises:
            ConfigError: There is no table of that name.

        """
        return self.batches(name).read_all().unify_dictionaries()

    def show(self, item_id: str) -> ItemView:
        """Gather everything that is known of one item: texts, completions, verdicts, outcomes.

        Raises:
            ConfigError: The run has no such item; the hint names the nearest ids.

        """
        from judgefast.pipeline.item_view import view_item  # noqa: PLC0415 - heavy

        return view_item(self._read(), item_id)

    def prompt(self, request_id: bytes | str, *, engine: Engine | None = None) -> Prompt | None:
        """Make the prompt of one request again, exactly as it was sent: its hash is checked.

        Args:
            request_id: 16 bytes, or their 32 hex digits, as the `key` of a judgment of `show`.
            engine: The engine of the run, where it was started with one; it is closed, not started.

        Returns:
            The prompt; its `text` is the whole of it. None where the engine takes none.

        Raises:
            RunDirectoryError: The run has no such request, or the prompt is not the one sent.
            DataError: The run keeps no texts, and the data is not what it was.

        """
        from judgefast.pipeline.prompts import prompt_of  # noqa: PLC0415 - heavy

        wanted = bytes.fromhex(request_id) if isinstance(request_id, str) else request_id
        return prompt_of(self.path, wanted, engine=engine)

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        table: str = "judgments",
        overwrite: bool = False,
    ) -> int:
        """Write a table to a file, batch by batch.

        Args:
            path: The file; `.parquet`, `.csv` or `.jsonl` says how. Cells of CSV never start a
                formula.
            table: As for `batches`.
            overwrite: Replace a file that is there.

        Returns:
            Rows written.

        Raises:
            ConfigError: There is no such table, the suffix is another one, or the file is there.

        """
        from judgefast.reports.export import check_target, write_table  # noqa: PLC0415 - heavy

        check_target(Path(path), overwrite=overwrite)
        return write_table(self.batches(table), Path(path), overwrite=overwrite)

    def compare(
        self,
        other: Run | str | os.PathLike[str],
        *,
        slices: Sequence[str] | None = None,
        level: float | None = None,
        across: Sequence[str] = (),
    ) -> Comparison:
        """Estimate how much higher each mean is in this run than in another, item by item.

        Items are joined by id where those that both runs have reach every question of both, else
        by cluster (the question); what only one run has is counted and left out.

        Args:
            other: A run of the same rubric, judge and rules, or its directory.
            slices: Fields of `meta` to slice by; those of the runs by default.
            level: Confidence level; that of this run by default.
            across: What the runs may differ in: `judge`, `rubric`, `parse`, `rule`, `orders`,
                `pairs`, `data`.

        Raises:
            ConfigError: The runs differ in what `across` does not name; `other` is no run.
            RunDirectoryError: `other` is no run directory.

        """
        from judgefast.pipeline.compare import compare_runs  # noqa: PLC0415 - heavy

        b = _run_of(other, "other")._read()  # noqa: SLF001 - a run too
        return compare_runs(self._read(), b, slices=slices, level=level, across=across)

    def gate(
        self,
        rules: str | Sequence[str],
        *,
        baseline: Run | str | os.PathLike[str] | None = None,
        level: float | None = None,
        max_unreadable: float | None = None,
        across: Sequence[str] = (),
    ) -> GateReport:
        """Decide rules such as `win_rate.low >= 0.48` or `drop(accuracy) <= 0.02`.

        Args:
            rules: One or several, as `judgefast gate --rule` takes them (`docs/gate.md`).
            baseline: The run that `drop(...)` is measured from, or its directory.
            level: Confidence level of all rules together; that of this run by default.
            max_unreadable: Share of unreadable judgments above which the gate fails; that at
                which the run would have stopped by default.
            across: What run and baseline may differ in, as in `compare`.

        Raises:
            ConfigError: A rule cannot be read, or the baseline is no run, or is not comparable.
            RunDirectoryError: `baseline` is no run directory.

        """
        from judgefast.pipeline.gate import gate_run  # noqa: PLC0415 - heavy

        rules = [rules] if isinstance(rules, str) else rules
        return gate_run(
            self._read(),
            rules,
            baseline=None if baseline is None else _run_of(baseline, "baseline")._read(),  # noqa: SLF001 - as above
            level=level,
            max_unreadable=max_unreadable,
            across=across,
        )

    def _read(self) -> Reading:
        if self._reading is None:
            from judgefast.pipeline.results import read_run  # noqa: PLC0415 - loads every stage

            self._reading = read_run(self.path)
        return self._reading

    def _incomplete(self) -> str | None:
        from judgefast.pipeline.results import why_incomplete  # noqa: PLC0415 - loads every stage

        return why_incomplete(self.report.results.counts)


def run(  # noqa: PLR0913 - what a caller may bring along, all by keyword
    data: Any = None,  # noqa: ANN401 - as described
    *,
    rubric: str | os.PathLike[str],
    engine: str | Engine = "embedded",
    out: str | os.PathLike[str] | None = None,
    recorded: Any = None,  # noqa: ANN401 - as described
    stop: Stop | None = None,
    say: Callable[[str], None] = LOG.info,
    progress: bool | None = None,
    **options: Any,  # noqa: ANN401 - fields of RunConfig
) -> Run:
    """Judge, or go on judging, and return the run.

    Ctrl-C leaves everything tidy, then raises `KeyboardInterrupt`; the same call goes on from
    there. A run that ends incomplete raises nothing: its `status` and `why` say so.

    Args:
        data: Path or paths of files, globs or folders; or an iterable of dicts; or a data frame
            (anything with `__arrow_c_stream__`). None to go on with `out`; for the engine
            `replay`, to judge the items that the recordings name.
        rubric: Name of a built-in rubric, or path of a TOML file.
        engine: Name of an engine, or an engine; it is closed at the end.
        out: Run directory; made if it is missing. None: `runs/<UTC time>-<rubric>`, which the
            logger `judgefast` says.
        recorded: Recorded outputs for the engine `replay`: a path, rows, or a `Run`.
        stop: Ends the run when it is requested, from another thread say; the run that is returned
            then has the status 130.
        say: Told what a person should know; by default the logger `judgefast`, at level INFO.
        progress: Write progress to stderr; by default where that is a terminal.
        options: Fields of `RunConfig`.

    Raises:
        ConfigError: An option is unknown or out of range.
        DataError: The data cannot be used; the message names the row.
        RubricError: The rubric has a mistake.
        ModelError: The judge model cannot be used.
        RunDirectoryError: `out` is busy, or belongs to another run; the message says what differs.
        EngineError: The engine does not start.
        KeyboardInterrupt: Ctrl-C.

    """
    from judgefast.config import config_from  # noqa: PLC0415 - msgspec
    from judgefast.pipeline.directory import new_directory  # noqa: PLC0415 - as below
    from judgefast.pipeline.run import run as run_pipeline  # noqa: PLC0415 - loads every stage
    from judgefast.reports.console import is_terminal  # noqa: PLC0415 - as above
    from judgefast.stopping import Stop as NewStop  # noqa: PLC0415 - light, but only here
    from judgefast.stopping import may_listen  # noqa: PLC0415 - as above

    rubric = os.fspath(rubric)
    out = new_directory(rubric, say) if out is None else os.fspath(out)
    named = {"rubric": rubric, "out": out}
    named["engine"] = engine if isinstance(engine, str) else engine.name
    options |= named
    paths, rows = split_data(data)
    if paths:
        options["data"] = paths
    recorded = recorded.path if isinstance(recorded, Run) else recorded
    if isinstance(recorded, str | os.PathLike):
        options["recorded"], recorded = os.fspath(recorded), None
    config = config_from(options, where="judgefast.run")
    own = NewStop() if stop is None else stop
    if progress is None:
        progress = is_terminal(sys.stderr)

    def start() -> Any:  # noqa: ANN401 - as the pipeline returns it
        return run_pipeline(
            config,
            data=rows,
            recorded=recorded,
            engine=None if isinstance(engine, str) else engine,
            stop=own,
            say=say,
            show_progress=progress,
        )

    if stop is None and may_listen():
        with own.on_signals(signal.SIGINT):
            finished = start()
        if finished.status == 130:  # noqa: PLR2004 - the exit status of an interruption
            raise KeyboardInterrupt
    else:
        finished = start()
    return Run(finished.path, finished)


def _run_of(given: Run | str | os.PathLike[str], argument: str) -> Run:
    """Take a run, or open the one in a directory.

    Raises:
        ConfigError: It is neither.
        RunDirectoryError: The directory holds no run.

    """
    if isinstance(given, Run):
        return given
    if isinstance(given, str | os.PathLike):
        return Run.open(given)
    msg = f"`{argument}` takes a `judgefast.Run` or the path of a run directory, not {given!r:.60}"
    raise ConfigError(msg, hint='as in run.compare(judgefast.Run.open("runs/before"))')


def split_data(data: Any) -> tuple[list[str], Any]:  # noqa: ANN401 - as `run` takes it
    """Paths to read, or rows that are there already."""
    if isinstance(data, str | os.PathLike):
        return [os.fspath(data)], None
    are_paths = isinstance(data, list | tuple) and all(
        isinstance(part, str | os.PathLike) for part in data
    )
    return ([os.fspath(part) for part in data], None) if are_paths and data else ([], data)
