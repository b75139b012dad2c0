"""One item whole: what was asked, what each judgment said, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.datasets.items import Text as ItemText  # noqa: TC001 - msgspec reads it to decode
from judgefast.reports.console import Inset, Look, to_text
from judgefast.reports.inert import block, line, plain_value
from judgefast.reports.words import EXCERPT_LIMIT, name, number

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

LOW_LABEL_MASS = 0.9
"""Below it the labels are not what the judge wanted to say; marked."""


class AnswerView(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of the item."""

    model: str | None
    text: ItemText | None
    """None where the run keeps hashes only."""


class PutView(msgspec.Struct, frozen=True, kw_only=True):
    """One time that a typed question was put, and what came back."""

    options: list[str]
    """In the order in which they were put."""
    probabilities: list[float]
    """In the same order; empty where `outcome` says why."""
    outcome: str
    words: str = ""
    """Of the server, where there is no answer."""


class JudgmentView(msgspec.Struct, frozen=True, kw_only=True):
    """One judgment of the item: what came back, and what was read from it."""

    key: str
    """32 hex digits."""
    order: str
    """`forward`, `swapped`, or empty where one answer was shown."""
    shown: list[int]
    """Index of the answer at each position."""
    aspect: str
    repeat: int
    attempt: int
    """The attempt that counts, from 1; 0 where there is none."""
    status: str
    """Label of `codes.Status`."""
    verdict: str | None
    """The verdict in the item's own orientation: `a`, `b`, `tie`, a score, a label."""
    finish_reason: str | None
    text: str | None
    """The completion as it came; None where there is none or it was not kept."""
    span: tuple[int, int] | None = None
    """Bytes of `text` in UTF-8 that the verdict was read from, end exclusive."""
    probabilities: dict[str, float] = {}
    """By label, divided by their mass; empty where not read."""
    label_mass: float | None = None
    error: str | None = None
    left_out: int = 0
    """Tokens of the answers that the judge was not shown, for length (`--truncate balanced`)."""
    reasoning: str | None = None
    """What the judge thought before, where it came apart from `text`. No verdict is read there."""
    confidence: float | None = None
    """By the probabilities of the labels; None where not read."""
    confidence_server: float | None = None
    """The server's own, where it has one; no two servers mean the same by it."""
    puts: list[PutView] = []
    """Of judges that take typed questions: each time that the question was put."""


