"""A server that takes one text: the model's chat template is applied on our side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel

from .http_pool import HttpPool

if TYPE_CHECKING:
    from judgefast.batches.request import Request


class CompletionsEngine(HttpPool):
    name = "their-completions"
    path = "/v1/completions"
    capabilities = Capabilities(takes="text")

    def __init__(
        self, *, url: str, template: str, model: str = "opinionated", **options: Any
    ) -> None:
        super().__init__(url=url, model=model, **options)
        facts = json.loads(Path(template).read_text("utf-8"))
        self.model = JudgeModel(
            name=model,
            digest="",
            chat_template=facts["chat_template"],
            eos_token=facts["eos_token"],
        )

    def body(self, request: Request) -> dict[str, Any]:
        assert request.prompt
        return {
            "model": self.model.name,
            "prompt": request.prompt.text,
            "max_tokens": request.decoding.max_tokens,
            "temperature": request.decoding.temperature,
        }

    def read(self, request: Request, reply: dict[str, Any]) -> dict[str, Any]:
        (choice,) = reply["choices"]
        usage = reply["usage"]
        return {
            "text": choice["text"],
            "finish_reason": choice["finish_reason"],
            "prompt_tokens": usage["prompt_tokens"],
            "completion_tokens": usage["completion_tokens"],
        }
