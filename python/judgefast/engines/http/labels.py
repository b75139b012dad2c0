"""The probability of each label, as a server gives it: by token id, or among the likeliest tokens.

A label that is not among the likeliest is not improbable: it is at most as probable as the last of
them, and at most what they all leave. That bound is what stands for it, never 0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from judgefast.engines.http.unusable import BadReplyError
from judgefast.engines.http.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgefast.engines.http.abilities import Abilities
    from judgefast.prompts.decoding import Decoding

_FLOOR = -9998.0
"""Below it a logarithm stands for minus infinity, which JSON has not."""


class Read(NamedTuple):
    """What the labels of one answer come to."""

    text: str
    """The likeliest label."""
    logprobs: tuple[float, ...]
    bounded: int
    """Of them, those that are upper bounds."""


class _Likely(msgspec.Struct, gc=False):
    token: str
    logprob: float
    id: int | None = None


class _Position(msgspec.Struct, gc=False):
    top_logprobs: list[_Likely] = []


class Labels:
    """The labels of one decoding, as one server's replies name them."""

    def __init__(self, decoding: Decoding, abilities: Abilities) -> None:
        self._texts = [label.text for label in decoding.labels]
        self._names = [f"token_id:{label.token_id}" for label in decoding.labels]
        self._ids = [label.token_id for label in decoding.labels]
        self._by_id = abilities.labels_by_id
        self._most = abilities.top_logprobs
        self._fields = [f"of_{place}" for place in range(len(self._names))]
        tops: Any = dict[str, float]
        if self._by_id:
            tops = msgspec.defstruct(
                "Tops",
                [
                    (field, float | None, msgspec.field(default=None, name=name))
                    for field, name in zip(self._fields, self._names, strict=True)
                ],
                gc=False,
            )
        fields: list[Any] = [("top_logprobs", list[tops])]
        if not self._by_id:  # llama.cpp answers here as over chat, with ids
            fields = [
                ("top_logprobs", list[tops] | None, None),
                ("content", list[_Position] | None, None),
            ]
        logprobs: Any = msgspec.defstruct("Logprobs", fields, gc=False)
        choice: Any = msgspec.defstruct(
            "Choice", [("index", int), ("logprobs", logprobs), ("text", str, "")], gc=False
        )
        reply = msgspec.defstruct(
            "Reply", [("choices", list[choice]), ("usage", Usage | None, None)], gc=False
        )
        self.decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(reply)
        """Of a whole reply of `/v1/completions`."""

    def of_completion(self, choice: Any) -> Read | None:  # noqa: ANN401 - of `decoder`
        """Read a choice of `/v1/completions`; None where no label is among the likeliest tokens.

        Raises:
            BadReplyError: A label that was asked for by its id is not there.

        """
        tops = choice.logprobs.top_logprobs
        if not self._by_id and choice.logprobs.content:
            tops = [_by_name(choice.logprobs.content[0])]
        if not tops:
            message = "it has no log-probabilities"
            raise BadReplyError(message)
        if self._by_id:
            return self._whole(msgspec.structs.astuple(tops[0]))
        by_name = {self._names[i]: tops[0].get(self._names[i]) for i in range(len(self._names))}
        if any(value is not None for value in by_name.values()):
            return self._bounded([by_name[name] for name in self._names], list(tops[0].values()))
        return self.of_words(tops[0])

    def of_ids(self, by_id: Mapping[int, float]) -> Read:
        """Read logarithms by token id.

        Raises:
            BadReplyError: A label is not there.

        """
        return self._whole(tuple(by_id.get(-1 if t is None else t) for t in self._ids))

    def of_words(self, tops: Mapping[str, float]) -> Read | None:
        """Read logarithms of the likeliest tokens by their texts.

        Tokens that differ from a label by white space at the ends mean it too. None where no label
        is among them, or where one may go on from a token that is only its beginning.
        """
        found: list[list[float]] = [[] for _ in self._texts]
        bare = [text.strip() for text in self._texts]
        for token, logprob in tops.items():
            word = token.strip()
            if word in bare:
                found[bare.index(word)].append(logprob)
        sums = [_log_of_sum(each) if each else None for each in found]
        begun = {token.strip() for token in tops} - {""}
        for text, value in zip(bare, sums, strict=True):
            if value is None and any(text != word and text.startswith(word) for word in begun):
                return None
            if value is not None and any(o != text and o.startswith(text) for o in bare):
                return None
        if all(value is None for value in sums):
            return None
        return self._bounded(sums, list(tops.values()))

    def _whole(self, values: tuple[float | None, ...]) -> Read:
        if None in values:
            message = f"it lacks the label `{self._texts[values.index(None)]}`"
            raise BadReplyError(message)
        known = cast("tuple[float, ...]", values)
        best = max(known)
        if not best > _FLOOR:
            message = "it gives every label a probability of 0"
            raise BadReplyError(message)
        if min(known) < _FLOOR:
            known = tuple(-math.inf if value < _FLOOR else value for value in known)
        return Read(self._texts[known.index(best)], known, 0)

    def _bounded(self, values: list[float | None], likeliest: list[float]) -> Read:
        likeliest.sort(reverse=True)
        likeliest = likeliest[: self._most or None]
        left = 1.0 - math.fsum(map(math.exp, likeliest))
        bound = min(likeliest[-1], math.log(left) if left > 0 else likeliest[-1])
        values = [-math.inf if v is not None and v < _FLOOR else v for v in values]
        logprobs = tuple(bound if value is None else value for value in values)
        known = [-math.inf if value is None else value for value in values]
        best = max(range(len(known)), key=known.__getitem__)
        return Read(self._texts[best], logprobs, sum(value is None for value in values))


def _by_name(position: _Position) -> dict[str, float]:
    """The likeliest tokens under the names that `return_tokens_as_token_ids` gives them."""
    return {
        each.token if each.id is None else f"token_id:{each.id}": each.logprob
        for each in position.top_logprobs
    }


def _log_of_sum(logs: list[float]) -> float:
    """Logarithm of the sum of what these are logarithms of."""
    most = max(logs)
    return most + math.log(math.fsum(math.exp(value - most) for value in logs))
