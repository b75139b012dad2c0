"""Items as lint advises them, for plans that weigh the advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from judgefast.pipeline.lint_anew import with_texts
from judgefast.pipeline.lint_words import (
    hash_of,
    long_head,
    masked,
    meant,
    texts_of,
    without_volatile,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.datasets.items import Item, Text

QUESTION, REFERENCE, ANSWER = range(3)
"""Codes of the fields of an item."""


def written_alike(items: Sequence[Item], field: int) -> Callable[[Item], Item]:
    """Write each text of a field as the shortest of `items` that a person reads the same in."""
    shortest: dict[int, Text] = {}
    for item in items:
        for code, text in texts_of(item):
            if code == field:
                key = hash_of(meant(words_of(text)))
                known = shortest.setdefault(key, text)
                if _bytes(text) < _bytes(known):
                    shortest[key] = text

    def alike(text: Text | None) -> Text | None:
        return shortest[hash_of(meant(words_of(text)))] if text else text

    def change(item: Item) -> Item:
        if field == QUESTION:
            return with_texts(item, question=alike(item.question))
        if field == REFERENCE:
            return with_texts(item, reference=alike(item.reference))
        return with_texts(item, answers=[alike(answer.text) for answer in item.answers])

    return change


def undated(found: set[int]) -> Callable[[Item], Item]:
    """Leave out what is volatile in questions; `found` are the `masked` hashes of those meant."""

    def change(item: Item) -> Item:
        text = item.question
        if not text or masked(words_of(text)) not in found:
            return item
        if isinstance(text, str):
            return with_texts(item, question=without_volatile(text.strip()))
        first = replace(text[0], content=without_volatile(text[0].content.strip()))
        return with_texts(item, question=(first, *text[1:]))

    return change


def by_question(item_words: Callable[[str], int] = hash_of) -> Callable[[Item], Item]:
    """Put items with one question into one cluster.

    Args:
        item_words: What makes questions one, of their words; 0 leaves an item where it is.

    """
    first: dict[int, str] = {}

    def change(item: Item) -> Item:
        key = item_words(words_of(item.question)) if item.question else 0
        return replace(item, cluster=first.setdefault(key, item.cluster)) if key else item

    return change


def by_head(found: set[int]) -> Callable[[Item], Item]:
    """Put items whose questions begin alike into one cluster; `found` are `long_head` hashes."""

    def head(words: str) -> int:
        key = long_head(words)
        return key if key in found else 0

    return by_question(head)


def _bytes(text: Text) -> int:
    """By which a plain blank is shorter than another, and a composed form than its parts."""
    return len(words_of(text).encode("utf-8", "surrogatepass"))
