"""Families of models: who is too close to whom to judge it, by the name alone.

A family is a maker's line, whatever the version: `qwen`, not `qwen2.5`. A model that was trained
from another is of both lines, so one name may have several families. What no row knows is of no
known family: nothing is guessed from who serves it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from judgefast.catalogue.files import read_rows
from judgefast.catalogue.models import read_models

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from judgefast.catalogue.models import Model

_WORD = re.compile(r"[^\W_]+")
_CACHED = re.compile(r"models--[^/]+?--(?P<name>[^/]+)")
"""A folder in the cache of the hub."""
_NO_NAME = re.compile(
    r"[0-9]*|[0-9a-f]{12,}|checkpoint[-_]?[0-9]+|main|latest|final|hf|gguf|snapshots|original"
    r"|(ggml[-_])?model(\.gguf|\.safetensors)?",
)
"""Last parts of a path that name no model, but a state or a file of it."""
_FORM = re.compile(
    r"(-(gguf|ggml|awq|gptq|exl[23]|mlx|[bf]f?p?(4|8|16|32)|int[48]|w[0-9]+a[0-9]+|[2-8]bit|dynamic"
    r"|i?q[1-8](-[k01])?(-(xx?s|[sml]|xl|nl))?|20[0-9]{6}"
    r"|20[0-9]{2}-[0-9]{2}-[0-9]{2}|latest|bnb|[0-9]{5}-of-[0-9]{5}))+"
)
"""End of a name that says how the weights are kept, in how many files, or which snapshot it is."""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """One line of models."""

    key: str
    maker: str = ""
    words: list[str] = []
    """Words, or words in a row, that say it wherever they stand in a name; a version may follow."""
    first: list[str] = []
    """Such that say it at the beginning of a name alone."""
    of: list[str] = []
    """Families that its models belong to as well: of their bases, or of their maker."""
    source: str = "given by the user"
    date: str | None = None
    """ISO, the day on which the source said it."""
    note: str | None = None


class _Pattern(NamedTuple):
    words: tuple[str, ...]
    family: str
    is_first: bool

    def covers(self, name: list[str], place: int) -> bool:
        """Whether its words stand in a name from a place on.

        The last may have a version stuck to it: `llama3`, `gpt4o`.
        """
        if self.is_first and place:
            return False
        here = name[place : place + len(self.words)]
        if len(here) < len(self.words) or tuple(here[:-1]) != self.words[:-1]:
            return False
        rest = here[-1].removeprefix(self.words[-1])
        return here[-1] == self.words[-1] or (rest != here[-1] and rest[0].isdecimal())


class Families:
    """What families a name tells of."""

    def __init__(self, rows: Mapping[str, Family], models: Mapping[str, Model]) -> None:
        """Take rows by key, and models whose family and base are known."""
        self._rows = rows
        self._patterns = [
            _Pattern(tuple(_words(text)), row.key, is_first)
            for row in rows.values()
            for texts, is_first in ((row.words, False), (row.first, True))
            for text in texts
        ]
        # What is said in more words, or in longer ones, is said more exactly.
        self._patterns.sort(key=lambda one: (len(one.words), len(one.words[-1])), reverse=True)
        self._models = {
            _without_form(_words(_last_part(name))): model
            for model in models.values()
            for name in (model.key, *model.names)
        }

    def of(self, name: str) -> tuple[str, ...]:
        """Families of a model, by its name.

        Args:
            name: As a router, a server, a hub or a folder has it: `openrouter/openai/gpt-4o`,
                `us.anthropic.claude-3-haiku-20240307-v1:0`, `hf.co/me/Qwen2.5-7B-GGUF:Q4_K_M`.

        Returns:
            Keys of families, sorted; none where the name says none that is known.

        """
        words = _words(_last_part(name))
        model = self._models.get(_without_form(words))
        found = self._said(words)
        if model is not None:
            for text in (model.family, model.base_model):
                found |= self._said(_words(_last_part(text or "")))
            found = found or ({model.family} if model.family else set())
        return tuple(sorted(self._with_bases(found)))

    def same(self, name: str, other: str) -> bool:
        """Whether two names are of one model, however they are served and kept."""
        one, two = (_without_form(_words(_last_part(text))) for text in (name, other))
        return any(one) and one == two

    def _said(self, words: list[str]) -> set[str]:
        found: set[str] = set()
        place = 0
        while place < len(words):
            here = next((one for one in self._patterns if one.covers(words, place)), None)
            if here is not None:
                found.add(here.family)
            place += 1 if here is None else len(here.words)
        return found

    def _with_bases(self, found: Iterable[str]) -> set[str]:
        known: set[str] = set()
        wanted = list(found)
        while wanted:
            key = wanted.pop()
            if key not in known:
                known.add(key)
                wanted += self._rows[key].of if key in self._rows else []
        return known


def read_families() -> Families:
    """Families of the package, the user's own among them.

    Raises:
        ConfigError: A line of the user's files is not a row.

    """
    return Families(_read(), read_models())


def with_given(text: str) -> tuple[Families, tuple[str, ...]]:
    """Read what a user says of a judge: names of families, makers or models, between commas.

    A maker is all families of its own: nobody says which of them is meant. A name that nobody knows
    is a family of its own; models whose names hold its words are of it.

    Returns:
        Families that know of it, and which it is.

    Raises:
        ConfigError: As :func:`read_families`.

    """
    rows, models = dict(_read()), read_models()
    known = Families(rows, models)
    given: set[str] = set()
    for part in filter(None, map(str.strip, text.split(","))):
        found = {part.casefold()} & rows.keys() or set(known.of(part)) or _made_by(part, rows)
        if not found and (words := " ".join(_words(part))):
            rows[words] = Family(key=words, words=[words])
            found = {words}
        given |= found
    families = Families(rows, models)
    return families, tuple(sorted(families._with_bases(given)))  # noqa: SLF001 - its own


def _made_by(name: str, rows: Mapping[str, Family]) -> set[str]:
    """Families of a maker, by its name: `Mistral AI`, `mistralai`, `mistral`, `openai`."""
    wanted = "".join(_words(name))
    found = set()
    for key, row in rows.items():
        maker = _words(row.maker)
        shorter = maker[:-1] if maker[-1:] in (["ai"], ["labs"]) else maker
        if wanted and wanted in {"".join(maker), "".join(shorter)}:
            found.add(key)
    return found


def _read() -> dict[str, Family]:
    return read_rows("families", Family, _check_own)


def _check_own(row: Family, rows: Mapping[str, Family]) -> None:
    """Refuse a row that could never be found, or whose base is not there.

    Raises:
        ValueError: Says which field.

    """
    if not any(_words(text) for text in [*row.words, *row.first]):
        message = "`words` is empty; write words of names that say the family"
        raise ValueError(message)
    for base in row.of:
        if base not in rows:
            message = f"`of` names `{base}`, which is no family"
            raise ValueError(message)


def _words(text: str) -> list[str]:
    """Take a name apart at all that is no letter and no digit.

    >>> _words("Qwen2.5-72B_Instruct")
    ['qwen2', '5', '72b', 'instruct']
    """
    return _WORD.findall(text.casefold())


def _without_form(words: list[str]) -> tuple[str, ...]:
    """Leave out how weights are kept.

    >>> _without_form(_words("Qwen2.5-7B-Instruct-Q4_K_M.gguf"))
    ('qwen2', '5', '7b', 'instruct')
    """
    name = "-".join(words)
    ends = [found.start() for found in _FORM.finditer(name) if found.end() == len(name)]
    return tuple(name[: min(ends, default=len(name))].split("-"))


def _last_part(name: str) -> str:
    """Take routers, vendors and folders off a name.

    >>> _last_part("openrouter/openai/gpt-4o"), _last_part("ft:gpt-4o-mini:acme::9Kx")
    ('gpt-4o', 'gpt-4o-mini')
    """
    path = name.strip().replace("\\", "/")
    if cached := _CACHED.search(path):
        return cached["name"]
    parts = [part for part in path.split("/") if part]
    while len(parts) > 1 and _NO_NAME.fullmatch(parts[-1].casefold()):
        parts.pop()
    last = parts[-1] if parts else ""
    return last.split(":")[1] if last.startswith("ft:") else last
