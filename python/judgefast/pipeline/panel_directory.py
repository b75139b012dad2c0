"""The directory of a panel: `panel.json`, and an ordinary run directory for each judge."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import msgspec

from judgefast import _native
from judgefast.codes import AlphaScale  # noqa: TC001 - msgspec reads annotations
from judgefast.errors import ConfigError, JudgefastError, RunDirectoryError
from judgefast.files import COPY_BACK, TEMPORARY, write_whole
from judgefast.formats import FORMAT, decode_json
from judgefast.journal.manifest import NAME as MANIFEST
from judgefast.journal.manifest import PANEL as NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

JUDGES = "judges"
"""Folder that holds a run directory for each judge."""
TOKENS = "tokens"
"""Folder of token ids that judges of one tokenizer share."""
DISAGREEMENTS = "disagreements.jsonl"
"""File of the items that a person should look at."""
LISTS = "lists.json"
"""sha256 of each such file, as it was written last."""

_OURS = {NAME, NAME + TEMPORARY, JUDGES, TOKENS, "lock"}

JUDGE_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}"
"""What names of judges match: each names a folder."""


class JudgeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One judge of a panel."""

    name: Annotated[str, msgspec.Meta(pattern=rf"\A{JUDGE_NAME}\Z")]
    """Its run directory is `judges/NAME`."""
    config: dict[str, Any]
    """The options of its run, as `--config` takes them, but `out`."""


class PanelFile(msgspec.Struct, frozen=True, kw_only=True):
    """`panel.json`: who judges. Everything else is in the run directories."""

    format: int = FORMAT
    created: str
    """UTC, ISO 8601."""
    judgefast: str
    """Version of the program that made the directory."""
    judges: Annotated[list[JudgeEntry], msgspec.Meta(min_length=1)]
    """In the order in which they were given."""
    side_by_side: bool = False
    """Whether they were started together, which a resume does too."""
    alpha: AlphaScale | None = None
    """Scale that alpha is of; None for what the values are."""


def is_panel(folder: Path) -> bool:
    """Whether a folder is that of a panel."""
    return (folder / NAME).is_file()


def run_folder(folder: Path, judge: str) -> Path:
    """Run directory of one judge."""
    return folder / JUDGES / judge


def check_list_folder(folder: Path) -> None:
    """Refuse, before anybody is paid, a panel whose list of disagreements could not be written.

    Raises:
        RunDirectoryError: A folder stands in its place.

    """
    path = folder / DISAGREEMENTS
    if path.is_dir():
        msg = f"`{path}` is a folder, and what a person should look at is written there"
        raise RunDirectoryError(msg, hint="move it away")


def read_panel(folder: Path) -> PanelFile:
    """Read `panel.json`.

    Raises:
        RunDirectoryError: It is not there, cannot be read, or is of an unknown format.

    """
    path = folder / NAME
    try:
        data = path.read_bytes()
    except OSError as error:
        msg = f"`{folder}` is no panel: it has no readable {NAME}"
        raise RunDirectoryError(msg, hint="name the folder that several judges were given") from (
            error
        )
    try:
        panel = decode_json(path, data, PanelFile)
    except msgspec.DecodeError as error:
        msg = f"`{path}` cannot be read: {error}"
        raise RunDirectoryError(msg, hint=COPY_BACK) from error
    if len({entry.name for entry in panel.judges}) < len(panel.judges):
        msg = f"`{path}` cannot be read: it names a judge twice"
        raise RunDirectoryError(msg, hint=COPY_BACK)
    return panel


@contextmanager
def panel_written(
    folder: Path,
    entries: Sequence[JudgeEntry],
    *,
    side_by_side: bool,
    alpha: AlphaScale | None = None,
) -> Iterator[PanelFile]:
    """Write who judges, or that more do; where the start is then refused, put back what was there.

    A judge that is there keeps its place. What was refused is no part of the panel: its judges
    would be missing in every report from now on. New ones that have begun all the same stay.

    Raises:
        ConfigError: A judge that has begun is not among them.
        RunDirectoryError: The folder holds a run, or other things; a folder stands where the list
            of disagreements is written; or the disk is full or fails.

    """
    check_list_folder(folder)
    before = read_panel(folder) if is_panel(folder) else None
    panel = _write_named(folder, entries, side_by_side=side_by_side, alpha=alpha)
    try:
        yield panel
    except JudgefastError:
        if before is not None:
            known = {entry.name for entry in before.judges}
            new = [one for one in panel.judges if one.name not in known]
            begun = [one for one in new if _has_begun(folder, one.name)]
            _write(folder, msgspec.structs.replace(before, judges=before.judges + begun))
        raise


def _write_named(
    folder: Path,
    entries: Sequence[JudgeEntry],
    *,
    side_by_side: bool,
    alpha: AlphaScale | None = None,
) -> PanelFile:
    """Write who judges: first those that are there, if they have begun or are named again."""
    known: list[JudgeEntry] = []
    created = datetime.now(UTC).isoformat(timespec="seconds")
    if is_panel(folder):
        before = read_panel(folder)
        known, created = before.judges, before.created
    else:
        _refuse_foreign(folder)
    named = {entry.name: entry for entry in entries}
    known = [one for one in known if one.name in named or _has_begun(folder, one.name)]
    left_out = [entry.name for entry in known if entry.name not in named]
    if left_out:
        _refuse_left_out(folder, left_out, [entry.name for entry in entries])
    order = dict.fromkeys([entry.name for entry in known] + list(named))
    panel = PanelFile(
        created=created,
        judgefast=_native.__version__,
        judges=[named[name] for name in order],
        side_by_side=side_by_side,
        alpha=alpha,
    )
    _write(folder, panel)
    return panel


def _write(folder: Path, panel: PanelFile) -> None:
    data = msgspec.json.format(msgspec.json.encode(panel), indent=2)
    write_whole(folder / NAME, data + b"\n")


def _has_begun(folder: Path, judge: str) -> bool:
    return (run_folder(folder, judge) / MANIFEST).is_file()


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder that is no panel's and not empty."""
    if (folder / MANIFEST).is_file():
        msg = f"`{folder}` holds the run of one judge"
        hint = "name another --out; `judgefast agree` joins runs that are there"
        raise RunDirectoryError(msg, hint=hint)
    held = sorted(entry.name for entry in folder.iterdir() if entry.name not in _OURS)
    if held:
        more = f" and {len(held) - 1:,} more" if len(held) > 1 else ""
        msg = f"`{folder}` is no panel: it holds `{held[0]}`{more}"
        raise RunDirectoryError(msg, hint="choose a new or an empty folder")


def _refuse_left_out(folder: Path, left_out: Sequence[str], given: Sequence[str]) -> NoReturn:
    names = ", ".join(f"`{name}`" for name in left_out)
    msg = f"`{folder}` has judges that are not named now: {names}"
    hint = f"name them too, or go on by `judgefast resume`; given: {', '.join(given)}"
    raise ConfigError(msg, hint=hint)
