"""`judgefast embedded`: the weights of the embedded engine."""

from __future__ import annotations

import click


@click.group()
def embedded() -> None:
    """Fetch the weights of the embedded engine.

    Example: judgefast embedded fetch
    """


@embedded.command()
def fetch() -> None:
    """Download the embedded judge model once, check it, and keep it in the user's cache.

    Example: judgefast embedded fetch
    """
    from judgefast.engines.embedded.weights import fetch as fetch_weights  # noqa: PLC0415

    click.echo(fetch_weights())
