"""`judgefast models`: judge models, what they need, and where they fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from judgefast.cli.output import put, say
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from judgefast.catalogue.fits import Cache
    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.models import Model

_TOKENS = 3000
_ADD = "add"


@click.command()
@click.argument("words", nargs=-1, metavar="[NAME | add CONFIG.json|FOLDER]")
@click.option("--tokens", type=click.IntRange(1), default=_TOKENS, help="Length of a sequence.")
@click.option(
    "--cache",
    type=click.Choice(["16bit", "fp8"]),
    default="16bit",
    help="Precision of the KV cache.",
)
@click.option("--fits", "where", metavar="GPU[:N]", help="Where it has to fit, on at most N.")
@click.option("--kind", help="generalist, judge, reward or decision.")
@click.option("--family", help="Lineage, such as qwen2.5.")
@click.option("--name", "own_name", help="What to call a model that is added.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of lines.")
def models(  # noqa: PLR0913 - flags
    words: tuple[str, ...],
    *,
    tokens: int,
    cache: Cache,
    where: str | None,
    kind: str | None,
    family: str | None,
    own_name: str | None,
    as_json: bool,
) -> None:
    """List judge models, or show all of NAME with its sources and sums.

    NAME is a model of the list, its name on the hub, a folder with config.json, or that file.
    `add` takes one into a list of your own, with --kind and --family as you say.

    Example: judgefast models Qwen2.5-72B-Instruct --fits H200

    Sizes are computed from config.json; sequences are of --tokens, prompt and answer together.
    """
    if words and words[0] == _ADD:
        _add(words[1:], own_name, kind=kind, family=family)
        return
    if len(words) > 1:
        message = f"{len(words)} names are given, and one is shown"
        raise ConfigError(message, hint="leave them out for the list, or write `add FOLDER`")
    from judgefast.catalogue.gpus import parse_gpus, read_gpus  # noqa: PLC0415 - on first use
    from judgefast.catalogue.model_view import view_of  # noqa: PLC0415 - as above
    from judgefast.catalogue.models import find_model  # noqa: PLC0415 - as above

    gpu, most = parse_gpus(where) if where else (None, None)
    if where and ":" not in where:
        most = None
    gpus = [gpu] if gpu else list(read_gpus().values())
    if not words:
        found = _chosen(kind, family)
        _list(found, gpu, most, tokens=tokens, cache=cache, as_json=as_json)
        return
    view = view_of(find_model(words[0]), gpus, tokens=tokens, cache=cache, most=most)
    if as_json:
        _put_json(view)
        return
    from judgefast.reports.model_text import render_model  # noqa: PLC0415 - as above

    put(render_model(view).rstrip("\n"))


def _chosen(kind: str | None, family: str | None) -> list[Model]:
    """Models of a kind and a family.

    Raises:
        ConfigError: No model is of it; the message says which there are.

    """
    from judgefast.catalogue.models import read_models  # noqa: PLC0415 - on first use

    found = list(read_models().values())
    for field, wanted in (("kind", kind), ("family", family)):
        if wanted is None:
            continue
        there = sorted({each for model in found if (each := getattr(model, field))})
        if wanted not in there:
            from difflib import get_close_matches  # noqa: PLC0415 - only here

            close = get_close_matches(wanted, there, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(there)}"
            message = f"no model is of the {field} `{wanted}`"
            raise ConfigError(message, hint=hint)
        found = [model for model in found if getattr(model, field) == wanted]
    return found


def _list(  # noqa: PLR0913 - flags
    found: list[Model],
    gpu: Gpu | None,
    most: int | None,
    *,
    tokens: int,
    cache: Cache,
    as_json: bool,
) -> None:
    from judgefast.catalogue.model_list import list_models  # noqa: PLC0415 - on first use
    from judgefast.cli.table import put_table  # noqa: PLC0415 - as above
    from judgefast.reports.model_text import closest_words, list_rows  # noqa: PLC0415 - as above

    listed = list_models(found, gpu, most, tokens=tokens, cache=cache)
    if as_json:
        _put_json([each for each in listed if each.has_room is not False])
        return
    head, rows = list_rows(listed, gpu)
    if rows:
        put_table(head, rows)
    if gpu is not None and not rows:
        say(closest_words(listed, gpu, tokens))


def _put_json(data: Any) -> None:  # noqa: ANN401 - structs
    import msgspec  # noqa: PLC0415 - only here

    put(msgspec.json.format(msgspec.json.encode(data), indent=2).decode())


def _add(
    words: tuple[str, ...], own_name: str | None, *, kind: str | None, family: str | None
) -> None:
    """Take a model into the user's own file.

    Raises:
        ConfigError: No file is named, or several.
        ModelError: It cannot be read.

    """
    from pathlib import Path  # noqa: PLC0415 - on first use

    import msgspec  # noqa: PLC0415 - as above

    from judgefast.catalogue.files import add_row  # noqa: PLC0415 - as above
    from judgefast.catalogue.models import (  # noqa: PLC0415 - as above
        Model,
        check_own,
        model_of,
        read_models,
    )

    if len(words) != 1:
        message = f"`add` takes one config.json or folder, and {len(words)} are given"
        raise ConfigError(message, hint="as in: judgefast models add models/mine --name mine")
    model = model_of(Path(words[0]).expanduser(), own_name)
    given = {name: each for name, each in msgspec.to_builtins(model).items() if each or each == 0}
    given |= {name: each for name, each in (("kind", kind), ("family", family)) if each}
    known = read_models().get(model.key)
    path = add_row("models", given, Model, check_own)
    if known is not None:
        say(f"`{model.key}` was known: what this file says of it stands from now on")
    shape, count = model.shape, model.count
    if shape is None or shape.parameters is None or count is None:
        say(f"`{model.key}`: its parameters cannot be computed; its files have to say its size")
    else:
        say(f"`{model.key}`: {shape.parameters:,} parameters")
        for note in count.notes:
            say(f"  {note}")
    put(str(path))
