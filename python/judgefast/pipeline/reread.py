"""A run's outputs, read by another parse rule: what that changes, and a run of its own of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from judgefast.codes import Status
from judgefast.errors import RunDirectoryError
from judgefast.files import sync_file, sync_folder
from judgefast.journal.lock import WriteLock
from judgefast.journal.manifest import NAME, RubricFacts, write_manifest
from judgefast.pipeline.compare import compare_runs
from judgefast.pipeline.estimates import estimates_of
from judgefast.pipeline.results import read_run_by
from judgefast.pipeline.verdict_codes import FIRST_VERDICT, VerdictCodes, pair_counts
from judgefast.reports.readings import Change, ReadingFacts, Reread

if TYPE_CHECKING:
    from judgefast.pipeline.results import Reading
    from judgefast.stats.differences import Difference

_KEPT = ("rows", "plan", "journal", "launches")
_FINAL = {".parquet", ".arrow"}
"""Files that nobody writes to again; both runs may share them."""


def reread(path: Path, rubric: str) -> tuple[Reread, Reading]:
    """Read a run by its own rubric and by another, which asks the same.

    Returns:
        What changed, and the run as the other rubric reads it.

    Raises:
        RunDirectoryError: It is no run directory, or its plan is not whole.
        ConfigError: The other rubric asks something else.

    """
    before, after = read_run_by(path, [None, rubric])
    codes = [VerdictCodes(*one.rubric.verdicts) for one in (before, after)]
    found = [code.code(one.verdicts) for code, one in zip(codes, (before, after), strict=True)]
    changes: dict[tuple[str, str], int] = {}
    for (old, new), count in pair_counts(*found).items():
        if codes[0].meaning(old) != codes[1].meaning(new):
            words = (codes[0].word(old), codes[1].word(new))
            changes[words] = changes.get(words, 0) + count
    ordered = sorted(changes.items(), key=lambda change: (-change[1], change[0]))
    listed = [Change(before=old, after=new, count=count) for (old, new), count in ordered]
    readings = [
        _facts(one, code, rows, name, changed)
        for one, code, rows, name, changed in zip(
            (before, after),
            codes,
            found,
            (before.rubric.name, rubric),
            ([], listed),
            strict=True,
        )
    ]
    gap = _difference(after, before, readings)
    return Reread(run=path.resolve().name, readings=readings, difference=gap), after


def _difference(after: Reading, before: Reading, readings: list[ReadingFacts]) -> Difference | None:
    """The headline of the one reading minus that of the other; None where one has none."""
    heads = [one.estimates[0] for one in readings if one.estimates]
    if len(heads) < len(readings) or any(head.value is None for head in heads):
        return None
    name = heads[0].name
    compared = compare_runs(after, before, slices=(), across=("parse", "rule"), names=[name])
    return compared.difference(name, heads[0].slice)


def check_new(target: Path) -> None:
    """Refuse a folder that is there, before anything is read.

    Raises:
        RunDirectoryError: It is there.

    """
    if target.exists():
        msg = f"`{target}` is there already"
        raise RunDirectoryError(msg, hint="name a folder that does not exist yet")


def write_reread(after: Reading, target: Path) -> None:
    """Make a run directory of a run as another rubric reads it. The old run stays as it is.

    Files that are final are linked where the file system can, else copied.

    Raises:
        RunDirectoryError: `target` is there already, the run is being written, or a file cannot
            be copied.

    """
    source = after.directory.path
    check_new(target)
    lock = WriteLock(source)  # whoever writes to the run would be copied in the middle of it
    try:
        target.mkdir(parents=True)  # fails where somebody has made it meanwhile: it stays theirs
        try:
            _write(after, target)
        except BaseException:  # raised again: no half of a copy stays
            shutil.rmtree(target, ignore_errors=True)
            raise
    except OSError as error:
        msg = f"cannot write `{target / NAME}` and the files beside it: {error.strerror or error}"
        raise RunDirectoryError(msg, hint="choose a folder that you may write to") from error
    finally:
        lock.release()


def _write(after: Reading, target: Path) -> None:
    source = after.directory.path
    for folder in _KEPT:
        if (source / folder).is_dir():
            shutil.copytree(source / folder, target / folder, copy_function=_linked)
    for path in target.rglob("*"):
        if path.is_dir():
            sync_folder(path)
    sync_folder(target)
    sync_folder(target.parent)
    rubric, manifest = after.rubric, after.directory.manifest
    facts = RubricFacts(
        name=rubric.name,
        toml=rubric.source,
        prompt_hash=manifest.rubric.prompt_hash,
        parse_hash=rubric.parse_hash,
    )
    # Last, since it is what makes a folder a run.
    write_manifest(target, msgspec.structs.replace(manifest, rubric=facts))


def _linked(source: str, target: str) -> str:
    if Path(source).suffix in _FINAL:
        try:
            os.link(source, target)
        except OSError:  # another file system, or one without links
            pass
        else:
            return target
    copied = str(shutil.copy2(source, target))
    sync_file(Path(copied))
    return copied


def _facts(
    one: Reading, codes: VerdictCodes, found: np.ndarray, name: str, changes: list[Change]
) -> ReadingFacts:
    counted = zip(*map(np.ndarray.tolist, np.unique(found, return_counts=True)), strict=True)
    unparsed = {
        codes.word(code): count
        for code, count in counted
        if code < FIRST_VERDICT and Status(code).part == "unparsed"
    }
    return ReadingFacts(
        name=name,
        parsed=int((found >= FIRST_VERDICT).sum()),
        unparsed=unparsed,
        repaired=int(one.verdicts.repaired.sum()),
        changed=sum(change.count for change in changes),
        changes=changes,
        estimates=estimates_of(one),
    )
