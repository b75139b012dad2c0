"""Several judges over one data set: each an ordinary run, one after the other or side by side."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from judgefast.config import config_from
from judgefast.datasets.layouts import WITHOUT_TEXTS
from judgefast.errors import (
    ConfigError,
    DataError,
    JudgefastError,
    RubricError,
    RunDirectoryError,
)
from judgefast.journal.manifest import NAME as MANIFEST
from judgefast.journal.manifest import read_manifest
from judgefast.pipeline.directory import can_read_again, options_in_force, take_folder
from judgefast.pipeline.finished import Finished
from judgefast.pipeline.judge import rubric_in_force
from judgefast.pipeline.own_family import answers_by_model, refuse_own
from judgefast.pipeline.panel_abreast import abreast
from judgefast.pipeline.panel_alpha import check_alpha
from judgefast.pipeline.panel_check import check_extension, check_judges, check_named
from judgefast.pipeline.panel_directory import (
    TOKENS,
    JudgeEntry,
    check_list_folder,
    panel_written,
    read_panel,
    run_folder,
)
from judgefast.pipeline.panel_end import INTERRUPTED, JudgeEnd, PanelEnd, listed
from judgefast.pipeline.panel_judges import PanelJudge, token_folders
from judgefast.pipeline.run import resume as resume_run
from judgefast.pipeline.run import run as run_one
from judgefast.pipeline.shared_rows import SharedRows
from judgefast.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.codes import AlphaScale
    from judgefast.datasets.columns import ItemColumns

_MISTAKES = (ConfigError, DataError, RubricError)
"""Errors that end all while no judge has begun. Afterwards they end one, and the others go on."""


class FamilyError(ConfigError):
    """A judge would judge its own family. It ends all: nothing has been asked."""


class RowsError(DataError):
    """The rows that all judge cannot be read. It ends all, and is no judge's fault."""


def run_panel(  # noqa: PLR0913 - what a caller may bring along, all by keyword
    judges: Sequence[PanelJudge],
    out: Path,
    *,
    data: Any = None,  # noqa: ANN401 - whatever `read_items` takes
    side_by_side: bool = False,
    alpha: AlphaScale | None = None,
    stop: Stop | None = None,
    say: Callable[[str], None],
    show_progress: bool = True,
) -> PanelEnd:
    """Judge, or go on judging, by each judge.

    The data is read once, by the first judge that reads texts; the others have its rows.

    Args:
        judges: From `judges_of`.
        out: Directory of the panel; made if it is missing.
        data: Rows in memory, a data frame or paths, instead of `config.data`.
        side_by_side: Start all together, each in a thread.
        alpha: Scale that the report's alpha is of; None for what the values are.
        stop: Where a wish to end is noticed; it ends all.
        say: Told what a person should know.
        show_progress: Whether progress is written to stderr; never where judges go side by side.

    Raises:
        JudgefastError: An option or the data is wrong, or no judge could begin.

    """
    check_extension(judges, data)
    check_named(judges, out, data)
    checked = check_judges(judges)
    if alpha is not None:
        check_alpha(alpha, [rubric_in_force(judge.config) for judge in judges])
    judges = [
        judge._replace(engine=checked.replays.get(judge.name, judge.engine)) for judge in judges
    ]
    lock = take_folder(out)
    try:
        entries = [JudgeEntry(name=one.name, config=_kept(one)) for one in judges]
        with panel_written(out, entries, side_by_side=side_by_side, alpha=alpha) as panel:
            order = [entry.name for entry in panel.judges]
            seated = sorted(judges, key=lambda one: order.index(one.name))
            folders = token_folders(seated, out / TOKENS)
            if data is not None and can_read_again(data):
                names = [data] if isinstance(data, str | Path) else data
                given = {"data": tuple(map(str, names))}
                data = None
            else:
                given = {}
            seats = [
                _Seat(
                    judge._replace(
                        config=judge.config.replace(
                            **given,
                            out=str(run_folder(out, judge.name)),
                            **_token_cache(folders, judge.name),
                        )
                    ),
                    model=checked.models.get(judge.name),
                )
                for judge in seated
            ]
            ended = _Panel(out, seats, data, stop or Stop(), say, show_progress).end(
                side_by_side=side_by_side
            )
        return listed(ended)
    finally:
        for judge in judges:  # those whose turn never came, too
            if judge.engine is not None:
                judge.engine.close()
        lock.release()


