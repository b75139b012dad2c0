"""What a rubric is, once it is read: what is asked, how it is laid out, how the answer is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from judgefast.codes import OneFailed  # noqa: TC001 - msgspec reads annotations
from judgefast.hashes import framed

if TYPE_CHECKING:
    from judgefast.prompts.verdict_format import VerdictFormat

Mode = Literal["pairwise", "scalar", "binary", "choice"]
"""Which of two answers; a score for one; yes or no for one; which of n."""

LayoutName = Literal["as-written", "aspect-last", "aspect-first"]
"""Where the blocks stand that differ from aspect to aspect."""

Asking = Literal["one-by-one", "together"]
"""Whether each aspect is a prompt of its own, or one answer holds the verdicts of all."""

PARSER_VERSION = 1
"""Rises when a parser change may read the same text differently. Part of `parse_hash`."""


class Scale(msgspec.Struct, frozen=True):
    """The allowed scores of an aspect."""

    low: float
    high: float
    integer: bool = True
    levels: tuple[tuple[float, str], ...] = ()
    """What each level means, from the lowest; empty, or one for every integer level."""

    def text(self) -> str:
        """What the judge reads in place of `{scale}`; ends with one newline."""
        if self.levels:
            return "".join(f"{level:g}: {words}\n" for level, words in self.levels)
        kind = "An integer" if self.integer else "A number"
        return f"{kind} from {self.low:g} (worst) to {self.high:g} (best).\n"


class Aspect(msgspec.Struct, frozen=True):
    """One dimension of what is asked."""

    name: str
    criterion: str
    scale: Scale | None = None
    weight: int = 1
    """From 1 to 6."""


class Block(msgspec.Struct, frozen=True):
    """A run of lines of the template; a placeholder stands alone on its line."""

    text: str
    """Begins with a character that is no space and ends without a newline."""
    when: Literal["reference"] | None = None
    """`reference`: left out for items without a reference."""


class Template(msgspec.Struct, frozen=True):
    """How a prompt is laid out."""

    not_hashed: ClassVar[tuple[str, ...]] = ("layout", "aspects")
    """The order of `blocks` and the texts laid in them say these."""

    wrap: Literal["chat", "plain"]
    """In the judge's chat template, or as plain text."""
    system: str
    """Text of the system message; empty for none."""
    blocks: tuple[Block, ...]
    """In the order of `layout`."""
    layout: LayoutName = "as-written"
    aspects: Asking = "one-by-one"


THINKING_TOKENS = 2048
"""Budget of a judge's thinking, unless the rubric names one."""

MIN_THINKING_TOKENS = 16
"""The marks that end the thinking must fit."""


class DecodingWishes(msgspec.Struct, frozen=True, kw_only=True):
    """The decoding that a rubric asks for, before the engine has said what it can do."""

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    structured: Literal["auto", "none"] = "auto"
    probabilities: bool | None = None
    """Read label probabilities; None: where the engine has them."""
    thinking: bool | None = None
    """Let the judge think before it answers; None: where it can, and labels are not read."""
    thinking_tokens: int = THINKING_TOKENS


class Rubric(msgspec.Struct, frozen=True, kw_only=True):
    """A rubric, checked."""

    name: str
    mode: Mode
    reference: Literal["never", "optional", "required"]
    date: str
    """ISO date that chat templates get when they ask for today's."""
    rule: str | None
    """Reconciliation rule as written; None: :meth:`rule_in_force` says."""
    one_failed: OneFailed
    """What a pair with one unread order comes to."""
    aspects: tuple[Aspect, ...]
    examples: tuple[str, ...]
    """Worked examples, trusted; each without white space at its ends."""
    template: Template
    verdicts: tuple[VerdictFormat, ...]
    """How the verdict of each aspect is written, in the order of `aspects`."""
    gold: tuple[tuple[str, float], ...] = ()
    """Words of gold, and the score that each stands for; no judge sees them."""
    decoding: DecodingWishes
    source: str
    """The TOML text it was read from."""
    file: str
    """Where that text came from, for messages."""

    @property
    def verdict(self) -> VerdictFormat:
        """Verdict format of the first aspect; its name is that of all."""
        return self.verdicts[0]

    @property
    def together(self) -> bool:
        """Whether one answer holds the verdicts of all aspects."""
        return self.template.aspects == "together"

    @property
    def prompts(self) -> tuple[Rubric, ...]:
        """What is asked in one prompt each: this rubric, or its aspects alone."""
        if self.together or len(self.aspects) == 1:
            return (self,)
        return tuple(self.alone(aspect) for aspect in range(len(self.aspects)))

    def alone(self, aspect: int) -> Rubric:
        """Return the rubric with one of its aspects, as it is asked alone."""
        return msgspec.structs.replace(
            self, aspects=(self.aspects[aspect],), verdicts=(self.verdicts[aspect],)
        )

    def rule_in_force(self, *, probabilities: bool) -> str:
        """Reconciliation rule: the one written, else `average` for probabilities, `strict` else."""
        return self.rule or ("average" if probabilities else "strict")

    @property
    def parse_hash(self) -> str:
        """Digest of how an answer is read: the verdict format and the parser. 64 hex digits."""
        form = self.verdict if len(self.verdicts) == 1 else self.verdicts
        fields = [str(PARSER_VERSION).encode(), *framed_value(form)]
        return framed("judgefast parse 1", fields).hex()


def framed_value(value: object) -> list[bytes]:
    """Fields that say `value` without a doubt: a type mark and content, in declared order."""
    if isinstance(value, msgspec.Struct):
        later = getattr(value, "hashed_where_set", ())
        never = getattr(value, "not_hashed", ())
        fields = [name for name in value.__struct_fields__ if name not in never]
        names = [name for name in fields if name not in later or getattr(value, name)]
        inner = [[name.encode(), *framed_value(getattr(value, name))] for name in names]
        return [b"struct %d" % len(names), *(part for parts in inner for part in parts)]
    if isinstance(value, tuple | list):
        return [b"list %d" % len(value), *(part for item in value for part in framed_value(item))]
    if isinstance(value, str):
        return [b"text", value.encode("utf-8", "surrogatepass")]
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # `low = 1` and `low = 1.0` are one number
    return [b"plain", repr(value).encode()]
