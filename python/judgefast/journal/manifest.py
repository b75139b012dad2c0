"""What a run is: everything that must stay the same while its directory grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.errors import RunDirectoryError
from judgefast.files import COPY_BACK, write_whole
from judgefast.formats import FORMAT, decode_json

if TYPE_CHECKING:
    from pathlib import Path

NAME = "manifest.json"

PANEL = "panel.json"
"""What the directory of several judges has in its place; each judge's own is below it."""


class RubricFacts(msgspec.Struct, frozen=True):
    """The rubric, whole, and the two hashes of it."""

    name: str
    toml: str
    prompt_hash: str
    """64 hex digits over what the judge sees."""
    parse_hash: str
    """64 hex digits over how its answer is read."""


class DataFile(msgspec.Struct, frozen=True):
    """One file that items were read from."""

    path: str
    bytes: int | None
    """None for stdin and rows in memory."""


class DataFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The items and where they came from."""

    identity: str
    """Sum of the item hashes mod 2^128, hex: free of order and of how the files are cut."""
    items: int
    read: int
    """Rows; `items` plus all of `skipped`."""
    skipped: dict[str, int] = {}
    skipped_examples: dict[str, list[str]] = {}
    """Up to three of each reason: place, field, what was seen."""
    empty_answers: dict[str, int] = {}
    """By model."""
    identical_rows: int = 0
    """Rows without id that repeat an earlier one."""
    replaced_surrogates: int = 0
    """Lone surrogates that became U+FFFD."""
    files: tuple[DataFile, ...] = ()
    layout: str = ""
    mapping: dict[str, str] = {}
    texts: bool = True
    """Whether `rows/` holds the texts, or their hashes alone."""


class ModelFacts(msgspec.Struct, frozen=True):
    """The judge model."""

    name: str
    digest: str
    tokenizer: str
    """sha256 of the tokenizer file, hex; empty where the server keeps it."""


class EngineFacts(msgspec.Struct, frozen=True):
    """The engine of the first launch; that of each is in `launches/`."""

    name: str
    options: dict[str, Any] = {}
    """What was given, and what was tuned."""
    tuned: dict[str, Any] = {}
    """Of them those that a sweep has found, as they were when the run was made: every launch has
    the same."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`manifest.json` of a run directory."""

    format: int = FORMAT
    created: str
    """UTC, ISO 8601."""
    judgefast: str
    """Version of the program that made the directory."""
    config: dict[str, Any]
    """Every option, as `--config` takes it, so that the run can be made again."""
    rubric: RubricFacts
    data: DataFacts
    judge: str
    model: ModelFacts
    engine: EngineFacts
    seeds: dict[str, int] = {}
    options: dict[str, Any] = {}
    """What shapes the plan: `mode`, `orders`, `repeats`, `limit`, `pairs`, …"""
    estimate: dict[str, Any] | None = None
    """What was foretold of the run before its engine started: a `Forecast` of
    `journal/forecast.py`. None before there is a plan, and where nothing is computed."""


def read_manifest(folder: Path) -> Manifest:
    """Read `manifest.json`.

    Raises:
        RunDirectoryError: It is not there, cannot be read, or is of an unknown format.

    """
    path = folder / NAME
    try:
        data = path.read_bytes()
    except OSError as error:
        refuse_panel(folder)
        message = f"`{folder}` is no run directory: it has no readable {NAME}"
        raise RunDirectoryError(message, hint="name the folder that a run was given") from error
    try:
        return decode_json(path, data, Manifest)
    except msgspec.DecodeError as error:
        message = f"`{path}` cannot be read: {error}"
        raise RunDirectoryError(message, hint=COPY_BACK) from error


def refuse_panel(folder: Path) -> None:
    """Refuse the directory of several judges where that of one run is wanted.

    Raises:
        RunDirectoryError: It is one; the hint names the runs in it.

    """
    if not (folder / PANEL).is_file():
        return
    runs = [f"`{path.parent}`" for path in sorted(folder.glob(f"judges/*/{NAME}"))]
    message = f"`{folder}` holds several judges, and this takes the run of one"
    hint = f"name one of them: {', '.join(runs)}" if runs else "none of them has begun"
    raise RunDirectoryError(message, hint=hint)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json`, whole or not at all."""
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    write_whole(folder / NAME, data + b"\n")


def compare(old: Manifest, new: Manifest) -> list[str]:
    """What makes `new` another run than `old`, in words; empty if nothing does.

    Each begins with what differs and a colon: `rubric`, `data`, `judge`, `model`, `seeds` or
    `options`. Program, engine, file names and creation time may differ within one run.

    Examples:
        `rubric: prompt_hash 12ab34cd… -> 98cd76ef…`

    """
    differences: list[str] = []
    for part, fields in _COMPARED.items():
        before, after = getattr(old, part), getattr(new, part)
        for field in fields:
            one, two = getattr(before, field), getattr(after, field)
            if one != two:
                differences.append(f"{part}: {field} {_short(one)} -> {_short(two)}")
    if old.data.identity != new.data.identity and old.data.items != new.data.items:
        differences.append(f"data: items {old.data.items:,} -> {new.data.items:,}")
    if old.judge != new.judge:
        differences.append(f"judge: {old.judge} -> {new.judge}")
    for part in ("seeds", "options"):
        before, after = getattr(old, part), getattr(new, part)
        for name in sorted(before.keys() | after.keys()):
            usual = _USUAL.get(name)
            one, two = before.get(name, usual), after.get(name, usual)
            if one != two:
                differences.append(f"{part}: {name} {_short(one)} -> {_short(two)}")
    return differences


_COMPARED = {
    "rubric": ("prompt_hash", "parse_hash"),
    "data": ("identity", "texts"),
    "model": ("name", "digest", "tokenizer"),
}
_USUAL = {"pairs": "all"}
"""What an option is where a manifest does not name it."""

_SHOWN_HEX = 8


def _short(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    is_hash = len(text) > 2 * _SHOWN_HEX and set(text) <= set("0123456789abcdef")
    return f"{text[:_SHOWN_HEX]}…" if is_hash else text or "(empty)"