def resume_panel(
    out: Path,
    *,
    stop: Stop | None = None,
    say: Callable[[str], None],
    show_progress: bool = True,
    **changes: Any,  # noqa: ANN401 - options of a run
) -> PanelEnd:
    """Go on with each judge of a panel, by the options that it was started with.

    Args:
        out: Directory of the panel.
        stop: As for `run_panel`, like the other arguments.
        say: As there.
        show_progress: As there.
        changes: As for `resume` of a run, for every judge.

    Raises:
        ConfigError: One budget is given for several judges.
        JudgefastError: As for `run_panel`.

    """
    panel = read_panel(out)
    check_list_folder(out)
    if changes.get("budget") and len(panel.judges) > 1:
        msg = f"one `budget` is given for {len(panel.judges)} judges"
        hint = f"resume each by itself: judgefast resume {run_folder(out, panel.judges[0].name)}"
        raise ConfigError(msg, hint=hint)
    lock = take_folder(out)
    try:
        configs = [
            (entry.name, config_from(entry.config, where=f"`{out}`, judge `{entry.name}`"))
            for entry in panel.judges
        ]
        judges = [PanelJudge(name, config) for name, config in configs]
        folders = token_folders(judges, out / TOKENS)
        seats = [
            _Seat(
                judge._replace(
                    config=judge.config.replace(
                        out=str(run_folder(out, judge.name)), **_token_cache(folders, judge.name)
                    )
                ),
                is_resumed=True,
                changes=changes,
            )
            for judge in judges
        ]
        return listed(
            _Panel(out, seats, None, stop or Stop(), say, show_progress).end(
                side_by_side=panel.side_by_side
            )
        )
    finally:
        lock.release()


def _kept(judge: PanelJudge) -> dict[str, Any]:
    options = options_in_force(judge.config)
    options.pop("out", None)
    return options


def _token_cache(folders: dict[str, str], name: str) -> dict[str, str]:
    return {"token_cache": folders[name]} if name in folders else {}


class _Seat(NamedTuple):
    """A judge, and how it is started."""

    judge: PanelJudge
    is_resumed: bool = False
    """Go on without reading the data again, where its run is there."""
    model: str | None = None
    """Name of its judge model, where that is known before it starts."""
    changes: dict[str, Any] = {}  # noqa: RUF012 - of a tuple, and never written to

    @property
    def folder(self) -> Path:
        """Its run directory."""
        return Path(str(self.judge.config.out))

    @property
    def has_run(self) -> bool:
        """Whether its run has been made."""
        return (self.folder / MANIFEST).is_file()


