"""Several judges from Python: judge by all, join what was judged, look where they differ."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from judgefast.errors import RunDirectoryError
from judgefast.runs import LOG, Run, split_data
from judgefast.runs import run as run_one

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa

    from judgefast.codes import AlphaScale
    from judgefast.engines.base import Engine
    from judgefast.pipeline.panel_end import PanelEnd
    from judgefast.pipeline.panel_read import PanelReading
    from judgefast.reports.panel_report import PanelReport
    from judgefast.reports.panel_view import PanelItem
    from judgefast.stopping import Stop

    RunPath = Run | str | os.PathLike[str]

PANEL = "panel.json"


class Panel:
    """Several judges of one data set: their runs, what they agree on, and where they do not.

    Read on first use, without an engine. What is read is kept.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None, *, ended: PanelEnd | None = None
    ) -> None:
        self.path = None if path is None else Path(path)
        """The panel's directory; None where finished runs were joined."""
        self._ended = ended
        self._reading: PanelReading | None = None if ended is None else ended.reading
        self._report: PanelReport | None = None

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Panel:
        """Open the directory of a panel.

        Raises:
            RunDirectoryError: It is none.

        """
        if not (Path(path) / PANEL).is_file():
            msg = f"`{os.fspath(path)}` is no panel: it holds no `{PANEL}`"
            raise RunDirectoryError(msg, hint="name the folder that several judges were given")
        return cls(path)

    def __repr__(self) -> str:
        """Name the panel; reads nothing that has not been read."""
        where = "of finished runs" if self.path is None else f"`{self.path}`"
        if self._reading is None:
            return f"<judgefast.Panel {where}>"
        return f"<judgefast.Panel {where}: {', '.join(self._reading.joined.judges)}>"

    @property
    def runs(self) -> dict[str, Run]:
        """The run of each judge, by its name."""
        joined = self._read().joined
        paths = [reading.directory.path for reading in joined.readings]
        return {name: Run(path) for name, path in zip(joined.judges, paths, strict=True)}

    @property
    def report(self) -> PanelReport:
        """Everything that is known of the judges, as `judgefast report` prints it.

        After a start of theirs it names the list that was written.
        """
        if self._report is None:
            from judgefast.pipeline.panel_lists import reported  # noqa: PLC0415 - every stage

            own = None if self._ended is None else self._ended.listed
            self._report = reported(self._read(), own=own)
        return self._report

    @property
    def status(self) -> int:
        """Exit status that the command line would give: 0 done, 3 incomplete, 130 interrupted."""
        if self._ended is not None and self._ended.status:
            return self._ended.status
        return 3 if self.report.incomplete else 0

    @property
    def why(self) -> str | None:
        """Why the panel is incomplete, for a person; None where it is complete."""
        return self.report.incomplete

    @property
    def disagreements(self) -> pa.Table:
        """Items that a person should look at: low agreement first, the widest spread first."""
        return self.table("disagreements")

    def batches(self, name: str = "panel") -> pa.RecordBatchReader:
        """Stream a table; it can be read once.

        Args:
            name: `panel` (one row a comparison or scored answer) or `disagreements`.

        Raises:
            ConfigError: There is no table of that name.

        """
        return self._read().batches(name)

    def table(self, name: str = "panel") -> pa.Table:
        """Read a whole table.

        Args:
            name: As for `batches`.

        Raises:
            ConfigError: There is no table of that name.

        """
        return self.batches(name).read_all()

    def show(self, item_id: str) -> PanelItem:
        """Gather what every judge has said of one item.

        Raises:
            ConfigError: No run has such an item; the hint names the nearest ids.

        """
        return self._read().show(item_id)

    def export(
        self, path: str | os.PathLike[str], *, table: str = "panel", overwrite: bool = False
    ) -> int:
        """Write a table to a file, as `Run.export` does; returns the rows written.

        Args:
            path: The file; `.parquet`, `.csv` or `.jsonl` says how.
            table: As for `batches`.
            overwrite: Replace a file that is there.

        Raises:
            ConfigError: There is no such table, the suffix is another one, or the file is there.

        """
        from judgefast.reports.export import check_target, write_table  # noqa: PLC0415 - heavy

        check_target(Path(path), overwrite=overwrite)
        return write_table(self.batches(table), Path(path), overwrite=overwrite)

    def _read(self) -> PanelReading:
        if self._reading is None:
            from judgefast.pipeline.panel_read import read_judges  # noqa: PLC0415 - every stage

            assert self.path is not None  # runs that are joined are read at once
            self._reading = read_judges(self.path)
        return self._reading


def agree(
    runs: Sequence[RunPath] | Mapping[str, RunPath],
    *,
    level: float | None = None,
    across: Sequence[str] = (),
    alpha: AlphaScale | None = None,
) -> Panel:
    """Join finished runs over the same data, as a panel of their judges.

    Outcomes are joined by item id, answers and aspect; rubrics may differ where they ask for the
    same kind of outcome. What does not join is counted.

    Args:
        runs: Two or more, as runs or their directories; a mapping names the judges.
        level: Confidence level; that of the first run by default.
        across: `data`, to join runs of different data by the ids that they share.
        alpha: Level of measurement of Krippendorff's alpha: `nominal`, `ordinal` or `interval`; by
            default what the values are (`docs/judges.md`).

    Raises:
        ConfigError: The runs cannot be joined, or have no such level of measurement; the message
            says why.
        RunDirectoryError: One is no run directory.

    """
    from judgefast.pipeline.panel_read import read_runs  # noqa: PLC0415 - loads every stage

    named = list(runs.items()) if hasattr(runs, "items") else [(None, one) for one in runs]
    paths = [(name, one.path if isinstance(one, Run) else Path(one)) for name, one in named]
    panel = Panel(None)
    changes = {} if level is None else {"level": level}
    panel._reading = read_runs(paths, across=across, alpha=alpha, **changes)  # noqa: SLF001 - its maker
    return panel


