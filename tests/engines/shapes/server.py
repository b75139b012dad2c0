"""A judge behind HTTP: chat, completions and decisions; busy or killed on demand."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from .opinion import PEAK, compared, opinion, passes, scored, spread

if TYPE_CHECKING:
    from collections.abc import Callable

BUSY = {0: (429, {"Retry-After": "0.01"}), 1: (503, {})}


class JudgeServer(ThreadingHTTPServer):
    """Answers by `opinion`; use it as a context manager.

    Args:
        port: 0 for any free one.
        busy: Requests at first that are answered 429 and 503 in turn.
        dies_after: Answers after which it is gone, with what is on its way.
        filtered: Requests whose texts hold this word are withheld by a content filter.
        refused: Requests whose texts hold this word are answered 400.

    """

    request_queue_size = 128
    daemon_threads = True

    def __init__(
        self,
        *,
        port: int = 0,
        busy: int = 0,
        dies_after: int | None = None,
        filtered: str = "\0",
        refused: str = "\0",
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.busy = busy
        self.left = dies_after
        self.filtered, self.refused = filtered, refused
        self.gate = threading.Event()
        """Nothing is answered while it is not set."""
        self.gate.set()
        self.posts: list[dict[str, Any]] = []
        self.answered = 0
        self.is_dead = False
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        """Serve in a thread."""
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        """Stop, and refuse connections from now on."""
        self.gate.set()
        self.shutdown()
        self.server_close()

    def die(self) -> None:
        self.is_dead = True
        threading.Thread(target=self.__exit__, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news here."""


class _Handler(BaseHTTPRequestHandler):
    server: JudgeServer

    def do_GET(self) -> None:
        self._say(200, {"data": [{"id": "opinionated-1", "owned_by": "tests"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        server.gate.wait(20)
        if server.refused in json.dumps(body):
            return self._say(400, {"error": {"message": "this is not asked here"}})
        with server.lock:
            if server.busy > 0:
                server.busy -= 1
                code, headers = BUSY[server.busy % 2]
                return self._say(code, {"error": {"message": "busy"}}, headers)
            if server.left == 0 and not server.is_dead:
                server.die()
            if server.is_dead:
                return None  # the connection closes without an answer
            server.left = None if server.left is None else server.left - 1
            server.posts.append(body)
            server.answered += 1
        is_filtered = server.filtered in json.dumps(body)
        return self._say(200, ANSWERS[self.path](body, is_filtered=is_filtered))

    def _say(self, code: int, reply: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        data = json.dumps(reply).encode()
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Nothing on stderr."""


def _chat(body: dict[str, Any], *, is_filtered: bool) -> dict[str, Any]:
    prompt = "".join(message["content"] for message in body["messages"])
    finish = "content_filter" if is_filtered else "stop"
    text = "" if is_filtered else opinion(prompt)
    message = {"role": "assistant", "content": text}
    return {
        "model": "opinionated-1",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": _usage(prompt, text),
    }


def _completions(body: dict[str, Any], *, is_filtered: bool) -> dict[str, Any]:
    text = "" if is_filtered else opinion(body["prompt"])
    return {
        "choices": [{"index": 0, "text": text, "finish_reason": "stop"}],
        "usage": _usage(body["prompt"], text),
    }


def _usage(prompt: str, text: str) -> dict[str, Any]:
    cached = {"cached_tokens": 7}
    return {
        "prompt_tokens": len(prompt.split()),
        "completion_tokens": len(text),
        "prompt_tokens_details": cached,
    }


def _decide(body: dict[str, Any], *, is_filtered: bool) -> dict[str, Any]:
    del is_filtered
    state = body["state"]
    answers = {name: _decided(state, asked) for name, asked in body["questions"].items()}
    tokens = len(json.dumps(body).split())
    usage = {"input_tokens": tokens, "output_tokens": 0}
    return {"model": "opinionated-1", "answers": answers, "usage": usage}


def _decided(state: dict[str, str], asked: dict[str, Any]) -> dict[str, Any]:
    if asked["type"] == "noul":
        return {"type": "noul", "noul": PEAK if passes(state["answer"]) else 1 - PEAK}
    if asked["type"] == "score":
        shares = spread(scored(state["answer"]) - 1, len(asked["criteria"]))
        return {"type": "score", "probabilities": {str(i): p for i, p in enumerate(shares)}}
    if "answer_1" not in state:  # a question at the start: of no item
        count = len(asked["criteria"])
        return {"type": "choice", "probabilities": dict.fromkeys(asked["criteria"], 1 / count)}
    # The options are known by what they mean, as a model would read them.
    best = {"A": "answer_1 is better", "B": "answer_2 is better"}.get(
        compared(state["answer_1"], state["answer_2"]), "the answers are equally good"
    )
    meanings = list(asked["criteria"].values())
    place = next(i for i, meaning in enumerate(meanings) if meaning.startswith(best))
    shares = [1.0 if i == place else 0.0 for i in range(len(meanings))]
    return {"type": "choice", "probabilities": dict(zip(asked["criteria"], shares, strict=True))}


ANSWERS: dict[str, Callable[..., dict[str, Any]]] = {
    "/v1/chat/completions": _chat,
    "/v1/completions": _completions,
    "/v1/systemone": _decide,
}
