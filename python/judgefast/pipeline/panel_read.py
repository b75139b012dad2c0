"""The runs of several judges, read: of a panel's directory, or finished ones from anywhere."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from judgefast.config import config_from
from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.journal.manifest import NAME as MANIFEST
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.item_view import view_item
from judgefast.pipeline.panel_alpha import check_alpha
from judgefast.pipeline.panel_directory import read_panel, run_folder
from judgefast.pipeline.panel_join import Joined, Seated, join
from judgefast.pipeline.panel_judges import refuse_reserved
from judgefast.pipeline.panel_results import Verdicts, panel_report, verdicts_of
from judgefast.pipeline.panel_rows import (
    disagreement_batches,
    disagreements_schema,
    panel_batches,
    panel_schema,
    units_of,
)
from judgefast.pipeline.results import READING, read_run
from judgefast.reports.export import check_target, write_table
from judgefast.reports.panel_view import PanelItem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgefast.codes import AlphaScale
    from judgefast.pipeline.panel_directory import JudgeEntry
    from judgefast.reports.panel_report import PanelReport
    from judgefast.reports.show import ItemView

TABLES = ("panel", "disagreements")
"""Tables of several judges."""


class PanelReading(NamedTuple):
    """Several judges, read: what their report, tables and views are made from."""

    name: str
    """Of the panel; empty for runs that were made apart."""
    folder: Path | None
    """Of the panel; None as well."""
    joined: Joined
    verdicts: Verdicts
    not_started: list[str]
    alpha: AlphaScale | None
    """Scale that alpha is of; None for what the values are."""

    def report(self) -> PanelReport:
        """Everything that is known of them."""
        return panel_report(
            self.joined,
            self.verdicts,
            panel=self.name,
            not_started=self.not_started,
            alpha=self.alpha,
        )

    def batches(self, name: str) -> pa.RecordBatchReader:
        """Stream a table.

        Raises:
            ConfigError: There is none of that name.

        """
        if name not in TABLES:
            close = get_close_matches(name, TABLES, n=1)
            msg = f"no table of several judges named `{name}`; tables: {', '.join(TABLES)}"
            hint = f"did you mean `{close[0]}`?" if close else "other tables are those of one run"
            raise ConfigError(msg, hint=hint)
        if name == "disagreements":
            return self._disagreements()
        return pa.RecordBatchReader.from_batches(
            panel_schema(self.joined.judges), panel_batches(self.joined, self.verdicts)
        )

    def write_disagreements(self, path: Path, *, overwrite: bool, most: int | None = None) -> int:
        """Write the file of the items that a person should look at; returns how many it has.

        Args:
            path: The file.
            overwrite: Replace a file that is there.
            most: Items, at most; None for all.

        Raises:
            ConfigError: As `write_table`.

        """
        check_target(path, overwrite=overwrite)
        return write_table(self._disagreements(most), path, overwrite=overwrite)

    def _disagreements(self, most: int | None = None) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(
            disagreements_schema(self.joined.judges),
            disagreement_batches(self.joined, self.verdicts, most=most),
        )

    def show(self, item_id: str) -> PanelItem:
        """Gather what every judge has said of one item.

        Raises:
            ConfigError: No run has it.

        """
        views: dict[str, ItemView] = {}
        refused: ConfigError | None = None
        for judge, reading in zip(self.joined.judges, self.joined.readings, strict=True):
            try:
                views[judge] = view_item(reading, item_id)
            except ConfigError as error:
                refused = refused or error
        if not views:
            assert refused is not None  # there is at least one judge
            raise refused
        missing = [judge for judge in self.joined.judges if judge not in views]
        return PanelItem(
            item_id=item_id,
            judges=views,
            units=units_of(self.joined, self.verdicts, item_id),
            not_judged_by=missing,
        )


def read_judges(
    folder: Path,
    *,
    alpha: AlphaScale | None = None,
    **changes: Any,  # noqa: ANN401 - options of a run
) -> PanelReading:
    """Read a panel as its journals stand.

    Args:
        folder: Its directory.
        alpha: Scale that alpha is of; None for what the panel was last started with.
        changes: Options of `READING`, in place of those that the panel was last started with.

    Raises:
        ConfigError: What the judges give is not on the scale of `alpha`.
        RunDirectoryError: It is no panel, or none of its judges has a whole plan.

    """
    panel = read_panel(folder)
    planned = [one for one in panel.judges if _is_planned(run_folder(folder, one.name))]
    not_started = [one.name for one in panel.judges if one not in planned]
    if not planned:
        msg = f"no judge of `{folder}` has begun"
        raise RunDirectoryError(msg, hint=f"go on with `judgefast resume {folder}`")
    judges = [
        Seated(one.name, read_run(run_folder(folder, one.name), **(_last(folder, one) | changes)))
        for one in planned
    ]
    joined = join(judges)
    alpha = alpha or panel.alpha
    check_alpha(alpha, [one.reading.rubric for one in judges])
    name = folder.resolve().name
    return PanelReading(name, folder, joined, verdicts_of(joined), not_started, alpha)


def read_runs(
    runs: Sequence[tuple[str | None, Path]],
    *,
    across: Sequence[str] = (),
    alpha: AlphaScale | None = None,
    **changes: Any,  # noqa: ANN401 - as above
) -> PanelReading:
    """Read finished runs as one panel.

    All are read by the baseline and the level of the first, unless `changes` has others.

    Args:
        runs: Each with the name of its judge; None for that of its folder.
        across: `data`, to join runs of different data by the ids that they share.
        alpha: Scale that alpha is of; None for what the values are.
        changes: Options of `READING`, in place of the runs' own.

    Raises:
        ConfigError: Fewer than two runs, one of them twice, or they cannot be joined; the message
            says why.
        RunDirectoryError: One is no run directory, or its plan is not whole.

    """
    if len(runs) <= 1:
        msg = f"{len(runs)} run cannot agree with another"
        raise ConfigError(msg, hint="name two or more: judgefast agree runs/a runs/b")
    judges: list[Seated] = []
    names = _names(runs)
    for name, (_, path) in zip(names, runs, strict=True):
        refuse_reserved(name, f"`{path}`", hint="give it another: NAME=RUN")
        judges.append(Seated(name, read_run(path, **(_of_first(judges) | changes))))
    _refuse_twins(judges)
    joined = join(judges, admitted=across)
    check_alpha(alpha, [one.reading.rubric for one in judges])
    return PanelReading("", None, joined, verdicts_of(joined), [], alpha)


def _last(folder: Path, entry: JudgeEntry) -> dict[str, Any]:
    """How a judge was to be read when the panel was last started; its run has the first such."""
    config = config_from(entry.config, where=f"`{folder}`, judge `{entry.name}`")
    return {name: getattr(config, name) for name in READING}


def _of_first(judges: Sequence[Seated]) -> dict[str, Any]:
    if not judges:
        return {}
    config = judges[0].reading.config
    return {"baseline": config.baseline, "level": config.level}


def _refuse_twins(judges: Sequence[Seated]) -> None:
    """Refuse a run that is given twice, or a copy of it: it would agree with itself."""
    for at, judge in enumerate(judges):
        for other in judges[:at]:
            one, two = (each.reading.directory for each in (other, judge))
            if one.manifest == two.manifest:
                is_copy = one.path.resolve() != two.path.resolve()
                more = f"; `{two.path}` is a copy" if is_copy else ""
                msg = f"`{other.name}` and `{judge.name}` are one run, `{one.path}`{more}"
                raise ConfigError(msg, hint="name runs of different judges")


def _names(runs: Sequence[tuple[str | None, Path]]) -> list[str]:
    """Names of judges: those given, else of the folders, by as many parts as tell all apart."""
    paths = [path.resolve() for _, path in runs]
    given = {name for name, _ in runs if name}
    unnamed = {path for path, (name, _) in zip(paths, runs, strict=True) if not name}
    called: dict[Path, str] = {}
    for parts in range(1, max(len(path.parts) for path in paths) + 1):
        called = {path: "/".join(path.parts[-parts:]) for path in unnamed}
        if len({*given, *called.values()}) == len(given) + len(unnamed):
            break
    return [name or called[path] for path, (name, _) in zip(paths, runs, strict=True)]


def _is_planned(folder: Path) -> bool:
    if not (folder / MANIFEST).is_file():
        return False
    return RunDirectory.open(folder, write=False).plan_complete()
