"""Who sits on a panel: from what a user wrote of each judge to the options of its run."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from judgefast.config import RunConfig, config_from
from judgefast.engines import engine_names
from judgefast.errors import ConfigError
from judgefast.pipeline.panel_directory import JUDGE_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from judgefast.engines.base import Engine

OF_ONE_JUDGE = (
    "engine",
    "model",
    "rubric",
    "base_url",
    "api",
    "dialect",
    "tokenizer",
    "family",
    "allow_self",
    "recorded",
    "budget",
    "gpu",
    "price",
    "provider",
    "engine_args",
)
"""Options of a run that judges of a panel may differ in; the others are those of all."""

ARGUMENT = "arg."
"""Prefix of an option of the engine in the short form of a judge."""

HINT = "as in --judge name=strict,engine=embedded,rubric=pairwise; or the name of an engine alone"

_NAME = re.compile(JUDGE_NAME, re.ASCII)
_COMMA = re.compile(r",(?=\s*[A-Za-z_][A-Za-z0-9_.-]*=)", re.ASCII)
"""A comma before the next `key=`; any other is part of a value."""
_ARGUMENTS = ("engine_arg", "engine_args")
_RESERVED = ("majority", "mean", "gold")
"""Names of rows and columns that are of no judge."""
_LISTS = ("base_url", "budget")
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}


class PanelJudge(NamedTuple):
    """One judge, and what its run is given."""

    name: str
    """Of its folder, its row and its columns."""
    config: RunConfig
    engine: Engine | None = None
    """An engine that is there already; from Python alone."""
    recorded: Any = None
    """Recorded outputs in memory; from Python alone."""


def judges_of(
    given: Sequence[str | Mapping[str, Any]], shared: Mapping[str, Any], *, where: str
) -> list[PanelJudge]:
    """Read the judges of a panel.

    Args:
        given: Each the name of an engine, `key=value,…`, or a table with the keys `name` and those
            of `OF_ONE_JUDGE`.
        shared: Options of all, by the names of `RunConfig`.
        where: Who is named in errors.

    Returns:
        At least one, each with a name of its own.

    Raises:
        ConfigError: An option is unknown, wrong, or not one in which judges may differ; two judges
            have one name.

    """
    if isinstance(given, str) or hasattr(given, "items"):
        msg = f"{where}: `judges` is one thing, and takes a list of them"
        raise ConfigError(msg, hint="write [[judges]] once for each; from Python judges=[...]")
    if not given:
        msg = f"{where}: a panel without judges"
        raise ConfigError(msg, hint=HINT)
    if len(given) > 1 and shared.get("budget"):
        msg = f"{where}: one `budget` is given for {len(given)} judges"
        raise ConfigError(msg, hint="give each its own: --judge name=a,budget=5usd")
    if len(given) > 1 and shared.get("orders") == "adaptive":
        msg = f"{where}: adaptive orders are for one judge, and {len(given)} are named"
        raise ConfigError(msg, hint="leave --orders out: judges are compared where all were asked")
    found = [_judge(one, shared, f"{where}, judge {at}") for at, one in enumerate(given, start=1)]
    seen: dict[str, int] = {}
    for at, judge in enumerate(found, start=1):
        other = seen.setdefault(judge.name.casefold(), at)
        if other != at:
            msg = f"{where}: judges {other} and {at} are both called `{judge.name}`"
            raise ConfigError(msg, hint=f"give one another name: name={judge.name}-2")
    return found


def read_short(text: str) -> dict[str, Any]:
    """Read a judge in its short form.

    >>> read_short("embedded")
    {'engine': 'embedded'}
    >>> read_short("name=b,engine=http,arg.max_concurrency=4")
    {'name': 'b', 'engine': 'http', 'engine_args': {'max_concurrency': 4}}

    Raises:
        ConfigError: A part of it is no `key=value`.

    """
    if "=" not in text:
        return {"engine": text.strip()}
    table: dict[str, Any] = {}
    for part in _COMMA.split(text):
        key, equals, value = part.partition("=")
        key = key.strip()
        name = key if key.startswith(ARGUMENT) else key.replace("-", "_")
        if not equals or not name:
            msg = f"`{part}` of the judge `{text}` is not of the form key=value"
            raise ConfigError(msg, hint=HINT)
        if name in _ARGUMENTS:  # as the flag has it: engine-arg=NAME=VALUE
            name, _, value = value.partition("=")
            name = ARGUMENT + name.strip()
        if name.startswith(ARGUMENT):
            table.setdefault("engine_args", {})[name.removeprefix(ARGUMENT)] = _value(value)
        elif name in _LISTS:
            table.setdefault(name, []).append(value)
        elif name in table:
            msg = f"the judge `{text}` has `{key}` twice"
            raise ConfigError(msg, hint="leave one of them out")
        else:
            table[name] = _typed(name, value)
    return table


def _judge(given: str | Mapping[str, Any], shared: Mapping[str, Any], where: str) -> PanelJudge:
    table = read_short(given) if isinstance(given, str) else _with_underscores(given, where)
    engine, recorded = table.get("engine"), table.get("recorded")
    own_engine = None if engine is None or isinstance(engine, str) else cast("Engine", engine)
    if own_engine is not None:
        table["engine"] = own_engine.name
    rows = None
    if recorded is not None and not isinstance(recorded, str):
        rows = table.pop("recorded")
    name = table.pop("name", None)
    _check_keys(table, where)
    options = dict(shared) | table
    if shared.get("engine_args") and table.get("engine_args"):
        options["engine_args"] = {**shared["engine_args"], **table["engine_args"]}
    config = config_from(options, where=where)
    if own_engine is None and config.engine not in engine_names():
        close = get_close_matches(config.engine, engine_names(), n=1)
        msg = f"{where}: no engine named `{config.engine}`"
        known = f"engines: {', '.join(engine_names())}"
        raise ConfigError(msg, hint=f"did you mean `{close[0]}`?" if close else known)
    return PanelJudge(_name(name, config.engine, where), config, own_engine, rows)


def _with_underscores(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    if not hasattr(given, "items"):
        msg = f"{where}: it is {given!r:.60}, no text and no table"
        raise ConfigError(msg, hint='as in judges=[{"name": "strict", "engine": "embedded"}]')
    return {str(key).replace("-", "_"): value for key, value in given.items()}


def _check_keys(table: Mapping[str, Any], where: str) -> None:
    known = ("name", *OF_ONE_JUDGE)
    for key in table:
        if key in known:
            continue
        if key == "data":
            msg = f"{where}: judges of a panel judge the same data"
            raise ConfigError(msg, hint="name it once, outside the judges")
        if key in RunConfig.__struct_fields__:
            msg = f"{where}: judges of a panel cannot differ in `{key}`"
            raise ConfigError(msg, hint=f"give --{key.replace('_', '-')} once, for all judges")
        close = get_close_matches(key, known, n=1)
        msg = f"{where}: unknown option `{key}`"
        if key in {"arg", "engine_arg"}:  # a table of TOML
            raise ConfigError(msg, hint="write engine_args = { NAME = VALUE }")
        options = f"options of a judge: {', '.join(known)}, {ARGUMENT}NAME"
        raise ConfigError(msg, hint=f"did you mean `{close[0]}`?" if close else options)


def _name(name: object, engine: str, where: str) -> str:
    chosen = engine if name is None else name
    if not isinstance(chosen, str) or not _NAME.fullmatch(chosen):
        msg = f"{where}: `{chosen}` is no name of a judge, which names a folder"
        raise ConfigError(
            msg, hint="begin with a letter or digit, then those, `.`, `_` and `-`, up to 60"
        )
    refuse_reserved(chosen, where, hint="give the judge another name")
    return chosen


def refuse_reserved(name: str, where: str, *, hint: str) -> None:
    """Refuse the name of a row or of columns that are of no judge.

    Raises:
        ConfigError: It is one.

    """
    if name.casefold() in _RESERVED:
        msg = f"{where}: `{name}` is the name of a row that is of no judge"
        raise ConfigError(msg, hint=hint)


def _typed(name: str, value: str) -> object:
    """The value of one option, as `config_from` takes it."""
    if name == "allow_self":
        return _FLAGS.get(value.strip().lower(), value)
    if name == "price":
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _value(text: str) -> object:
    """The value of an option of an engine: JSON where it is JSON, else text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def token_folders(judges: Sequence[PanelJudge], folder: Path) -> dict[str, str]:
    """Folder of kept token ids for each judge whose tokenizer another judge has too.

    Args:
        judges: Of the panel; one that names a `token_cache` keeps that.
        folder: Where ids are kept.

    """
    tokenizers = {judge.name: _tokenizer(judge) for judge in judges}
    counted = [one for one in tokenizers.values() if one is not None]
    return {
        name: str(folder)
        for name, one in tokenizers.items()
        if one is not None and counted.count(one) > 1
    }


def _tokenizer(judge: PanelJudge) -> str | None:
    """By what options a judge's tokenizer is known; None where it is given no prompts, or ids."""
    config = judge.config
    if judge.engine is not None or config.token_cache is not None:
        return None
    if config.engine == "http":
        return config.tokenizer if config.api == "completions" else None
    if config.engine not in {"embedded", "vllm"}:
        return None
    return str(config.tokenizer or config.model or config.engine)
