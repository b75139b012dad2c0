"""From the flags of a command to the options of a run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from judgefast.codes import ACROSS, INTERVALS, ONE_FAILED
from judgefast.config import RunConfig, config_from, read_config
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

_DEFAULTS = RunConfig()

OF_SEVERAL = ("judges", "side_by_side", "alpha")
"""Options of a panel, which a run of one judge has not."""

_RULE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|(?!(?<!\S)#).)*')
"""A rule of a file, up to a `#` that is in no quotes and follows a blank."""


if TYPE_CHECKING:
    PairType = click.ParamType[tuple[str, str]]
else:
    PairType = click.ParamType


class Pair(PairType):
    """`name=value`."""

    name = "name=value"

    def convert(
        self,
        value: str | tuple[str, str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, str]:
        """Split at the first `=`."""
        if isinstance(value, tuple):
            return value
        name, equals, rest = value.partition("=")
        if not equals or not name:
            self.fail(f"`{value}` is not of the form name=value", param, ctx)
        return name.strip(), rest


def engine_value(text: str) -> object:
    """Read the value of `--engine-arg` as JSON where it is JSON, else as text.

    >>> engine_value("4"), engine_value("true"), engine_value("fp8")
    (4, True, 'fp8')
    """
    try:
        return json.loads(text)
    except ValueError:
        return text


def _help(text: str, name: str) -> str:
    default = getattr(_DEFAULTS, name)
    shown = default if default is not None and default not in ((), {}) else None
    return text if shown is None or shown is False else f"{text} [default: {shown}]"


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add every flag of `judgefast run` to `command`."""
    flags = [
        click.option("--rubric", help="Built-in rubric, or path of a TOML file."),
        click.option("--engine", help=_help("Engine that judges.", "engine")),
        click.option("--model", help="Judge model, in the engine's own terms."),
        click.option("--out", type=click.Path(), help="Run directory; made if it is missing."),
        click.option(
            "--recorded", type=click.Path(), help="Recorded outputs or a run, for --engine replay."
        ),
        click.option(
            "--base-url", multiple=True, help="Server, for --engine http or decisions; repeatable."
        ),
        click.option(
            "--api",
            type=click.Choice(["auto", "completions", "chat", "sglang"]),
            help="How servers are asked. [default: what they can do]",
        ),
        click.option(
            "--dialect",
            type=click.Choice(["auto", "systemone", "openai", "sglang"]),
            help="How a decision server is spoken to. [default: found by asking]",
        ),
        click.option("--family", help="Family of the judge, where its name does not say it."),
        click.option(
            "--allow-self",
            is_flag=True,
            default=None,
            help="Let it judge answers of its own family; the report says so.",
        ),
        click.option("--tokenizer", help="Folder or tokenizer.json of a served judge, or auto."),
        click.option("--token-cache", type=click.Path(), help="Folder of kept token ids."),
        click.option(
            "--engine-arg", "engine_args", type=Pair(), multiple=True, help="Option of the engine."
        ),
        click.option(
            "--orders",
            type=click.Choice(["both", "one", "adaptive"]),
            help=_help(
                "Answer orders; adaptive: the second where the first is not sure.", "orders"
            ),
        ),
        click.option(
            "--sure", type=float, help=_help("Confidence that needs no second order.", "sure")
        ),
        click.option(
            "--audit", type=float, help=_help("Share asked in both orders anyway.", "audit")
        ),
        click.option(
            "--pairs", help=_help("Pairs of several: all, baseline or sparse:K.", "pairs")
        ),
        click.option("--repeats", type=int, help=_help("Judgments of each order.", "repeats")),
        click.option("--limit", type=int, help="Judge a seeded sample of this many items."),
        click.option(
            "--truncate",
            type=click.Choice(["balanced"]),
            help="Shorten all answers of what is too long by the same share; marked.",
        ),
        click.option("--seed", type=int, help=_help("Seed of sample, order and decoding.", "seed")),
        click.option("--rule", help="How verdicts become an outcome (docs/outcomes.md)."),
        click.option(
            "--one-failed",
            type=click.Choice(ONE_FAILED),
            help="What a pair with one unread order comes to.",
        ),
        click.option("--baseline", help="Model that every comparison is against."),
        click.option("--lenient", is_flag=True, default=None, help="Read broken JSON too; marked."),
        click.option(
            "--map", "map", type=Pair(), multiple=True, help="Item field = data field; repeatable."
        ),
        click.option(
            "--on-bad-row",
            type=click.Choice(["error", "skip"]),
            help=_help("Rows that cannot be read.", "on_bad_row"),
        ),
        click.option(
            "--on-empty",
            type=click.Choice(["error", "judge", "lose", "skip"]),
            help=_help("Empty answers.", "on_empty"),
        ),
        click.option(
            "--max-row-bytes", type=int, help=_help("Longest line in bytes.", "max_row_bytes")
        ),
        click.option(
            "--no-texts", is_flag=True, default=None, help="Keep hashes of texts, not the texts."
        ),
        click.option(
            "--slice", "slices", multiple=True, help="Estimate by this field of meta; repeatable."
        ),
        click.option("--level", type=float, help=_help("Confidence level.", "level")),
        click.option(
            "--interval",
            type=click.Choice(INTERVALS),
            help=_help("Interval of large runs (docs/statistics.md).", "interval"),
        ),
        click.option(
            "--max-attempts", type=int, help=_help("Attempts over all starts.", "max_attempts")
        ),
        click.option(
            "--retry",
            type=click.Choice(["failed", "unparsed", "truncated"]),
            multiple=True,
            help="Ask these again.",
        ),
        click.option(
            "--max-unreadable",
            type=float,
            help=_help("Share unparsed or failed at which a run stops.", "max_unreadable"),
        ),
        click.option(
            "--request-seconds",
            type=float,
            help=_help("Longest wait for one answer.", "request_seconds"),
        ),
        click.option("--extend", is_flag=True, default=None, help="Let the run's plan grow."),
        click.option(
            "--config",
            "config_file",
            type=click.Path(path_type=Path),
            help="TOML file with any of these options.",
        ),
    ]
    for flag in reversed(flags):
        command = flag(command)
    return budget_options(command)