@overload
def run(
    data: Any = ...,  # noqa: ANN401 - as described
    *,
    rubric: str | os.PathLike[str],
    engine: str | Engine = ...,
    out: str | os.PathLike[str] | None = ...,
    recorded: Any = ...,  # noqa: ANN401 - as described
    stop: Stop | None = ...,
    say: Callable[[str], None] = ...,
    progress: bool | None = ...,
    judges: None = ...,
    **options: Any,  # noqa: ANN401 - as described
) -> Run: ...


@overload
def run(
    data: Any = ...,  # noqa: ANN401 - as described
    *,
    judges: Sequence[str | Mapping[str, Any]],
    out: str | os.PathLike[str],
    side_by_side: bool = ...,
    alpha: AlphaScale | None = ...,
    stop: Stop | None = ...,
    say: Callable[[str], None] = ...,
    progress: bool | None = ...,
    **options: Any,  # noqa: ANN401 - as described
) -> Panel: ...


def run(
    data: Any = None,
    *,
    judges: Sequence[str | Mapping[str, Any]] | None = None,
    **options: Any,
) -> Run | Panel:
    """Judge, or go on judging, by one judge or by several.

    Ctrl-C leaves everything tidy, then raises `KeyboardInterrupt`; the same call goes on from
    there. A run that ends incomplete raises nothing: its `status` and `why` say so.

    Args:
        data: Path or paths of files, globs or folders; or an iterable of dicts; or a data frame
            (anything with `__arrow_c_stream__`). None to go on with `out`; for the engine
            `replay`, to judge the items that the recordings name.
        judges: Several judges: each the name of an engine, `"key=value,…"` as `--judge` takes it,
            or a dict with a `name` and the options that it differs in (`docs/judges.md`).
        options: `rubric`: name of a built-in rubric, or path of a TOML file. `engine`: name of an
            engine, or an engine; it is closed at the end. `out`: directory; made if it is missing;
            without, of one judge `runs/<UTC time>-<rubric>`. `recorded`: recorded outputs for the
            engine `replay`: a path, rows, or a `Run`. `stop`: ends the run when it is requested,
            from another thread say. `say`: told what a person should know; the logger `judgefast`
            by default. `progress`: write progress to stderr; by default where that is a terminal.
            `side_by_side`: start all judges together. `alpha`: level of measurement of the alpha of
            several judges, as for `agree`. All others are fields of `RunConfig`.

    Returns:
        A `Run`; of several judges a `Panel`.

    Raises:
        ConfigError: An option is unknown or out of range.
        DataError: The data cannot be used; the message names the row.
        RubricError: The rubric has a mistake.
        ModelError: The judge model cannot be used.
        RunDirectoryError: `out` is busy, or belongs to another run; the message says what differs.
        EngineError: The engine does not start. Of several judges: none does.
        KeyboardInterrupt: Ctrl-C.

    """
    if judges is None:
        return run_one(data, **options)
    return _judged(data, judges, **options)


def _judged(  # noqa: PLR0913 - what a caller may bring along, all by keyword
    data: Any,  # noqa: ANN401 - as above
    judges: Sequence[str | Mapping[str, Any]],
    *,
    out: str | os.PathLike[str],
    side_by_side: bool = False,
    alpha: AlphaScale | None = None,
    stop: Stop | None = None,
    say: Callable[[str], None] = LOG.info,
    progress: bool | None = None,
    **options: Any,  # noqa: ANN401 - fields of RunConfig
) -> Panel:
    from judgefast.pipeline.panel import run_panel  # noqa: PLC0415 - every stage
    from judgefast.pipeline.panel_end import INTERRUPTED  # noqa: PLC0415 - as above
    from judgefast.pipeline.panel_judges import judges_of  # noqa: PLC0415 - as above
    from judgefast.reports.console import is_terminal  # noqa: PLC0415 - as above
    from judgefast.stopping import Stop as NewStop  # noqa: PLC0415 - light, but only here
    from judgefast.stopping import may_listen  # noqa: PLC0415 - as above

    paths, rows = split_data(data)
    if paths:
        options["data"] = paths
    if "rubric" in options:
        options["rubric"] = os.fspath(options["rubric"])
    seated = judges_of([_plain(judge) for judge in judges], options, where="judgefast.run")
    own = NewStop() if stop is None else stop
    progress = is_terminal(sys.stderr) if progress is None else progress

    def start() -> PanelEnd:
        return run_panel(
            seated,
            Path(out),
            data=rows,
            side_by_side=side_by_side,
            alpha=alpha,
            stop=own,
            say=say,
            show_progress=progress,
        )

    if stop is None and may_listen():
        with own.on_signals(signal.SIGINT):
            ended = start()
        if ended.status == INTERRUPTED:
            raise KeyboardInterrupt
    else:
        ended = start()
    return Panel(out, ended=ended)


def _plain(judge: str | Mapping[str, Any]) -> str | Mapping[str, Any]:
    """A judge whose paths are text, and whose recorded run is its directory."""
    if isinstance(judge, str) or not hasattr(judge, "items"):
        return judge
    table = dict(judge)
    for key in ("rubric", "recorded", "tokenizer"):
        value = table.get(key)
        if isinstance(value, Run):
            table[key] = os.fspath(value.path)
        elif isinstance(value, os.PathLike):
            table[key] = os.fspath(value)
    return table
