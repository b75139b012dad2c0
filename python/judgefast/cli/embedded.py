"""`judgefast embedded`: the weights of the embedded engine."""

from __future__ import annotations

import click

from judgefast.cli.groups import SuggestingGroup
from judgefast.cli.output import put


@click.group(cls=SuggestingGroup)
def embedded() -> None:
    """Fetch the weights of the embedded engine.

    Example: judgefast embedded fetch
    """


@embedded.command()
@click.option("--json", "as_json", is_flag=True, help="Say where they are as JSON.")
def fetch(*, as_json: bool) -> None:
    """Download the embedded judge model once, check it, and keep it in the user's cache.

    Example: judgefast embedded fetch
    """
    from judgefast.engines.embedded.weights import fetch as fetch_weights  # noqa: PLC0415 - on first use

    path = str(fetch_weights())
    if as_json:
        import json  # noqa: PLC0415 - only here

        path = json.dumps({"path": path})
    put(path)
