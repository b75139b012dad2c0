"""A server that takes chat messages: OpenAI's `/v1/chat/completions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgefast.prompts.decoding import Capabilities

from .http_pool import HttpPool

if TYPE_CHECKING:
    from judgefast.batches.request import Request

FINISH = {"stop": "stop", "length": "length", "content_filter": "refused"}


class ChatEngine(HttpPool):
    name = "their-chat"
    path = "/v1/chat/completions"
    capabilities = Capabilities(takes="chat", seed=True)

    def body(self, request: Request) -> dict[str, Any]:
        assert request.prompt
        return {
            "model": self.model.name,
            "messages": request.prompt.messages(),
            "max_tokens": request.decoding.max_tokens,
            "temperature": request.decoding.temperature,
            "top_p": request.decoding.top_p,
            "seed": request.seed,
            "stop": list(request.decoding.stop) or None,
        }

    def read(self, request: Request, reply: dict[str, Any]) -> dict[str, Any]:
        choice, usage = reply["choices"][0], reply["usage"]
        return {
            "text": choice["message"]["content"] or "",
            "finish_reason": FINISH[choice["finish_reason"]],
            "prompt_tokens": usage["prompt_tokens"],
            "cached_tokens": usage["prompt_tokens_details"]["cached_tokens"],
            "completion_tokens": usage["completion_tokens"],
        }
