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
        from judgefast.prompts.rubric import builtin_rubrics, load_rubric  # noqa: PLC0415

        names = builtin_rubrics()
        width = max(map(len, names))
        for name in names:
            rubric = load_rubric(name)
            click.echo(f"{name:<{width}}  {rubric.mode:<8}  {rubric.description}")


@rubrics.command()
@click.argument("name")
def show(name: str) -> None:
    """Print the TOML of the built-in rubric NAME.

    Example: judgefast rubrics show pairwise-reasons
    """
    from judgefast.prompts.rubric import load_rubric  # noqa: PLC0415

    click.echo(load_rubric(name).source, nl=False)
