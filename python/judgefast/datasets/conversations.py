"""Texts and conversations, as rows hold them.

A conversation is a list of turns, `{"role": ..., "content": ...}`. Data sets of preferences often
give two whole conversations and leave it to the reader to see where they part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from judgefast.datasets.faults import Reason, RowFault, shown
from judgefast.datasets.items import Turn

if TYPE_CHECKING:
    from judgefast.datasets.items import Text

_LONE = re.compile("[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]")


def read_text(value: Any, field: str) -> Text:  # noqa: ANN401 - whatever the row holds
    """Take a text or a conversation as it is.

    Raises:
        RowFault: It is neither.

    """
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return tuple(_turn(turn, f"{field}[{place}]") for place, turn in enumerate(value))
    words = f"expected text or a list of turns, saw {shown(value)}"
    raise RowFault(Reason.WRONG_TYPE, words, field=field, hint=_hint(value))


def _hint(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "write it in quotes, as text"
    return f"write text, or {_TURNS}"


_TURNS = 'turns such as [{"role": "user", "content": "Hi"}]'
_NO_TEXT = "write what the turn says as text, a tool call too; images cannot be judged"


def _turn(turn: Any, field: str) -> Turn:  # noqa: ANN401 - whatever the row holds
    if not isinstance(turn, Mapping):
        words = f"expected a turn with `role` and `content`, saw {shown(turn)}"
        raise RowFault(Reason.WRONG_TYPE, words, field=field)
    role = turn.get("role")
    if not isinstance(role, str):
        words = f"expected text, saw {shown(role)}"
        raise RowFault(Reason.WRONG_TYPE, words, field=f"{field}.role", hint=f"write {_TURNS}")
    return Turn(role, _content(turn.get("content"), f"{field}.content"))


def _content(content: Any, field: str) -> str:  # noqa: ANN401 - whatever the row holds
    if isinstance(content, str):
        return content
    # Content in parts, as chat APIs write it. An image cannot be shown to a judge of texts.
    if isinstance(content, list):
        texts: list[Any] = [part.get("text") for part in content if isinstance(part, Mapping)]
        if len(texts) == len(content) and all(isinstance(text, str) for text in texts):
            return "\n".join(texts)
    words = f"expected text, saw {shown(content)}"
    raise RowFault(Reason.WRONG_TYPE, words, field=field, hint=_NO_TEXT)


def is_blank(text: Text) -> bool:
    """Whether a text is empty or only white space, in every turn."""
    if isinstance(text, str):
        return not text or text.isspace()
    return all(not turn.content or turn.content.isspace() for turn in text)


def unwrapped(turns: tuple[Turn, ...], role: str) -> Text:
    """Text of a conversation that is a single turn of `role`, else the conversation."""
    return turns[0].content if len(turns) == 1 and turns[0].role == role else turns


def part_conversations(
    question: Text | None, first: Text, second: Text
) -> tuple[Text | None, Text, Text]:
    """Take the turns that two conversations share off them, as their question.

    What they share ends with a turn of the user, and at least one turn stays to be judged. A
    question that is given is kept, and taken off the conversations where they repeat it. Texts
    come back as they are; a question or an answer of a single turn becomes its text.
    """
    if isinstance(first, str) or isinstance(second, str):
        return question, _answer(first), _answer(second)
    shared = 0
    for place, (left, right) in enumerate(zip(first[:-1], second[:-1], strict=False), start=1):
        if left != right:
            break
        if left.role == "user":
            shared = place
    if shared:
        head = first[:shared]
        if question is None:
            question = unwrapped(head, "user")
        elif question not in (head, unwrapped(head, "user")):
            shared = 0
    return question, _answer(first[shared:]), _answer(second[shared:])


def _answer(text: Text) -> Text:
    return text if isinstance(text, str) else unwrapped(text, "assistant")


def mend_surrogates(value: Any) -> tuple[Any, int]:  # noqa: ANN401 - any value of a row
    """Replace lone surrogates by U+FFFD in a value and all it holds. Returns it and how many."""
    if isinstance(value, str):
        mended, count = _LONE.subn("\ufffd", value)
        # Halves that do belong together come from callers, never from JSON.
        return mended.encode("utf-16-le", "surrogatepass").decode("utf-16-le"), count
    if isinstance(value, Mapping):
        pairs = [(mend_surrogates(key), mend_surrogates(part)) for key, part in value.items()]
        return {key: part for (key, _), (part, _) in pairs}, sum(k[1] + p[1] for k, p in pairs)
    if isinstance(value, list | tuple):
        parts = [mend_surrogates(part) for part in value]
        return [part for part, _ in parts], sum(count for _, count in parts)
    return value, 0
