"""A server is started, waited for, told to end, and leaves nothing; what goes wrong is said."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engines.vllm.real.processes import alive

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engines.servers.conftest import Serving

    Serve = Callable[..., Serving]

REACH = re.compile(
    r"export OPENAI_BASE_URL=(http://127\.0\.0\.1:\d+/v1)\n"
    r"export OPENAI_API_KEY=(.*)\n"
    r"# judgefast run answers\.jsonl --rubric pairwise --engine http --base-url (\S+) "
    r"--tokenizer auto --out runs/today\n"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_it_says_how_to_reach_it_and_ends_as_the_server_does(
    serve: Serve, number: signal.Signals
) -> None:
    serving = serve("good", "--port", "0")
    serving.until(lambda: serving.printed)
    found = REACH.fullmatch(serving.printed)
    assert found is not None
    assert (found[1], found[2]) == (found[3], "unused")
    assert serving.seen["words"][:2] == ["serve", "Org/Judge"]
    assert f":{serving.seen['words'][5]}/v1" in found[1]
    assert serving.seen["asked"]["max_tokens"] == 1
    assert serving.seen["asked"]["model"] == "served"
    serving.process.send_signal(number)
    assert serving.ended() == 7
    assert serving.seen["signal"] == number
    assert "it loads\n" in serving.said
    assert serving.said.endswith("the server has ended with status 7\n")


def test_a_key_is_made_and_asked_for_and_never_said(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "key file"
    for _ in range(2):  # the second time it is the same
        serving = serve("good", "--port", "0", "--key-file", str(file))
        serving.until(lambda each=serving: each.printed)
        serving.process.send_signal(signal.SIGTERM)
        assert serving.ended() == 7
        key = file.read_text("ascii").strip()
        assert len(key) >= 32
        assert file.stat().st_mode & 0o777 == 0o600
        assert serving.seen["key"] == key
        assert serving.seen["authorization"] == f"Bearer {key}"
        shown = serving.printed + serving.said + " ".join(serving.seen["words"])
        assert key not in shown
        assert f"export OPENAI_API_KEY=\"$(cat '{file}')\"\n" in serving.printed
    told = subprocess.run(
        ["bash", "-c", f'{serving.printed}\nprintf %s "$OPENAI_API_KEY"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == key


def test_a_server_that_dies_while_loading_is_told_with_its_last_lines(serve: Serve) -> None:
    serving = serve("dies", "--port", "0")
    assert serving.ended() == 2
    assert serving.printed == ""
    error = serving.said.split("error: ")[1]
    assert error.startswith("`vllm serve` ended while it loaded, with status 9; its last lines:\n")
    assert "line 10\n" not in error
    assert "line 11\nline 12\n" in error
    assert "\\x1b[31mout of memory\n" in error
    assert error.endswith("hint: settings are changed by --engine-arg NAME=VALUE\n")


def test_a_server_that_is_never_well_is_given_up(serve: Serve) -> None:
    begin = time.monotonic()
    serving = serve("sick", "--port", "0", "--load-seconds", "1")
    assert serving.ended() == 2
    assert time.monotonic() - begin < 30
    assert "error: the server is not ready after 1 s; its last lines:\nit loads\n" in serving.said
    assert serving.said.endswith("raise --load-seconds\n")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("mute", 'the server is well, but does not answer: HTTP 500: {"error": "no kernel image"}'),
        ("empty", "does not answer: one token was asked for, and it says {'completion_tokens': 0}"),
        ("ends when asked", "`vllm serve` ended at its first answer, with status 7"),
    ],
)
def test_a_server_that_is_well_but_does_not_answer_is_no_server(
    serve: Serve, how: str, words: str
) -> None:
    serving = serve(how, "--port", "0")
    assert serving.ended() == 2
    assert serving.printed == ""
    assert words in serving.said


def test_a_server_that_ends_by_itself_gives_its_status(serve: Serve) -> None:
    serving = serve("ends later", "--port", "0")
    assert serving.ended() == 3
    assert serving.said.endswith("the server has ended with status 3\n")


def test_a_signal_while_it_loads_is_no_failure(serve: Serve) -> None:
    serving = serve("sick", "--port", "0")
    serving.until(lambda: "it loads" in serving.said)
    serving.until(lambda: "pids" in serving.seen)
    time.sleep(0.5)  # the handlers of the stand-in
    serving.process.send_signal(signal.SIGINT)
    assert serving.ended() == 7
    assert "error" not in serving.said


def test_a_second_signal_kills_a_server_that_does_not_listen(serve: Serve) -> None:
    serving = serve("stubborn", "--port", "0")
    serving.until(lambda: serving.printed)
    serving.process.send_signal(signal.SIGINT)
    serving.until(lambda: "signal" in serving.seen)
    assert serving.process.poll() is None
    serving.process.send_signal(signal.SIGINT)
    assert serving.ended() == 128 + signal.SIGKILL


def test_nothing_is_left_when_the_program_itself_is_killed(serve: Serve) -> None:
    serving = serve("good", "--port", "0")
    serving.until(lambda: serving.printed)
    serving.process.kill()
    serving.until(lambda: not any(map(alive, serving.seen["pids"])))
    assert serving.seen["signal"] == signal.SIGTERM


def test_a_port_that_is_taken_is_said_before_anything_starts(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        serving = serve("good", "--port", str(port))
        assert serving.process.wait(60) == 2
    assert serving.seen == {}
    assert f"error: port {port} of 127.0.0.1 is taken\n\nhint: end what" in serving.said


@pytest.mark.skipif(
    Path(sys.executable).with_name("vllm").exists(), reason="vLLM is beside this Python"
)
def test_without_vllm_it_says_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "judgefast", "serve-judge", "Org/Judge"],
        env=os.environ | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: `vllm` is neither on PATH nor beside this Python\n" in done.stderr
    assert "`pip install 'judgefast[vllm]'`" in done.stderr
