"""SGLang's answers, written from its source (0.5.23); no SGLang runs here.

Of `sglang/srt`: `/v1/models`, `/model_info`, `/server_info`, `/generate` and its errors from
`entrypoints/http_server.py`, the refusals and `meta_info` from `managers/tokenizer_manager.py`,
finish reasons from `managers/schedule_batch.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .byte_model import text_of
from .opinion import logprob, written
from .protocols import Asked, Refusal

if TYPE_CHECKING:
    from .faults import Script
    from .protocols import Cache


def facts(path: str, script: Script) -> dict[str, Any] | None:
    """What it says about itself."""
    if path in {"/model_info", "/get_model_info"}:
        return {
            "model_path": f"/models/{script.model}",
            "served_model_name": script.model,
            "tokenizer_path": f"/models/{script.model}",
            "is_generation": True,
            "preferred_sampling_params": None,
            "weight_version": "default",
        }
    if path in {"/server_info", "/get_server_info"}:
        return {"version": "0.5.23", "internal_states": [{}], "frontend": "python"}
    return None


def read(path: str, body: dict[str, Any], script: Script) -> Asked:
    """Read and check a request to `/generate`.

    Raises:
        Refusal: The first prompt that is refused, with its reason, for the whole list.

    """
    del path
    ids = body["input_ids"]
    ids = [ids] if ids and isinstance(ids[0], int) else ids
    longest = body["sampling_params"].get("max_new_tokens", 128)
    for one in body.get("token_ids_logprob") or []:
        if isinstance(one, int) and not 0 <= one < script.vocabulary:
            words = f"valid range is [0, {script.vocabulary})."
            words = f"token_ids_logprob contains out-of-vocabulary token id {one}; {words}"
            raise _refusal(words)
    for each in ids:
        if len(each) >= script.context:
            words = f"The input ({len(each)} tokens) is longer than the model's context length "
            raise _refusal(words + f"({script.context} tokens).")
        if len(each) + longest > script.context:
            words = "Requested token count exceeds the model's maximum context length of "
            words += f"{script.context} tokens. You requested a total of {len(each) + longest}"
            raise _refusal(words)
    return Asked([text_of(each) for each in ids], ids, body, is_chat=False)


def answer(asked: Asked, script: Script, cache: Cache) -> Any:
    """A list for a list, an object for one prompt."""
    del script
    body = asked.body
    made = []
    for number, (prompt, ids) in enumerate(zip(asked.prompts, asked.ids, strict=True)):
        limit = body["sampling_params"].get("max_new_tokens", 128)
        text = written(prompt, body)
        is_cut = len(text) > limit
        text = text[:limit]
        stop = {"type": "length", "length": limit} if is_cut else {"type": "stop", "matched": 257}
        meta: dict[str, Any] = {
            "id": f"{id(asked):x}-{number}",
            "finish_reason": stop,
            "prompt_tokens": len(ids),
            "weight_version": "default",
            "num_retractions": 0,
        }
        if body.get("return_logprob"):
            output = [[logprob(text[:1], prompt), ord(text[:1]), None]]
            meta |= {"input_token_logprobs": [], "output_token_logprobs": output}
            wanted = body.get("token_ids_logprob") or []
            wanted = wanted[number] if wanted and isinstance(wanted[0], list) else wanted
            meta["input_token_ids_logprobs"] = []
            meta["output_token_ids_logprobs"] = [
                [[logprob(chr(one), prompt), one, None] for one in wanted] or None
            ]
        cached = cache.add(ids)
        meta |= {"reasoning_tokens": 0, "completion_tokens": len(text), "cached_tokens": cached}
        cache.generated += len(text)
        made.append({"text": text, "output_ids": list(text.encode()), "meta_info": meta})
    single = body["input_ids"] and isinstance(body["input_ids"][0], int)
    return made[0] if single else made


def _refusal(words: str) -> Refusal:
    return Refusal(400, {"error": {"message": words}})
