"""`judgefast rubrics`: what is built in."""

from __future__ import annotations

import click

from judgefast.cli.groups import SuggestingGroup
from judgefast.cli.output import put


@click.group(cls=SuggestingGroup, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_context
def rubrics(ctx: click.Context, *, as_json: bool) -> None:
    """List the built-in rubrics, or print one to start from.

    Example: judgefast rubrics show pairwise > my-rubric.toml
    """
    if ctx.invoked_subcommand is not None:
        return
    from judgefast.prompts.builtin import builtin_rubrics, load_rubric  # noqa: PLC0415 - heavy

    rows = [
        (name, rubric.mode, _first_words(rubric.source))
        for name in builtin_rubrics()
        for rubric in [load_rubric(name)]
    ]
    if as_json:
        import json  # noqa: PLC0415 - only here

        fields = ("name", "mode", "about")
        put(json.dumps([dict(zip(fields, row, strict=True)) for row in rows], indent=2))
        return
    width = max(len(name) for name, _, _ in rows)
    for name, mode, about in rows:
        put(f"{name:<{width}}  {mode:<8}  {about}")


def _first_words(source: str) -> str:
    """First sentence of the comment that a built-in rubric begins with."""
    lines = [text.removeprefix("#").strip() for text in source.splitlines() if text.startswith("#")]
    sentence = " ".join(lines)
    ends = [end for mark in (". ", "? ") if (end := sentence.find(mark)) >= 0]
    return sentence[: min(ends) + 1] if ends else sentence


@rubrics.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the TOML of the built-in rubric NAME.

    Example: judgefast rubrics show pairwise-reasons
    """
    from judgefast.prompts.builtin import load_rubric  # noqa: PLC0415 - on first use

    put(load_rubric(name).source, newline=False)
