"""From a request to vLLM's sampling parameters, with what this vLLM has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgefast.engines.vllm.wire import Thinking, Work

MAX_LABEL_IDS = 128
"""Token ids whose probability vLLM gives beside the sampled one."""


class Sampling:
    """Features are detected once, not guessed from a version."""

    def __init__(self) -> None:
        """Look at what the installed vLLM takes."""
        from vllm import SamplingParams  # noqa: PLC0415 - heavy
        from vllm.sampling_params import (  # noqa: PLC0415 - as above
            RequestOutputKind,
            StructuredOutputsParams,
        )

        self._params = SamplingParams
        self._structured = StructuredOutputsParams
        self._final_only = RequestOutputKind.FINAL_ONLY
        self._fields = set(getattr(SamplingParams, "__struct_fields__", ()))

    @property
    def reads_ids(self) -> bool:
        """Whether it gives full-vocabulary probabilities of tokens by their ids."""
        return "logprob_token_ids" in self._fields

    def params(self, work: Work) -> Any:  # noqa: ANN401 - vLLM's SamplingParams
        """Parameters of one request.

        Raises:
            ValueError: The request asks for what this vLLM cannot do.

        """
        settings = self._common(work, work.max_tokens, work.stop_ids)
        if work.stop:
            settings["detokenize"] = True
            settings["stop"] = list(work.stop)
        if work.probabilities:
            settings["logprob_token_ids"] = self._label_ids(work)
        elif work.schema is not None:
            settings["structured_outputs"] = self._structured(json=work.schema)
        elif work.labels:
            texts = [text for text, _ in work.labels]
            settings["structured_outputs"] = self._structured(choice=texts)
        return self._params(**settings)

    def to_think(self, work: Work, thinking: Thinking) -> Any:  # noqa: ANN401 - as above
        """Parameters of what comes before the answer: free text up to what ends it."""
        return self._params(**self._common(work, thinking.tokens, thinking.end_ids))

    def _common(self, work: Work, tokens: int, ends: tuple[int, ...]) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "max_tokens": tokens,
            "temperature": work.temperature,
            "top_p": work.top_p,
            "output_kind": self._final_only,
            "detokenize": False,
        }
        if ends:
            settings["stop_token_ids"] = list(ends)
        if work.temperature > 0:
            settings["seed"] = work.seed
        return settings

    def _label_ids(self, work: Work) -> list[int]:
        if not self.reads_ids:
            message = "this vLLM gives no probabilities by token id; 0.20 and newer do"
            raise ValueError(message)
        ids = [token for _, token in work.labels if token is not None]
        if len(ids) != len(work.labels) or len(ids) > MAX_LABEL_IDS:
            message = f"{len(work.labels)} labels of one token each: at most {MAX_LABEL_IDS}"
            raise ValueError(message)
        return ids
