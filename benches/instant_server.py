"""A server that speaks OpenAI's API as vLLM does and answers at once, as a process of its own.

`python instant_server.py --port 0` prints its port. It judges by what a prompt's ids add up to, so
that an answer shows which prompt it belongs to. No fault is in it:
for those see `tests/engines/http/fault_server.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
from typing import Any

import uvloop

REASON = "The answer addresses the question directly, with one small omission in its last step."
TEXTS = {
    "grade": f"{REASON}\n\nGRADE: C",
    "criterion": json.dumps({"criterion_status": "MET", "explanation": REASON}),
    "prometheus": f"Feedback: {REASON} [RESULT] 4",
}
"""What chats are answered, by the model's name: verdicts in the forms of other harnesses."""

HEAD = b"HTTP/1.1 %d -\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


def logprobs_of(ids: list[int], wanted: list[int]) -> dict[str, float]:
    """A log-probability for each token that was asked for, by the prompt's ids."""
    total = sum(ids)
    least = math.log(len(wanted)) + 0.01
    return {
        f"token_id:{token}": -least - (total * (place + 1) % 97) / 10
        for place, token in enumerate(wanted)
    }


def choice(index: int, ids: list[int], body: dict[str, Any]) -> dict[str, Any]:
    """One answer."""
    tops = logprobs_of(ids, body["logprob_token_ids"]) if body.get("logprob_token_ids") else None
    text = " zebra"
    if body.get("response_format"):
        text = '{"animal":"zebra"}'
    logprobs = tops and {
        "text_offset": [0],
        "token_logprobs": [-0.1],
        "tokens": ["token_id:1"],
        "top_logprobs": [tops],
    }
    return {
        "index": index,
        "text": text,
        "logprobs": logprobs,
        "finish_reason": "length",
        "stop_reason": None,
    }


def completions(body: dict[str, Any], longest: int) -> tuple[int, dict[str, Any]]:
    """Status and reply of a request."""
    prompts = body["prompt"]
    if isinstance(prompts, str):
        prompts = [[1] * (1 + prompts.count(" "))]
    elif isinstance(prompts[0], int):
        prompts = [prompts]
    if max(map(len, prompts)) + body["max_tokens"] > longest:
        words = f"This model's maximum context length is {longest} tokens."
        return 400, {"error": {"message": words, "type": "BadRequestError", "code": 400}}
    count = sum(map(len, prompts))
    return 200, {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": "judge",
        "choices": [choice(index, ids, body) for index, ids in enumerate(prompts)],
        "usage": {
            "prompt_tokens": count,
            "total_tokens": count + len(prompts),
            "completion_tokens": len(prompts),
            "prompt_tokens_details": None,
        },
    }


def chat(body: dict[str, Any]) -> dict[str, Any]:
    """Reply of a conversation: a reason of some 20 tokens, and a verdict."""
    text = TEXTS[body["model"]]
    message = {"role": "assistant", "content": text, "refusal": None}
    prompt = sum(len(each["content"]) for each in body["messages"]) // 4
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": 20,
            "total_tokens": prompt + 20,
        },
    }


def decide(body: dict[str, Any]) -> dict[str, Any]:
    """Reply of a decision: by what the state's texts add up to, whatever the options' order."""
    total = sum(map(len, body["state"].values()))
    answers = {}
    for name, question in body["questions"].items():
        weights = {
            option: 1 + (total + sum(option.encode())) % 7 for option in question["criteria"]
        }
        shares = {option: each / sum(weights.values()) for option, each in weights.items()}
        best = max(shares, key=lambda option: shares[option])
        answers[name] = {"type": "choice", "choice": best, "probabilities": shares}
        answers[name]["confidence"] = shares[best]
    usage = {"input_tokens": total // 4, "output_tokens": 0}
    return {"model": "judge", "answers": answers, "usage": usage}


class Connection(asyncio.Protocol):
    """Requests on one connection, each answered before the next."""

    def __init__(self, longest: int) -> None:
        self.held = b""
        self.longest = longest

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where replies go."""
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            head = self.held[:end].lower()
            place = head.find(b"content-length:")
            size = int(head[place + 15 :].split(b"\r\n")[0]) if place >= 0 else 0
            if len(self.held) < end + 4 + size:
                return
            raw, self.held = self.held[end + 4 : end + 4 + size], self.held[end + 4 + size :]
            if head.startswith(b"post /v1/completions"):
                status, said = completions(json.loads(raw), self.longest)
            elif head.startswith(b"post /v1/chat/completions"):
                status, said = 200, chat(json.loads(raw))
            elif head.startswith(b"post /v1/systemone"):
                status, said = 200, decide(json.loads(raw))
            elif head.startswith(b"get /v1/models"):
                model = {"id": "judge", "owned_by": "vllm", "max_model_len": self.longest}
                status, said = 200, {"object": "list", "data": [model]}
            else:
                status, said = 404, {"detail": "Not Found"}
            reply = json.dumps(said, separators=(",", ":")).encode()
            self.transport.write(HEAD % (status, len(reply)) + reply)


async def main(port: int, longest: int) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(longest), "127.0.0.1", port)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--context", type=int, default=8192)
    given = parser.parse_args()
    uvloop.run(main(given.port, given.context))
