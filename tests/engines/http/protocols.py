"""How vLLM answers, in its shapes and words as of 0.32, and servers that take texts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from .byte_model import CONTROL, LAST_BYTE, text_of
from .minds import Said, said_by
from .opinion import LETTERS, letter, logprob

if TYPE_CHECKING:
    from .faults import Script

BLOCK = 16

Ids = list[int]


class Refusal(Exception):  # noqa: N818 - it is no error of ours
    """A request that is answered by a status other than 200."""

    def __init__(self, status: int, reply: dict[str, Any]) -> None:
        super().__init__(status)
        self.status, self.reply = status, reply


class Asked(NamedTuple):
    """A request, read."""

    prompts: list[str]
    ids: list[Ids]
    """Empty where texts were sent."""
    body: dict[str, Any]
    is_chat: bool

    @property
    def controls(self) -> list[int]:
        """Control tokens in each prompt, without those of the template that a server adds."""
        if self.ids:
            return [sum(one > LAST_BYTE for one in each) for each in self.ids]
        return [sum(map(text.count, CONTROL)) for text in self.prompts]


def refusal(status: int, message: str, kind: str = "BadRequestError") -> Refusal:
    """In vLLM's form."""
    error = {"message": message, "type": kind, "param": None, "code": status}
    return Refusal(status, {"error": error})


class Cache:
    """Blocks of prompts that were seen, as a prefix cache keeps them."""

    def __init__(self) -> None:
        self._blocks: set[int] = set()
        self.queries = self.hits = self.generated = 0

    def add(self, ids: Ids) -> int:
        """Compute a prompt; how many of its tokens were there already."""
        whole = range(BLOCK, len(ids), BLOCK)  # the last token is always computed
        keys = [hash(tuple(ids[:end])) for end in whole]
        known = next((n for n, key in enumerate(keys) if key not in self._blocks), len(keys))
        self._blocks.update(keys)
        self.queries += len(ids)
        self.hits += known * BLOCK
        return known * BLOCK

    def metrics(self, model: str) -> str:
        """The counters among what `/metrics` of vLLM shows, each with its twin."""
        counted = {
            "prefix_cache_queries": self.queries,
            "prefix_cache_hits": self.hits,
            "prompt_tokens": self.queries,
            "prompt_tokens_cached": self.hits,
            "generation_tokens": self.generated,
        }
        lines = []
        for name, value in counted.items():
            labels = f'{{engine="0",model_name="{model}"}}'
            lines.append(f"# TYPE vllm:{name}_total counter")
            lines.append(f"vllm:{name}_total{labels} {float(value)}")
            lines.append(f"vllm:{name}_created{labels} 1.7e+09")
        return "\n".join(lines) + "\n"


def prompts_of(body: dict[str, Any]) -> list[str]:
    """The prompts of a request that was refused, as far as they can be read."""
    prompt = body.get("prompt", body.get("input_ids"))
    if prompt is None:
        return ["\n".join(message["content"] for message in body.get("messages", []))]
    is_list = isinstance(prompt, list) and not (prompt and isinstance(prompt[0], int))
    listed = prompt if is_list else [prompt]
    return [each if isinstance(each, str) else text_of(each) for each in listed]


def read(path: str, body: dict[str, Any], script: Script) -> Asked:
    """Read and check a request for completions.

    Raises:
        Refusal: As vLLM refuses: a list as a whole, without naming the culprit.

    """
    if body.get("model", script.model) != script.model:
        raise refusal(404, f"The model `{body['model']}` does not exist.", "NotFoundError")
    if "/chat/" in path:
        if script.has_new_limit and "max_tokens" in body:
            message = "Unsupported parameter: 'max_tokens' is not supported with this model. "
            raise refusal(400, message + "Use 'max_completion_tokens' instead.")
        text = "\n".join(message["content"] for message in body["messages"])
        asked = Asked([text], [], body, is_chat=True)
        _check_length(len(text.encode()), script)
        return asked
    prompt = body["prompt"]
    if isinstance(prompt, str):
        _check_length(len(prompt.encode()), script)
        return Asked([prompt], [], body, is_chat=False)
    if script.flavour == "plain":
        raise refusal(400, "prompt: Input should be a valid string")
    if prompt and isinstance(prompt[0], str):
        return Asked(prompt, [], body, is_chat=False)
    ids = [prompt] if prompt and isinstance(prompt[0], int) else prompt
    _check_ids(ids, script)
    if "logprob_token_ids" in body and body.get("logprobs") is None:
        raise refusal(400, "when using `logprob_token_ids`, `logprobs` must be set")
    return Asked([text_of(each) for each in ids], ids, body, is_chat=False)


