"""From requests to the JSON that a server is sent. What all requests share is made once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast import _native
from judgefast.engines.http.abilities import PATHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.http.abilities import Abilities
    from judgefast.engines.http.jobs import PromptJob
    from judgefast.engines.remote.defuse import Defuser
    from judgefast.prompts.decoding import Decoding
    from judgefast.prompts.reasoning import Reasoning
    from judgefast.prompts.segments import Prompt

_ANY_ID = (1 << 31) - 1
_STREAMED = (
    b',"stream":true,"stream_interval":%d'
    b',"stream_options":{"include_usage":true,"continuous_usage_stats":true}'
)
"""An event for each token costs the server more than the token's request: vLLM from 0.32 on takes
how many of them may come together."""
_encode = msgspec.json.Encoder().encode


class Bodies:
    """Makes bodies for one server's way.

    Args:
        abilities: What the server can do.
        vocabulary: Ids are below it; None where it is not known.
        defuser: What becomes of control tokens that texts spell, for chat.
        reasoning: How the judge thinks, where it is asked to apart from its answer.

    """

    def __init__(
        self,
        abilities: Abilities,
        *,
        vocabulary: int | None = None,
        defuser: Defuser | None = None,
        reasoning: Reasoning | None = None,
    ) -> None:
        self.path = PATHS[abilities.way]
        self._abilities = abilities
        self._vocabulary = vocabulary or _ANY_ID
        self._defuser, self._reasoning = defuser, reasoning
        self._heads: dict[Decoding, bytes] = {}
        self._last: tuple[Decoding | None, bytes] = (None, b"")

    def body(self, jobs: Sequence[PromptJob], *, is_streamed: bool = False) -> bytes:
        """The body of one request.

        Args:
            jobs: One, or several of one decoding and without seeds.
            is_streamed: Choices are to be sent as they end; over `/v1/completions` alone.

        Raises:
            ColumnError: A prompt is empty, or has an id outside of the vocabulary.

        """
        decoding = jobs[0].decoding
        head = self._last[1]
        if self._last[0] is not decoding:  # its hash is that of all its fields
            head = self._heads.get(decoding) or self._head(decoding)
            self._heads[decoding] = head
            self._last = (decoding, head)
        seed = b""
        if decoding.temperature > 0 and self._abilities.way != "sglang":
            seed = b',"seed":%d' % (jobs[0].request.seed & _ANY_ID)
        if self._abilities.way == "chat":
            return b"".join((head, seed, b',"messages":', self._messages(jobs[0]), b"}"))
        ids = [job.ids for job in jobs if job.ids is not None]
        if self._abilities.way == "sglang":
            before = head + b',"input_ids":'
            return _native.prompts_json(ids, self._vocabulary, before, b"}")
        streamed = _STREAMED % decoding.max_tokens if is_streamed else b""
        before = b"".join((head, seed, streamed, b',"prompt":'))
        if self._abilities.lists:
            return _native.prompts_json(ids, self._vocabulary, before, b"}")
        prompt = _native.prompts_json(ids, self._vocabulary, b"", b"")[1:-1]
        return b"".join((before, prompt, b"}"))

    def _messages(self, job: PromptJob) -> bytes:
        prompt = job.request.prompt
        if prompt is None:
            message = "the engine `http` asks in words, and this request has no prompt"
            raise TypeError(message)
        return _encode(defused(prompt, self._defuser) if self._defuser else prompt.messages())

    def _head(self, decoding: Decoding) -> bytes:
        """All that does not change from prompt to prompt, without the last brace."""
        of_way = self._of_sglang if self._abilities.way == "sglang" else self._of_openai
        return _encode(of_way(decoding))[:-1]

    def _of_openai(self, decoding: Decoding) -> dict[str, Any]:
        abilities = self._abilities
        fields: dict[str, Any] = {
            "model": abilities.model,
            abilities.limit_name: decoding.max_tokens,
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
        }
        if decoding.stop:
            fields["stop"] = decoding.stop
        if abilities.way == "chat":
            fields[abilities.limit_name] = decoding.most_tokens
        elif self._reasoning is not None:
            fields |= self._ends_of(decoding, self._reasoning)
        if decoding.probabilities:
            fields |= self._label_fields(decoding)
        elif decoding.schema is not None:
            held = {
                "name": "verdict",
                "strict": True,
                "schema": msgspec.Raw(decoding.schema.encode()),
            }
            fields["response_format"] = {"type": "json_schema", "json_schema": held}
        elif decoding.labels:
            fields["structured_outputs"] = {"choice": [label.text for label in decoding.labels]}
        return fields

    @staticmethod
    def _ends_of(decoding: Decoding, reasoning: Reasoning) -> dict[str, Any]:
        """Where a judge that thinks is to end: its thinking, or its answer."""
        if decoding.thinking_tokens:
            return {"stop_token_ids": reasoning.end_ids, "return_token_ids": True}
        ends = reasoning.answer_end_ids
        return {"stop_token_ids": ends} if ends and not decoding.probabilities else {}

    def _label_fields(self, decoding: Decoding) -> dict[str, Any]:
        abilities = self._abilities
        if abilities.way == "chat":
            return {"logprobs": True, "top_logprobs": abilities.top_logprobs}
        fields: dict[str, Any] = {"return_tokens_as_token_ids": True}
        if abilities.labels_by_id:
            ids = [label.token_id for label in decoding.labels]
            return fields | {"logprobs": 0, "logprob_token_ids": ids}
        return fields | {"logprobs": abilities.top_logprobs}

    @staticmethod
    def _of_sglang(decoding: Decoding) -> dict[str, Any]:
        sampling: dict[str, Any] = {
            "max_new_tokens": decoding.max_tokens,
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
        }
        if decoding.stop:
            sampling["stop"] = decoding.stop
        fields: dict[str, Any] = {"sampling_params": sampling}
        if decoding.probabilities:
            fields["return_logprob"] = True
            fields["token_ids_logprob"] = [label.token_id for label in decoding.labels]
        elif decoding.schema is not None:
            sampling["json_schema"] = decoding.schema
        elif decoding.labels:
            sampling["regex"] = "|".join(re.escape(label.text) for label in decoding.labels)
        return fields


def defused(prompt: Prompt, defuser: Defuser) -> list[dict[str, str]]:
    """The prompt as chat messages, in which nobody else's text spells a control token."""
    parts = [
        segment.text if segment.trusted else defuser(segment.text) for segment in prompt.segments
    ]
    system = [{"role": "system", "content": parts[0]}] if prompt.has_system else []
    return [*system, {"role": "user", "content": "".join(parts[len(system) :])}]
