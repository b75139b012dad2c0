"""`judgefast rubrics`: what is built in."""

from __future__ import annotations

import click


@click.group(invoke_without_command=True)
@click.pass_context
def rubrics(ctx: click.Context) -> None:
    """List the built-in rubrics, or print one to start from.

    Example: judgefast rubrics show pairwise > my-rubric.toml
    """
    if ctx.invoked_subcommand is None:
        from judgefast.prompts.builtin import builtin_rubrics, load_rubric  # noqa: PLC0415

        names = builtin_rubrics()
        width = max(map(len, names))
        for name in names:
            rubric = load_rubric(name)
            click.echo(f"{name:<{width}}  {rubric.mode:<8}  {_first_words(rubric.source)}")


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
    from judgefast.prompts.builtin import load_rubric  # noqa: PLC0415

    click.echo(load_rubric(name).source, nl=False)
