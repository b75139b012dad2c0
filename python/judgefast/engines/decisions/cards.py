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
    cards = list(cards_of(models))
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for card in cards:
        for name in _names(card):
            by_name.setdefault(name, []).append(card)
    if asked not in by_name:
        every = {text for card in cards for text in (*_names(card), *_origins(card))}
        return tuple(sorted(every | ({asked} if asked else set())))
    own, left = {asked}, [asked]
    while left:
        for card in by_name.pop(left.pop(), ()):
            more = (*_names(card), *_origins(card))
            own.update(more)
            left += more
    return tuple(sorted(own))


def _names(card: Mapping[str, Any]) -> list[str]:
    """What a card calls its model."""
    aliases = card.get("aliases")
    found = [card.get(name) for name in ("id", "name", "model")]
    found += aliases if isinstance(aliases, list) else []
    return [text for text in found if isinstance(text, str)]


def _origins(card: Mapping[str, Any]) -> list[str]:
    """What its model was loaded from, or is an adapter of."""
    return [text for name in ("root", "parent") if isinstance(text := card.get(name), str)]


def context_of(models: Mapping[str, Any] | None, asked: str | None) -> int | None:
    """What the model can hold that is asked, where the server lists that."""
    listed = (models or {}).get("data")
    cards = [card for card in listed if isinstance(card, dict)] if isinstance(listed, list) else []
    own = next((card for card in cards if card.get("id") == asked), {})
    found = own.get("max_model_len")
    return found if type(found) is int and found > 0 else None
