"""Every engine that could be had here: what it is, what it can do, what there is to install.

No engine is built. Its class says what it can do and which distributions it drives, so that their
versions are read from the files beside them and nothing heavy is imported.
"""

from __future__ import annotations

import contextlib
import sys
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import Any

import msgspec

from judgefast.engines import ENTRY_POINT_GROUP, built_in, engine_class
from judgefast.prompts.decoding import Capabilities


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An engine, as far as it is known without starting it."""

    name: str
    distribution: str
    """Which brings it."""
    version: str | None
    """Of the distribution."""
    installed: bool
    """Whether it and all that it drives are there."""
    drives: dict[str, str | None]
    """Version of each distribution that it needs; None: not installed."""
    install: str | None = None
    """Command that brings what is missing."""
    error: str | None = None
    """Why its class cannot be had."""
    capabilities: Capabilities | None = None
    """None: known once it is built and started."""
    sealed: bool | None = None
    """Whether texts of others are kept from being read as control tokens; None: not known, or no
    text is rendered."""


def list_engines() -> list[Listed]:
    """All engines, ours first, each kind by name."""
    ours = [_ours(name, extra) for name, extra in sorted(built_in().items())]
    seen = {one.name for one in ours}
    others = []
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda each: each.name):
        others.append(_theirs(entry, is_hidden=entry.name in seen))
        seen.add(entry.name)
    return ours + others


def _ours(name: str, extra: str | None) -> Listed:
    missing: dict[str, str | None] = {}
    found: type | None = None
    try:
        found = engine_class(name)
    except ModuleNotFoundError as error:  # it cannot even be read without what it drives
        if extra is None or (error.name or "").startswith("judgefast"):
            raise
        missing = {str(error.name): None}
    drives = missing or _versions(found)
    return Listed(
        name=name,
        distribution="judgefast",
        version=_version("judgefast"),
        installed=None not in drives.values(),
        drives=drives,
        install=f"pip install 'judgefast[{extra}]'" if None in drives.values() else None,
        **_abilities(found),
    )


def _theirs(entry: EntryPoint, *, is_hidden: bool) -> Listed:
    """An engine of another distribution, which may be broken in any way."""
    brings = entry.dist.name if entry.dist else "unknown"
    found: Any = None
    error = "another engine of that name comes before it" if is_hidden else None
    if not is_hidden:
        try:
            with contextlib.redirect_stdout(sys.stderr):  # ours is for data
                found = entry.load()
        except (Exception, SystemExit) as caught:  # noqa: BLE001 - the others are listed
            error = f"{type(caught).__name__}: {caught}".partition("\n")[0]
    drives = _versions(found)
    missing = [name for name, at in drives.items() if at is None]
    return Listed(
        name=entry.name,
        distribution=brings,
        version=entry.dist.version if entry.dist else None,
        installed=error is None and not missing,
        drives=drives,
        install=f"pip install {' '.join(missing)}" if missing else None,
        error=error,
        **_abilities(found),
    )


def _versions(engine: type | None) -> dict[str, str | None]:
    names = getattr(engine, "drives", ())
    return {str(name): _version(str(name)) for name in names}


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _abilities(engine: type | None) -> dict[str, Any]:
    """What the class itself says; one that decides when it is built says nothing yet."""
    found = getattr(engine, "capabilities", None)
    if not isinstance(found, Capabilities):
        return {}
    sealed = {"ids": True, "text": False, "chat": False}.get(found.takes)
    return {"capabilities": found, "sealed": sealed}
