"""What a server's list of models says of the one that is asked; such lists have two shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LISTS = ("data", "models")


def cards_of(models: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """Every card of a list."""
    for key in _LISTS:
        found = (models or {}).get(key)
        if isinstance(found, list):
            yield from (each for each in found if isinstance(each, dict))


def names_of(models: Mapping[str, Any] | None) -> list[str]:
    """Names of models as a server lists them, in the first of two shapes that it has."""
    for key, called in (("data", "id"), ("models", "name")):
        listed = (models or {}).get(key)
        cards = listed if isinstance(listed, list) else []
        found = [str(card[called]) for card in cards if isinstance(card, dict) and card.get(called)]
        if names := [name for name in dict.fromkeys(found) if name.isprintable()]:
            return names
    return []


def also_called(models: Mapping[str, Any] | None, asked: str | None) -> tuple[str, ...]:
    """Names of a model in a list, those of what it was made of too; where it is not there, of all.

    >>> listed = {"data": [{"id": "mine", "parent": "base"}, {"id": "base", "root": "Org/Model"}]}
    >>> also_called(listed, "mine")
    ('Org/Model', 'base', 'mine')
    """
    cards = [set(_texts(card)) for card in cards_of(models)]
    own = {asked}
    while more := {text for card in cards if card & own for text in card} - own:
        own |= more
    names = own if own != {asked} else set().union({asked}, *cards)
    return tuple(sorted(name for name in names if name is not None))


def _texts(card: Mapping[str, Any]) -> list[str]:
    """What a card calls a model, and what it was made of."""
    aliases = card.get("aliases")
    found = [card.get(name) for name in ("id", "name", "model", "root", "parent")]
    found += aliases if isinstance(aliases, list) else []
    return [text for text in found if isinstance(text, str)]


def context_of(models: Mapping[str, Any] | None, asked: str | None) -> int | None:
    """What the model can hold that is asked, where the server lists that."""
    listed = (models or {}).get("data")
    cards = [card for card in listed if isinstance(card, dict)] if isinstance(listed, list) else []
    own = next((card for card in cards if card.get("id") == asked), {})
    found = own.get("max_model_len")
    return found if type(found) is int and found > 0 else None
