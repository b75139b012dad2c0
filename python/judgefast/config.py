"""Every option of a run, in one place: the command line, `--config` and Python all fill this."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args, get_origin, get_type_hints

import msgspec

from judgefast.codes import IntervalOption, OneFailed  # noqa: TC001 - msgspec reads annotations
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


MAX_ROW_BYTES = 64_000_000
"""Longest line that is read by default. Bytes."""


_PAIRS = re.compile(r"all|baseline|sparse:[1-9][0-9]{0,3}", re.ASCII)


class RunConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `judgefast run`. Each has the name of its flag, with underscores."""

    data: tuple[str, ...] = ()
    """Files, globs, folders of Parquet, or `-` for stdin."""
    rubric: str = ""
    """Name of a built-in rubric, or path of a TOML file."""
    engine: str = "embedded"
    """Name of an engine."""
    model: str | None = None
    """Judge model, in the engine's own terms; None for the engine's default."""
    out: str | None = None
    """Run directory."""
    recorded: str | None = None
    """Recorded judge outputs, or a finished run directory, for `--engine replay`."""
    engine_args: dict[str, Any] = {}
    """Options of the engine, by name."""
    base_url: tuple[str, ...] = ()
    """Addresses of servers, for `--engine http`."""
    api: Literal["auto", "completions", "chat", "sglang"] | None = None
    """How servers are asked; None for what they show they can do."""
    dialect: Literal["auto", "systemone", "openai", "sglang"] | None = None
    """How decision servers are asked, for `--engine decisions`; None for what they show."""
    family: str | None = None
    """Family of the judge model; None for what its name says."""
    allow_self: bool = False
    """Let a judge judge answers of its own family."""
    tokenizer: str | None = None
    """Model folder or `tokenizer.json` of a served judge; None to look for it."""
    token_cache: str | None = None
    """Folder that keeps token ids of texts between runs; None to keep none."""
    orders: Literal["both", "one", "adaptive"] = "both"
    """Answer orders that are judged; `adaptive`: the second where the first leaves it open."""
    sure: float = 0.9
    """Confidence of the first order from which `adaptive` asks no second one. In (0, 1]."""
    audit: float = 0.1
    """Share of comparisons that `adaptive` judges in both orders whatever the first says. In
    (0, 1]."""
    pairs: str = "all"
    """Pairs of an item's answers that are compared: `all`, `baseline` or `sparse:K`."""
    repeats: int = 1
    """Judgments of each order. At least 1."""
    limit: int | None = None
    """Items of a seeded sample; None for all."""
    seed: int = 0
    """Seed of the shuffle, the sample, orientation, sampling and resampling. 0 to 2^63-1."""
    rule: str | None = None
    """How the verdicts of one item become an outcome; None for the rubric's own."""
    one_failed: OneFailed | None = None
    """What a pair with one unread order comes to; None for the rubric's own."""
    baseline: str | None = None
    """Model that every comparison is against; None: the answer that comes first in the data."""
    lenient: bool = False
    """Read broken JSON too; such verdicts are marked."""
    map: dict[str, str] = {}
    """Field of an item -> field of the data."""
    on_bad_row: Literal["error", "skip"] = "error"
    """What to do with a row that cannot be read."""
    on_empty: Literal["error", "judge", "lose", "skip"] = "error"
    """What to do with an empty answer."""
    max_row_bytes: int = MAX_ROW_BYTES
    """Longest line that is read. Bytes."""
    no_texts: bool = False
    """Keep hashes of the texts in the run directory, not the texts."""
    slices: tuple[str, ...] = ()
    """Fields of `meta` by which estimates are given too."""
    level: float = 0.95
    """Confidence level of every interval, in (0, 1)."""
    interval: IntervalOption = "auto"
    """Interval of means that no exact interval and no Student's t fits (`docs/statistics.md`)."""
    max_attempts: int = 3
    """Attempts at a request over all starts. At least 1."""
    truncate: Literal["balanced"] | None = None
    """How answers that do not fit the judge's context are shortened; None: they are not judged."""
    retry: tuple[Literal["failed", "unparsed", "truncated"], ...] = ()
    """What to ask again although it has an answer, or no attempts left."""
    max_unreadable: float = 0.2
    """Share of unparsed and failed judgments at which a run stops. In (0, 1]."""
    request_seconds: float = 600.0
    """Longest wait for one answer. Seconds."""
    extend: bool = False
    """Let the run directory's plan grow: appended rows, the second order, more repeats."""
    budget: tuple[str, ...] = ()
    """Amounts that the run stays within, as `5usd`, `10000judgments`, `3gpu-hours`, `2Mtokens`."""
    gpu: str | None = None
    """Accelerators that are paid for, `KIND` or `KIND:NUMBER`."""
    price: float | None = None
    """US dollars of one of them for an hour; None for that of the catalogue. At least 0."""
    provider: str | None = None
    """Whose price of the catalogue counts; None for the usual one."""

    def __post_init__(self) -> None:
        """Refuse a value outside its range, naming the setting as the user wrote it."""
        for name in ("repeats", "max_attempts", "max_row_bytes"):
            if getattr(self, name) < 1:
                self._refuse(name, "at least 1")
        if not _PAIRS.fullmatch(self.pairs):
            self._refuse("pairs", "all, baseline, or sparse:K with K from 1 to 9999")
        self._check_numbers()

    def _check_numbers(self) -> None:
        if self.limit is not None and self.limit < 1:
            self._refuse("limit", "at least 1")
        if not 0 <= self.seed < 1 << 63:
            self._refuse("seed", "from 0 to 2^63-1")
        if not 0 < self.level < 1:
            self._refuse("level", "above 0 and below 1")
        for name in ("max_unreadable", "sure", "audit"):
            if not 0 < getattr(self, name) <= 1:
                self._refuse(name, "above 0 and at most 1")
        if not self.request_seconds > 0:  # NaN is not, either
            self._refuse("request_seconds", "above 0")
        if self.price is not None and not 0 <= self.price < float("inf"):
            self._refuse("price", "at least 0: US dollars of a GPU for an hour")

    def replace(self, **changes: Any) -> RunConfig:  # noqa: ANN401 - any option
        """Return a copy with some options changed."""
        return msgspec.structs.replace(self, **changes)

    def _refuse(self, name: str, allowed: str) -> NoReturn:
        msg = f"`{name}` is {getattr(self, name)}; it must be {allowed}"
        raise ConfigError(msg)


