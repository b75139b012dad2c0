"""Groups of commands that know what a mistyped name was meant to be."""

from __future__ import annotations

from difflib import get_close_matches

import click


class SuggestingGroup(click.Group):
    """A group that answers an unknown name with the nearest one, or with all of them."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown name gets the nearest one as a suggestion."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-"):
            close = get_close_matches(name, known, n=1)
            more = f"did you mean `{close[0]}`?" if close else f"commands: {', '.join(known)}"
            msg = f"no command named `{name}`; {more}"
            raise click.UsageError(msg, ctx)
        return super().resolve_command(ctx, args)
