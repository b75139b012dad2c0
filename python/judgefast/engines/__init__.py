"""Judge engines by name. Adding one is a file here and a line in `_ENGINES`, or an entry point.

A third party registers a class under the entry-point group `judgefast.engines`; it is found by the
name of its entry point and built with the options of the command line, like one of ours.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from inspect import signature
from typing import TYPE_CHECKING, Any

from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from msgspec import Struct

    from judgefast.engines.base import Engine

ENTRY_POINT_GROUP = "judgefast.engines"

_ALIKE = 3
"""Options that are named where one is not known."""

# name -> (module, class, extra of the package that brings its dependencies)
_ENGINES: dict[str, tuple[str, str, str | None]] = {
    "decisions": ("judgefast.engines.decisions", "DecisionsEngine", "http"),
    "embedded": ("judgefast.engines.embedded", "EmbeddedEngine", "embedded"),
    "http": ("judgefast.engines.http", "HttpEngine", "http"),
    "replay": ("judgefast.engines.replay", "ReplayEngine", None),
    "vllm": ("judgefast.engines.vllm", "VllmEngine", "vllm"),
}


def engine_names() -> list[str]:
    """Names that `create_engine` takes, those of installed entry points included."""
    return sorted({*_ENGINES, *(entry.name for entry in entry_points(group=ENTRY_POINT_GROUP))})


def built_in() -> dict[str, str | None]:
    """Engines of ours, each with the extra that brings its dependencies."""
    return {name: extra for name, (_, _, extra) in _ENGINES.items()}


def create_engine(name: str, /, *, is_to_plan: bool = False, **options: Any) -> Engine:  # noqa: ANN401 - each engine has its own
    """Import and build the engine called `name`; its dependencies load only here.

    Args:
        name: Of the engine.
        is_to_plan: It is never started: an engine whose class has a `to_plan` is built by that,
            without what it would need to run.
        options: Those of the engine.

    Raises:
        ConfigError: No engine has that name, it does not take an option, or its optional
            dependencies are not installed.

    """
    extra = _ENGINES[name][2] if name in _ENGINES else None
    try:
        build = engine_class(name)
        if is_to_plan:
            build = getattr(build, "to_plan", build)
        return build(**options)  # type: ignore[no-any-return]  # an engine, by the table or its entry point
    except ModuleNotFoundError as error:
        if extra is None or (error.name or "").startswith("judgefast"):
            raise
        msg = f"engine `{name}` needs `{error.name}`, which is not installed"
        raise ConfigError(msg, hint=f"run `pip install 'judgefast[{extra}]'`") from error
    except TypeError as error:
        # Python's words, and those of msgspec, which begin with a capital.
        if "unexpected keyword argument" not in str(error).casefold():
            raise
        option = str(error).rsplit("'", 2)[1]
        raise _no_option(name, option, _options_of(build)) from None


def _no_option(engine: str, option: str, known: list[str]) -> ConfigError:
    close = get_close_matches(option, known, n=_ALIKE)
    hint = f"see `judgefast run --help` and docs/engines.md for `{engine}`"
    if close:
        hint = f"did you mean {' or '.join(f'`{each}`' for each in close)}?"
    return ConfigError(f"engine `{engine}` has no option `{option}`", hint=hint)


def _options_of(build: Callable[..., Any]) -> list[str]:
    """Options of an engine by its signature, and by what its class says in `settings`."""
    told: type[Struct] | None = getattr(build, "settings", None)
    named = signature(build).parameters.values()
    plain = [each.name for each in named if each.kind is not each.VAR_KEYWORD]
    return [*plain, *(() if told is None else told.__struct_fields__)]


def engine_class(name: str) -> type:
    """Import the class of the engine called `name`, which loads none of what it drives.

    Raises:
        ConfigError: No engine has that name.
        Exception: Whatever comes of importing it.

    """
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
