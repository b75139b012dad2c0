"""Words of a text, as a cache sees them and as a person does, and what is volatile in them."""

from __future__ import annotations

import json
import re
import unicodedata
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.datasets.items import Item, Text

VOLATILE = re.compile(
    r"""\b(?:\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?
    |\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?
    |[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}
    |(?=[0-9a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,64}
    |\d{6,20})\b""",
    re.IGNORECASE | re.VERBOSE,
)
"""Dates, times of day, UUIDs, hexadecimal digests and long numbers."""
_HEAD_CHARACTERS = 120
"""From the beginning of a text, in which what is volatile is looked for."""
_SHARED_CHARACTERS = 64
"""Behind it, which must be alike, so that something would be shared."""

_LONG_HEAD = 256
"""Characters that questions have in common where a passage stands before each of them."""


def texts_of(item: Item) -> list[tuple[int, Text]]:
    """Texts of an item, each with the code of its field: question, reference, answer."""
    texts = [(0, item.question), (1, item.reference), *((2, one.text) for one in item.answers)]
    return [(field, text) for field, text in texts if text]


def words_of(text: Text) -> str:
    """A text as it is sent; of a conversation the turns."""
    if isinstance(text, str):
        return text.strip()
    return "\n".join(f"[{turn.role}]\n{turn.content.strip()}" for turn in text)


def meant(words: str) -> str:
    """What a person reads: any white space is one blank, any Unicode form the composed one."""
    if words.startswith(("{", "[")):
        try:
            return json.dumps(json.loads(words), sort_keys=True)
        except (ValueError, RecursionError):
            pass
    return plain(words)


def plain(words: str) -> str:
    """Words with one blank between them, in the composed Unicode form."""
    return unicodedata.normalize("NFC", " ".join(words.split()))


def masked(words: str) -> int:
    """Hash of a head in which something volatile stands before enough else; 0 where none does."""
    found = VOLATILE.search(words, 0, _HEAD_CHARACTERS)
    if found is None or len(words) < found.end() + _SHARED_CHARACTERS:
        return 0
    head = words[: found.end() + _SHARED_CHARACTERS]
    return hash_of(VOLATILE.sub("\0", head))


def long_head(words: str) -> int:
    """Hash of a head that is worth sharing; 0 where there is no more than that."""
    return hash_of(words[:_LONG_HEAD]) if len(words) > _LONG_HEAD else 0


def without_volatile(words: str) -> str:
    """Leave out what is volatile in a head, where `masked` has found something."""
    found = VOLATILE.search(words, 0, _HEAD_CHARACTERS)
    if found is None:
        return words
    end = found.end() + _SHARED_CHARACTERS
    return (VOLATILE.sub("", words[:end]) + words[end:]).strip()


def hash_of(text: str) -> int:
    """8 bytes of a text, never 0."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1