def config_from(options: dict[str, Any], *, where: str) -> RunConfig:
    """Build the options from a table; `where` names it in errors.

    Raises:
        ConfigError: An option is unknown, of the wrong type or out of range.

    """
    known = RunConfig.__struct_fields__
    for name in ("base_url", "budget"):  # most runs have one server, or one budget
        if isinstance(options.get(name), str):
            options = options | {name: (options[name],)}
    if isinstance(options.get("budget"), int | float):
        msg = f"{where}: `budget` is {options['budget']}, an amount of nothing"
        raise ConfigError(msg, hint='say of what, as text: "20judgments", "5usd", "3gpu-hours"')
    for key in options:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            msg = f"{where}: unknown option `{key}`"
            raise ConfigError(
                msg,
                hint=f"did you mean `{close[0]}`?" if close else f"options: {', '.join(known)}",
            )
    try:
        return msgspec.convert(options, RunConfig, strict=True)
    except msgspec.ValidationError as error:
        is_list = str(error).startswith("Expected `array`")
        hint = "write it as a list, in [ ]" if is_list else _words_of(str(error))
        msg = f"{where}: {in_words(str(error))}"
        raise ConfigError(msg, hint=hint) from None


def _words_of(error: str) -> str | None:
    """Say which words an option takes, where it was given another one."""
    found = _WRONG_WORD.fullmatch(error)
    if found is None:
        return None
    kinds = [get_type_hints(RunConfig)[found["name"]]]
    words: list[str] = []
    while kinds:
        kind = kinds.pop()
        words += get_args(kind) if get_origin(kind) is Literal else []
        kinds += [] if get_origin(kind) is Literal else get_args(kind)
    return f"it takes {', '.join(map(str, words))}"


_KINDS = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "nothing",
    "object": "a table",
    "str": "text",
}
_WRONG_KIND = re.compile(
    r"Expected `(?P<takes>[a-z |]+)`, got `(?P<saw>[a-z]+)` - at `\$\.(?P<name>.+)`"
)


_WRONG_WORD = re.compile(r"Invalid enum value .+ - at `\$\.(?P<name>\w+)`")


def in_words(error: str) -> str:
    """Say of which option a value has the wrong type, and what it takes.

    >>> in_words("Expected `int | null`, got `str` - at `$.limit`")
    '`limit` takes a whole number or nothing, saw text'
    """
    found = _WRONG_KIND.fullmatch(error)
    if found is None:
        words, _, place = error.partition(" - at `$.")
        return f"`{place.rstrip('`')}`: {words}" if place else words
    takes = " or ".join(_KINDS.get(kind, kind) for kind in found["takes"].split(" | "))
    return f"`{found['name']}` takes {takes}, saw {_KINDS.get(found['saw'], found['saw'])}"


def read_config(path: Path) -> dict[str, Any]:
    """Read the table of a `--config` file.

    Raises:
        ConfigError: The file cannot be read or is not TOML.

    """
    try:
        # Some editors begin a file with a byte order mark, which is no TOML.
        table = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        msg = f"the config file `{path}` cannot be read: {error.strerror}"
        raise ConfigError(msg, hint="name a TOML file with options of `judgefast run`") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"`{path}` is not TOML: {error}"
        raise ConfigError(msg, hint='write lines such as `rubric = "pairwise"`, in UTF-8') from None
    return {key.replace("-", "_"): value for key, value in table.items()}
