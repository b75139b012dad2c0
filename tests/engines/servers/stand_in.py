"""A program in the place of `vllm`, for what the real one does only when something is wrong.

Usage: as `vllm serve`; STAND_IN says how it behaves, STAND_IN_SEEN where it notes what it got.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

STATUS = 7
HOW = os.environ.get("STAND_IN", "good")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/health":
            self.reply(503 if HOW == "sick" else 200)
        elif self.path == "/v1/models":
            self.reply(200, {"data": [{"id": "served"}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if HOW == "ends when asked":
            os._exit(STATUS)
        if HOW == "stubborn and dumb":
            time.sleep(600)
        if HOW == "mute":
            self.reply(500, {"error": "no kernel image"})
            return
        note(asked=asked, authorization=self.headers.get("Authorization"))
        self.reply(200, {"usage": {"completion_tokens": 0 if HOW == "empty" else 1}})
        if HOW == "ends later":
            threading.Timer(0.5, os._exit, (3,)).start()

    def reply(self, status: int, body: object = None) -> None:
        sent = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *words: object) -> None:
        pass


def note(**facts: object) -> None:
    path = Path(os.environ["STAND_IN_SEEN"])
    seen = json.loads(path.read_text("utf-8")) if path.exists() else {}
    whole = path.with_suffix(".new")
    whole.write_text(json.dumps(seen | facts), "utf-8")
    whole.replace(path)


def end(number: int, frame: object) -> None:
    note(signal=number)
    if not HOW.startswith("stubborn"):
        os._exit(STATUS)


def main() -> NoReturn:
    words = sys.argv[1:]
    sleeper = subprocess.Popen(["sleep", "600"])
    note(words=words, key=os.environ.get("VLLM_API_KEY"), pids=[os.getpid(), sleeper.pid])
    sys.stdout.write("it loads\n")
    sys.stdout.flush()
    if HOW == "dies":
        sys.stderr.write("".join(f"line {n}\n" for n in range(30)) + "\x1b[31mout of memory\n")
        sys.exit(9)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        assert signal.getsignal(number) is not signal.SIG_IGN
        signal.signal(number, end)
    port = int(words[words.index("--port") + 1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