def answer(asked: Asked, script: Script, cache: Cache) -> dict[str, Any]:
    """The whole reply, in vLLM's shape."""
    choices, prompt_tokens, completion_tokens, cached = [], 0, 0, 0
    thought = 0
    for index, prompt in enumerate(asked.prompts):
        own = asked.ids[index] if asked.ids else list(prompt.encode())
        said = said_by(prompt, own, asked, script)
        cached = cache.add(own)
        prompt_tokens += len(own)
        completion_tokens += len(said.ids)
        thought += len(said.thought)
        choices.append(_choice(index, said, asked, script))
    cache.generated += completion_tokens
    usage = {
        "prompt_tokens": prompt_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "completion_tokens": completion_tokens,
        "prompt_tokens_details": {"cached_tokens": cached},  # of the last prompt, as vLLM has it
    }
    if asked.is_chat and script.thinks and script.parts != "no":
        usage["completion_tokens_details"] = {"reasoning_tokens": thought}
    return {
        "id": f"cmpl-{id(asked):x}",
        "object": "chat.completion" if asked.is_chat else "text_completion",
        "created": int(time.time()),
        "model": script.model,
        "choices": choices,
        "usage": usage,
    }


def _choice(index: int, said: Said, asked: Asked, script: Script) -> dict[str, Any]:
    body, prompt, text = asked.body, asked.prompts[index], said.text
    choice: dict[str, Any] = {"index": index, "logprobs": None, "finish_reason": said.finish}
    if asked.is_chat:
        choice["message"] = {"role": "assistant", "content": text}
        if script.thinks and script.parts != "no":
            choice["message"] |= {"content": text or None, script.parts: said.thought}
        if body.get("logprobs"):
            top = _likeliest(prompt, min(body.get("top_logprobs") or 0, script.top), script)
            one = {"token": text[:1], "logprob": logprob(text[:1], prompt), "bytes": None}
            listed = [{"token": t, "logprob": p, "bytes": list(t.encode())} for t, p in top]
            choice["logprobs"] = {"content": [one | {"top_logprobs": listed}]}
        return choice
    choice["text"] = text
    if body.get("return_token_ids") and script.tells_ids:
        choice["token_ids"] = said.ids
    if body.get("logprobs") is not None:
        if script.flavour == "vllm" and "logprob_token_ids" in body:
            ids = [*body["logprob_token_ids"], ord(letter(prompt))]
            top = [(chr(one), logprob(chr(one), prompt)) for one in ids]
        else:
            top = _likeliest(prompt, min(body["logprobs"], script.top), script)
        named = body.get("return_tokens_as_token_ids")
        values = {f"token_id:{ord(t)}" if named else t: p for t, p in top}
        choice["logprobs"] = {
            "tokens": list(text[:1]),
            "token_logprobs": [logprob(text[:1], prompt)],
            "top_logprobs": [values],
            "text_offset": [0],
        }
    return choice


def _likeliest(prompt: str, top: int, script: Script) -> list[tuple[str, float]]:
    """The likeliest tokens: the letters, then others that nobody asked for."""
    shown = [one for one in LETTERS if one not in script.hidden]
    values = [(one, logprob(one, prompt)) for one in shown]
    values += [(chr(97 + n), -5.0 - n) for n in range(20)]
    return sorted(values, key=lambda pair: -pair[1])[:top]


def _check_ids(ids: list[Ids], script: Script) -> None:
    if not 0 < len(ids) <= script.longest_list:
        raise refusal(400, f"prompt: List should have at most {script.longest_list} items")
    for each in ids:
        if not each:
            raise refusal(400, "The decoder prompt cannot be empty")
        if min(each) < 0 or max(each) >= script.vocabulary:
            raise refusal(400, f"Token id {max(each)} is out of vocabulary")
        _check_length(len(each), script)


def _check_length(tokens: int, script: Script) -> None:
    if tokens >= script.context:
        message = (
            f"This model's maximum context length is {script.context} tokens. However, your "
            f"request has {tokens} input tokens. Please reduce the length of the input messages."
        )
        raise refusal(400, message)