def _budget_flags() -> list[Any]:
    return [
        click.option(
            "--budget",
            multiple=True,
            metavar="AMOUNT",
            help="Stop within 5usd, 10000judgments, 3gpu-hours, 2Mtokens; repeatable.",
        ),
        click.option("--gpu", metavar="KIND[:N]", help="Accelerators that are paid for."),
        click.option("--price", type=float, metavar="USD", help="Of one of them, for an hour."),
        click.option("--provider", help="Whose price of the catalogue counts."),
    ]


def budget_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags of a budget, and of what it is reckoned by, to `command`."""
    for flag in reversed(_budget_flags()):
        command = flag(command)
    return command


def across_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--across` to a command that sets two runs side by side."""
    return click.option(
        "--across",
        type=click.Choice(ACROSS),
        multiple=True,
        help="Compare runs that differ in this; repeatable.",
    )(command)


def read_rules(path: Path) -> list[str]:
    """Read the file of `--rules`.

    Raises:
        ConfigError: It cannot be read, or a rule in it; the message names the line.

    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        msg = f"the file of rules `{path}` cannot be read: {why}"
        raise ConfigError(msg, hint="name a text file with one rule a line") from None
    from judgefast.stats.gate_rules import parse_rule  # noqa: PLC0415 - for one command

    rules = ["".join(_RULE.findall(line)[:1]).strip() for line in lines]
    for number, rule in enumerate(rules, start=1):
        try:
            if rule:
                parse_rule(rule)
        except ConfigError as error:
            msg = f"`{path}`, line {number}: {error}"
            raise ConfigError(msg, hint=error.hint) from None
    return [rule for rule in rules if rule]


def config_of(given: dict[str, Any]) -> RunConfig:
    """Merge `--config` and flags to the options of one judge; a flag that was given wins.

    Raises:
        ConfigError: As `config_from`; or the file names several judges.

    """
    config_file = given.get("config_file")
    options = options_of(given)
    if any(options.pop(name, None) for name in OF_SEVERAL):
        msg = f"`{config_file}` names several judges, and this is for one"
        raise ConfigError(msg, hint="leave `judges` out; `judgefast run` takes several")
    return config_from(options, where="command line")


def options_of(given: dict[str, Any]) -> dict[str, Any]:
    """Merge `--config` and flags, `OF_SEVERAL` too; a flag that was given wins.

    Raises:
        ConfigError: An option of the file is unknown, or wrong.

    """
    config_file = given.pop("config_file", None)
    options: dict[str, Any] = {}
    if config_file:
        options = read_config(config_file)
        own = {name: value for name, value in options.items() if name not in OF_SEVERAL}
        config_from(own, where=f"`{config_file}`")  # its mistakes, before flags are mixed in
    for name in ("map", "engine_args"):
        pairs = given.pop(name, ())
        if pairs:
            read = engine_value if name == "engine_args" else str
            options[name] = {
                **options.get(name, {}),
                **{key: read(value) for key, value in pairs},
            }
    return options | {
        name: value for name, value in given.items() if value is not None and value != ()
    }
