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
    from collections.abc import Iterable, Mapping, Sequence

    from judgefast.catalogue.models import Model

_WORD = re.compile(r"[^\W_]+")
_CACHED = re.compile(r"models--[^/]+?--(?P<name>[^/]+)")
"""A folder in the cache of the hub."""
_FORM = re.compile(
    r"(-(gguf|ggml|awq|gptq|hqq|exl[23]|mlx|(mx|nv)?[bf]f?p?(4|8|16|32)|nf4|int[48]|w[0-9]+a[0-9]+"
    r"|[2-8]bit|dynamic|quantized|safetensors|bin|pth?|onnx|llamafile"
    r"|i?q[1-8](-[k01])?(-(xx?s|[sml]|xl|nl))?|20[0-9]{6}"
    r"|20[0-9]{2}-[0-9]{2}-[0-9]{2}|latest|bnb|[0-9]{5}-of-[0-9]{5}))+"
)
"""End of a name that says how the weights are kept, in how many files, or which snapshot it is."""
_STATE = re.compile(
    r"[0-9]+|[0-9a-f]{12,}|checkpoints?[0-9]*|main|latest|final|best|last|epoch[0-9]*|step[0-9]*"
    r"|global|hf|ggml|gguf|pytorch|snapshots?|original|consolidated|merged|adapters?|outputs?"
    r"|weights|model"
)
"""A word of a file or folder that names no model, but a state of it."""
_KIND = re.compile(
    r"([0-9]+x)?[0-9]+[bm]|a[0-9]+b|v[0-9]+|base|chat|instruct|it|sft|dpo|ppo|grpo|rlhf|q?lora"
)
"""A word that tells models of one name apart, and names none by itself."""


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
    vendors: list[str] = []
    """The maker's other names, as routers and hubs write them before a model's."""
    tuned: bool = False
    """Its models are trained from others', of which not all names tell."""
    source: str = "given by the user"
    date: str | None = None
    """ISO, the day on which the source said it."""
    note: str | None = None


class _Pattern(NamedTuple):
    words: tuple[str, ...]
    family: str
    is_first: bool

    def covers(self, name: list[str], place: int, begin: int) -> bool:
        """Whether its words stand in a name from a place on.

        The last may have a version stuck to it: `llama3`, `gpt4o`. The name begins at `begin`: what
        stands before it is who made it, which alone says nothing.
        """
        if (self.is_first and place != begin) or place + len(self.words) <= begin:
            return False
        here = name[place : place + len(self.words)]
        if len(here) < len(self.words) or tuple(here[:-1]) != self.words[:-1]:
            return False
        rest = here[-1].removeprefix(self.words[-1])
        return here[-1] == self.words[-1] or (rest != here[-1] and rest[0].isdecimal())


class Families:
    """What families a name tells of."""

    def __init__(
        self,
        rows: Mapping[str, Family],
        models: Mapping[str, Model],
        strange: Iterable[str] = (),
    ) -> None:
        """Take rows by key, models whose family and base are known, and keys of made-up rows."""
        self._rows = rows
        self.strange = frozenset(strange)
        """Families that nobody knows: they are words of a user."""
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
        vendor, last = _parts(name)
        words = _words(last)
        model = self._models.get(_without_form(words))
        found = self._said(words, _words(vendor))
        if model is not None:
            for text in (model.family, model.base_model):
                found |= self._said(_words(_last_part(text or "")))
            found = found or ({model.family} if model.family else set())
        return tuple(sorted(self._with_bases(found)))

    def lacks_base(self, families: Iterable[str]) -> bool:
        """Whether families of a model tell not from which other it was trained, as it was."""
        rows = [self._rows.get(key) for key in families]
        return bool(rows) and all(row is not None and row.tuned for row in rows)

    def same(self, name: str, other: str) -> bool:
        """Whether two names are of one model, however they are served and kept."""
        one, two = (_without_form(_words(_last_part(text))) for text in (name, other))
        return any(one) and one == two

    def _said(self, name: list[str], vendor: Sequence[str] = ()) -> set[str]:
        found: set[str] = set()
        words, begin, place = [*vendor, *name], len(vendor), 0
        while place < len(words):
            here = next((one for one in self._patterns if one.covers(words, place, begin)), None)
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

    A maker, by its name or by that of routers and hubs, is all families of its own: nobody says
    which of them is meant. A name that nobody knows is a family of its own; models whose names hold
    its words are of it.

    Returns:
        Families that know of it, in `strange` what was not known, and which it is.

    Raises:
        ConfigError: As :func:`read_families`.

    """
    rows, models = dict(_read()), read_models()
    known = Families(rows, models)
    given: set[str] = set()
    strange: set[str] = set()
    for part in filter(None, map(str.strip, text.split(","))):
        found = {part.casefold()} & rows.keys() or set(known.of(part)) or _made_by(part, rows)
        if not found and (words := " ".join(_words(part))):
            rows[words] = Family(key=words, words=[words])
            found = {words}
            strange.add(words)
        given |= found
    families = Families(rows, models, strange)
    return families, tuple(sorted(families._with_bases(given)))  # noqa: SLF001 - its own


def _made_by(name: str, rows: Mapping[str, Family]) -> set[str]:
    """Families of a maker, by a name of it: `Mistral AI`, `mistralai`, `mistral`, `zai-org`."""
    wanted = "".join(_words(name))
    found = set()
    for key, row in rows.items():
        maker = _words(row.maker)
        shorter = maker[:-1] if maker[-1:] in (["ai"], ["labs"]) else maker
        names = [maker, shorter, *map(_words, row.vendors)]
        if wanted and wanted in map("".join, names):
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
    >>> _last_part("/models/Llama-3.1-8B/Q4_K_M.gguf"), _last_part("/models/qwen/7b/merged")
    ('Llama-3.1-8B', 'qwen-7b')
    """
    return _parts(name)[1]


def _parts(name: str) -> tuple[str, str]:
    """Part of a name before that which names the model, and that one."""
    path = name.strip().replace("\\", "/")
    if cached := _CACHED.search(path):
        return "", cached["name"]
    # What follows is a deployment of the model.
    parts = [part for part in (path.partition("#")[0] or path).split("/") if part]
    kept: list[str] = []
    while len(parts) > 1 and (words := _nameless(parts[-1])) is not None:
        part = parts.pop()
        if any(map(_KIND.fullmatch, words)):
            kept.insert(0, part)
    last = parts[-1] if parts else ""
    last = last.split(":")[1] if last.startswith("ft:") else last
    return parts[-2] if len(parts) > 1 else "", "-".join([last, *kept])


def _nameless(part: str) -> tuple[str, ...] | None:
    """Words of a part that names no model, but a form, a state or a kind of it; else None."""
    words = _without_form(["", *_words(part)])[1:]
    named = [word for word in words if not (_STATE.fullmatch(word) or _KIND.fullmatch(word))]
    return None if named else words
