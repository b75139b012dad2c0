"""A decision server whose every reply is said by the test; honest where it says nothing."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from .honest import systemone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Script = Callable[[int, dict[str, Any]], "Say | None"]


class Say(NamedTuple):
    """A reply."""

    status: int = 200
    body: Any = b""
    """Bytes as they are; anything else as JSON."""
    headers: Mapping[str, str] = {}


DIES = Say(0)
"""No reply: the connection is closed."""


OWNED = {"data": [{"owned_by": "llamacpp"}]}


class Asked(NamedTuple):
    """A request that came."""

    at: float
    path: str
    key: str
    body: dict[str, Any]


def say_to_items(*said: Say | None) -> Callable[[int, dict[str, Any]], Say | None]:
    """The question at the start is answered; then these, in turn, then honestly."""

    def script(number: int, body: dict[str, Any]) -> Say | None:
        del body
        return said[number - 1] if 0 < number <= len(said) else None

    return script


class ScriptedServer(ThreadingHTTPServer):
    """Use it as a context manager.

    Args:
        script: Reply to a request, by its number from 0 (the question at the start is one too);
            None: the honest one.
        paths: Honest servers by path.
        models: What `/v1/models` lists; None: nothing is there. By itself it says whose it is, and
            no model: so each question is known to be answered alone.
        port: 0 for any free one.

    """

    request_queue_size = 128
    daemon_threads = True

    def __init__(
        self,
        script: Script | None = None,
        *,
        paths: Mapping[str, Callable[[bytes], bytes]] | None = None,
        models: Any = OWNED,
        port: int = 0,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.script = script or (lambda number, body: None)
        self.paths = {"/v1/systemone": systemone} if paths is None else paths
        self.models = models
        self.asked: list[Asked] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def of_items(self) -> list[Asked]:
        """Requests that are not the question at the start."""
        return [each for each in self.asked if "zebra" not in json.dumps(each.body)]

    def listed(self) -> Say:
        """The reply to whoever asks for the models."""
        return Say(404, {}) if self.models is None else Say(200, self.models)

    def __enter__(self) -> Self:
        """Serve in a thread."""
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        """Stop."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news here."""


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._say(self.server.listed())

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        body, server = json.loads(raw), self.server
        key = self.headers.get("Authorization", "")
        with server.lock:
            number = len(server.asked)
            server.asked.append(Asked(time.monotonic(), self.path, key, body))
        answer = server.paths.get(self.path)
        if answer is None:
            self._say(Say(404, {"detail": "Not Found"}))
            return
        said = server.script(number, body)
        if said is DIES:
            self.close_connection = True
            return
        if said is None:
            try:
                said = Say(200, answer(raw))
            except Exception as error:  # noqa: BLE001 - a schema of another dialect refuses it
                said = Say(422, {"detail": [{"loc": ["body"], "msg": str(error), "type": "x"}]})
        self._say(said)

    def _say(self, said: Say) -> None:
        data = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        self.send_response(said.status)
        for name, value in said.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Nothing on stderr."""
