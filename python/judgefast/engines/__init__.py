"""Judge engines by name. Adding one is a file here and a line in `_ENGINES`, or an entry point.

A third party registers a class under the entry-point group `judgefast.engines`; it is found by the
name of its entry point and built with the options of the command line, like one of ours.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from judgefast.engines.base import Engine

ENTRY_POINT_GROUP = "judgefast.engines"

# name -> (module, class, extra of the package that brings its dependencies)
_ENGINES: dict[str, tuple[str, str, str | None]] = {
    "embedded": ("judgefast.engines.embedded", "EmbeddedEngine", "embedded"),
    "replay": ("judgefast.engines.replay", "ReplayEngine", None),
    "vllm": ("judgefast.engines.vllm", "VllmEngine", "vllm"),
}


def engine_names() -> list[str]:
    """Names that `create_engine` takes, those of installed entry points included."""
    return sorted({*_ENGINES, *(entry.name for entry in entry_points(group=ENTRY_POINT_GROUP))})


def create_engine(name: str, /, **options: Any) -> Engine:  # noqa: ANN401 - each engine has its own
    """Import and build the engine called `name`; its dependencies load only here.

    Raises:
        ConfigError: No engine has that name, it does not take an option, or its optional
            dependencies are not installed.

    """
    extra = _ENGINES[name][2] if name in _ENGINES else None
    try:
        return _engine_class(name)(**options)  # type: ignore[no-any-return]  # an engine, by the table or its entry point
    except ModuleNotFoundError as error:
        if extra is None or (error.name or "").startswith("judgefast"):
            raise
        msg = f"engine `{name}` needs `{error.name}`, which is not installed"
        raise ConfigError(msg, hint=f"run `pip install 'judgefast[{extra}]'`") from error
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        option = str(error).rsplit("'", 2)[1]
        msg = f"engine `{name}` has no option `{option}`"
        raise ConfigError(
            msg, hint=f"see `judgefast run --help` and docs/engines.md for `{name}`"
        ) from None


def _engine_class(name: str) -> type:
    if name in _ENGINES:
        module, cls, _ = _ENGINES[name]
        return getattr(import_module(module), cls)  # type: ignore[no-any-return]  # an engine, by the table or its entry point
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        if entry.name == name:
            return entry.load()  # type: ignore[no-any-return]  # an engine, by the table or its entry point
    known = engine_names()
    close = get_close_matches(name, known, n=1)
    msg = f"no engine named `{name}`"
    hint = f"did you mean `{close[0]}`?" if close else f"engines: {', '.join(known)}"
    raise ConfigError(msg, hint=hint)