class _Panel:
    """One start of a panel."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of a start, in its order
        self,
        path: Path,
        seats: Sequence[_Seat],
        data: Any,  # noqa: ANN401 - whatever `read_items` takes
        stop: Stop,
        say: Callable[[str], None],
        show_progress: bool,  # noqa: FBT001 - as above
    ) -> None:
        self._path = path
        self._seats = seats
        self._data = data
        self._stop = stop
        self._say = say
        self._show_progress = show_progress
        # Who reads texts leads: rows that were read without them are of no use to it.
        self._lead = next((s for s in seats if s.judge.config.engine != "replay"), seats[0])

    def end(self, *, side_by_side: bool) -> PanelEnd:
        """Start the judges, and say how they ended.

        Raises:
            JudgefastError: What none of them can go on with, or what the only ones that began say.

        """
        order = [self._lead, *(seat for seat in self._seats if seat is not self._lead)]
        if side_by_side and len(order) > 1:
            ended = abreast(
                [(seat.judge.name, partial(self._one, seat)) for seat in order],
                is_ready=lambda: any(seat.has_run for seat in self._seats),
                stop=self._stop,
                say=self._say,
            )
        else:
            ended = self._in_turn(order)
        ends = [ended.get(s.judge.name, JudgeEnd(s.judge.name)) for s in self._seats]
        interrupted = self._stop.requested or any(end.status == INTERRUPTED for end in ends)
        errors = [end.error for end in ends if end.error is not None]
        if errors and not interrupted and not any(end.finished for end in ends):
            raise errors[0]
        return PanelEnd(self._path, ends, interrupted)

    def _in_turn(self, order: Sequence[_Seat]) -> dict[str, JudgeEnd]:
        ended: dict[str, JudgeEnd] = {}
        for at, seat in enumerate(order, start=1):
            if self._stop.requested:
                break
            self._say(f"judge {at} of {len(order)}: {seat.judge.name}")
            ended[seat.judge.name] = self._one(seat, self._stop, self._say)
        return ended

    def _one(self, seat: _Seat, stop: Stop, say: Callable[[str], None]) -> JudgeEnd:
        name = seat.judge.name
        is_alone = stop is self._stop
        try:
            finished = self._start(seat, stop, say, show_progress=self._show_progress and is_alone)
        except JudgefastError as error:
            is_begun = any(one.has_run for one in self._seats)
            if isinstance(error, FamilyError | RowsError):
                raise
            if isinstance(error, RunDirectoryError) or (
                isinstance(error, _MISTAKES) and not is_begun
            ):
                msg = f"judge `{name}`: {error}"
                raise type(error)(msg, hint=error.hint) from error
            say(f"judge {name} cannot judge: {error}")
            if error.hint:
                say(f"hint: {error.hint}")
            return JudgeEnd(name, error=error)
        return JudgeEnd(name, finished)

    def _start(
        self, seat: _Seat, stop: Stop, say: Callable[[str], None], *, show_progress: bool
    ) -> Finished:
        judge = seat.judge
        if seat.is_resumed and seat.has_run:
            return resume_run(
                seat.folder, stop=stop, say=say, show_progress=show_progress, **seat.changes
            )
        config = judge.config.replace(**seat.changes) if seat.changes else judge.config
        data, is_read = self._data_for(seat), False

        def check(items: ItemColumns) -> None:
            nonlocal is_read
            is_read = True
            self._refuse_own(items)

        try:
            finished = run_one(
                config,
                data=data,
                recorded=judge.recorded,
                engine=judge.engine,
                stop=stop,
                say=say,
                show_progress=show_progress,
                check=check,
            )
        except DataError as error:
            is_own = config.engine == "replay" and not config.data  # what its recordings name
            if is_read or is_own or isinstance(data, SharedRows):
                raise
            raise RowsError(str(error), hint=error.hint) from None
        assert isinstance(finished, Finished)  # it was no dry run
        return finished

    def _refuse_own(self, items: ItemColumns) -> None:
        """Refuse a judge of a candidate's own family before another one has been paid."""
        answers = answers_by_model(items)
        for seat in self._seats:
            if seat.model is None or seat.has_run:
                continue
            try:
                refuse_own(seat.judge.config, seat.model, answers)
            except ConfigError as error:
                msg = f"judge `{seat.judge.name}`: {error}"
                raise FamilyError(msg, hint=error.hint) from None

    def _data_for(self, seat: _Seat) -> Any:  # noqa: ANN401 - as above
        """What a judge reads: rows of another judge, the data, or None for `config.data`."""
        config = seat.judge.config
        others = [one for one in self._seats if one is not seat and one.has_run]
        is_given = self._data is not None or bool(config.data)
        again = self._data is None and can_read_again(list(config.data))
        if (
            not is_given
            or config.extend
            or config.no_texts
            or (seat is self._lead and not seat.is_resumed)
        ):
            return self._data
        if not others:
            if seat.is_resumed and not again:
                msg = f"`{self._path}` has no rows yet, and its data cannot be read again"
                raise RunDirectoryError(msg, hint="start the command again that it began with")
            return self._data
        source = others[0].folder  # all have read the same rows
        layout = read_manifest(source).data.layout
        if layout == WITHOUT_TEXTS.name and again:
            return None  # how many answers a row has is each replay's own to say
        return SharedRows(source)