class OutcomeView(msgspec.Struct, frozen=True, kw_only=True):
    """What the judgments of one comparison, or of one answer, come to."""

    candidate: str
    """Letter of the answer, with its model where known."""
    baseline: str | None
    """None for a scored answer."""
    aspect: str
    value: float | None
    """For a comparison 1 is a win of the candidate."""
    status: str
    """Label of `codes.OutcomeStatus`."""
    position: str
    """Label of `codes.Position`."""
    rule: str


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a run knows of one item."""

    item_id: str
    cluster: str
    question: ItemText | None
    reference: ItemText | None
    answers: list[AnswerView]
    gold: str | float | None
    meta: dict[str, Any]
    judgments: list[JudgmentView]
    outcomes: list[OutcomeView]


def render_item(view: ItemView, look: Look | None = None) -> str:
    """Write one item for a person; texts whole, escaped as `inert.block` does.

    Args:
        view: The item; its texts may hold anything.
        look: Width and colour; 80 columns without colour by default.

    Returns:
        Lines that end in a line feed.

    """
    parts: list[RenderableType | Inset] = [_facts(view)]
    parts += _text_part("question", view.question)
    if view.reference is not None:
        parts += _text_part("reference", view.reference)
    for index, answer in enumerate(view.answers):
        model = f" ({name(answer.model)})" if answer.model else ""
        parts += _text_part(f"answer {letter(index)}{model}", answer.text)
    return to_text(parts + _said(view), look or Look())


def render_judgments(view: ItemView, look: Look | None = None) -> str:
    """Write what came back for one item, and what came of it, without its texts."""
    return to_text(_said(view), look or Look())


def _said(view: ItemView) -> list[RenderableType | Inset]:
    parts: list[RenderableType | Inset] = []
    for judgment in view.judgments:
        parts += _judgment(judgment)
    if view.outcomes:
        parts.append(_plain(""))
    parts += [_outcome(outcome) for outcome in view.outcomes]
    return parts


def letter(index: int) -> str:
    """Name an answer by its index: `a` to `z`, then `answer 27`.

    >>> letter(0), letter(25), letter(26)
    ('a', 'z', 'answer 27')

    """
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    return alphabet[index] if index < len(alphabet) else f"answer {index + 1}"


def _facts(view: ItemView) -> RenderableType:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("item", line(view.item_id))
    table.add_row("cluster", line(view.cluster))
    if view.gold is not None:
        table.add_row("gold", plain_value(view.gold))
    for key, value in view.meta.items():
        table.add_row(f"meta.{name(key)}", plain_value(value))
    return table


def _text_part(title: str, text: ItemText | None) -> list[RenderableType | Inset]:
    parts: list[RenderableType | Inset] = [_plain(""), _plain(title, "bold")]
    if text is None:
        return [*parts, _plain("  (not kept: the run has hashes only)", "dim")]
    if isinstance(text, str):
        return [*parts, _indented(text)]
    for turn in text:
        parts += [_plain(f"  [{name(turn.role)}]", "dim"), _indented(turn.content)]
    return parts


def _judgment(judgment: JudgmentView) -> list[RenderableType | Inset]:
    order = f"{name(judgment.order)}: " if judgment.order else ""
    shown = " then ".join(letter(index) for index in judgment.shown)
    title = f"{order}{shown} -> {_reading(judgment)}"
    details = [f"aspect {name(judgment.aspect)}"]
    details += [f"repeat {judgment.repeat}"] if judgment.repeat else []
    details += [f"attempt {judgment.attempt}"] if judgment.attempt else []
    details += [f"finish {name(judgment.finish_reason)}"] if judgment.finish_reason else []
    details.append(f"key {name(judgment.key)}")
    parts: list[RenderableType | Inset] = [_plain(""), _plain(title, "bold")]
    parts.append(_indented(", ".join(details)))
    if judgment.left_out:
        words = f"the judge saw these answers shortened, by {judgment.left_out:,} tokens in all"
        parts.append(_indented(words))
    if judgment.reasoning:
        parts += [_indented("thought first:"), Inset(block(judgment.reasoning), margin="  : ")]
    if judgment.puts:
        parts += [_indented(_put(put)) for put in judgment.puts]
    elif judgment.text is not None:
        text = judgment.text
        parts.append(Inset(block(text), margin="  | ") if text else _plain("  (empty)"))
        parts += _span(judgment.text, judgment.span)
    if judgment.probabilities:
        parts.append(_indented(_probabilities(judgment)))
    if judgment.confidence is not None:
        own = judgment.confidence_server
        theirs = "" if own is None else f"; the server's own, of another meaning: {number(own)}"
        parts.append(_indented(f"confidence {number(judgment.confidence)}{theirs}"))
    if judgment.error:
        parts.append(_indented(line(judgment.error)))
    return parts


def _put(put: PutView) -> str:
    if put.outcome != "ok":
        return f"put: {name(put.outcome)}" + (f", {line(put.words)}" if put.words else "")
    each = zip(put.options, put.probabilities, strict=False)
    return "put: " + ", ".join(f"P({line(option)}) {number(p)}" for option, p in each)


def _reading(judgment: JudgmentView) -> str:
    if judgment.verdict is None:
        return f"no verdict ({name(judgment.status)})"
    return name(judgment.verdict)


def _span(text: str, span: tuple[int, int] | None) -> list[RenderableType | Inset]:
    if span is None or span[0] >= span[1]:
        return []
    start, end = span
    read = text.encode("utf-8", "replace")[start:end].decode("utf-8", "replace")
    return [_indented(f"read from bytes {start}-{end}: {line(read, EXCERPT_LIMIT)}")]


def _probabilities(judgment: JudgmentView) -> str:
    each = ", ".join(
        f"P({line(label.strip() or label)}) {number(value)}"
        for label, value in judgment.probabilities.items()
    )
    if judgment.label_mass is None:
        return each
    low = " (low)" if judgment.label_mass < LOW_LABEL_MASS else ""
    return f"{each}; mass of the labels {number(judgment.label_mass)}{low}"


def _outcome(outcome: OutcomeView) -> RenderableType:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    who = name(outcome.candidate)
    if outcome.baseline is not None:
        who += f" over {name(outcome.baseline)}"
    value = number(outcome.value) if outcome.value is not None else "no value"
    facts = [name(outcome.status), f"rule {name(outcome.rule)}"]
    if outcome.baseline is not None:
        facts.append(f"orders {name(outcome.position)}")
    words = f"{who}, aspect {name(outcome.aspect)}: {value} ({', '.join(facts)})"
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(style="bold", overflow="fold")
    table.add_row("outcome", words)
    return table


def _indented(text: str) -> Inset:
    return Inset(block(text))


def _plain(text: str, style: str = "") -> Text:
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    return Text(text, style=style, overflow="fold")
