"""Connections that break, hang, or are never made."""

from __future__ import annotations

import datetime as dt
import importlib
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from judgefast.engines.servers.address import held_address

from .judging import assert_complete, assert_right
from .serving import FaultServer

if TYPE_CHECKING:
    from pathlib import Path

    from .judging import Judging


@pytest.mark.parametrize("fault", ["hang", "drip", "reset", "cut"])
def test_a_connection_that_breaks_or_hangs_is_given_up_and_its_prompts_asked_again(
    fault: str, server: Any, judging: Judging, names: list[str]
) -> None:
    with server(rules=[{"do": fault, "times": 2, "every": 2}]) as one:
        ran = judging.run(one.url, options={"timeout_seconds": 0.5})
        assert_complete(ran, names)
        assert one.log.requests(fault) == 2
        assert max(one.log.times("asked").values()) <= 3


def test_what_always_hangs_is_a_timeout_by_name_and_the_rest_is_there(
    server: Any, judging: Judging, names: list[str]
) -> None:
    rule = {"do": "hang", "about": "one of q2.", "times": None}
    options = {"timeout_seconds": 0.3, "max_retries": 1, "list_size": 1}
    with server(rules=[rule]) as one:
        ran = judging.run(one.url, options=options)
        assert ran.status == 3, ran.words
        assert ran.counts["failed"] == {"timeout": 2}
        assert_right(ran, names, missing=["q2"])
        assert one.log.times("asked")["q2/one"] <= 4


def test_a_server_that_is_killed_and_started_again_loses_nothing(
    server: Any, judging: Judging, names: list[str]
) -> None:
    with server(seconds=0.1) as one:
        options = {"list_size": 1, "concurrency": 2, "patience_seconds": 20}
        process = judging.start(one.url, options=options)
        wait_until(lambda: sum(one.log.times("answered").values()) >= 5)
        one.kill()
        time.sleep(0.3)
        one.start(seconds=0.0)
        data, words = process.communicate(timeout=30)
        assert process.returncode == 0, words
        assert f'"parsed": {2 * len(names)}' in data
        answered = one.log.times("answered")
        assert len(answered) == 2 * len(names)
        assert max(answered.values()) <= 2, "only what was on its way then"
        assert sum(answered.values()) <= 2 * len(names) + 2


def test_a_server_that_takes_its_time_is_not_taken_for_dead_when_it_falters_once(
    server: Any, judging: Judging, names: list[str]
) -> None:
    """What it is still computing is no silence, though nothing has come for that long."""
    falters = {"do": "hang", "seconds": 1.3}
    with server(seconds=2.0, rules=[falters]) as one:
        options = {"patience_seconds": 1, "timeout_seconds": 5}
        assert_complete(judging.run(one.url, options=options), names)
        assert one.log.requests("hang") == 1


def test_a_name_that_does_not_resolve_is_named(judging: Judging) -> None:
    ran = judging.run("http://judge.invalid:8000/v1")
    assert ran.status == 2, ran.words
    assert "judge.invalid" in ran.words


def test_a_port_that_nobody_listens_on_is_named(judging: Judging) -> None:
    with held_address("127.0.0.1", 0) as address:
        ran = judging.run(f"http://127.0.0.1:{address.port}")
    assert ran.status == 2, ran.words
    assert f"no connection to 127.0.0.1:{address.port}: Connection refused" in ran.words


def test_an_answer_that_is_no_list_of_models_is_shown(judging: Judging, server: Any) -> None:
    with server(rules=[{"do": "html", "times": None, "path": "/v1/models"}]) as one:
        ran = judging.run(one.url)
        assert ran.status == 2, ran.words
        assert "/v1/models" in ran.words


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Who signs the certificates of these tests, and the file by which clients know it."""
    made = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(path))
    return made, path


def certificate(authority: Any, folder: Path, **options: Any) -> Path:
    issued = authority.issue_cert("127.0.0.1", **options)
    path = folder / "server.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


def test_a_certificate_that_is_known_is_taken(
    authority: Any, server: Any, judging: Judging, names: list[str], tmp_path: Path
) -> None:
    with server(certificate(authority[0], tmp_path)) as one:
        ran = judging.run(one.url, env={"SSL_CERT_FILE": str(authority[1])})
        assert_complete(ran, names)


def test_a_certificate_that_has_expired_is_said_to_have_and_nothing_is_sent(
    authority: Any, server: Any, judging: Judging, tmp_path: Path
) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=3)
    with server(certificate(authority[0], tmp_path, not_after=past)) as one:
        ran = judging.run(one.url, env={"SSL_CERT_FILE": str(authority[1])})
        assert ran.status == 2, ran.words
        assert "certificate has expired" in ran.words
        assert one.log.lines == []


def test_an_address_of_the_wrong_scheme_is_said_with_the_right_one(
    authority: Any, server: Any, judging: Judging, tmp_path: Path
) -> None:
    for folder in (tmp_path / "open", tmp_path / "closed"):
        folder.mkdir()
    plain = FaultServer(tmp_path / "open")
    secure = FaultServer(tmp_path / "closed", certificate(authority[0], tmp_path))
    with plain, secure:
        for one, other in ((plain, "https"), (secure, "http")):
            scheme = one.url.split(":")[0]
            ran = judging.run(one.url.replace(scheme, other, 1), env={"SSL_CERT_FILE": "/dev/null"})
            assert ran.status == 2, ran.words
            assert f"it speaks {scheme}, not {other}: write {one.url}" in ran.words


def test_a_file_for_secrets_of_tls_that_cannot_be_written_is_named(
    server: Any, judging: Judging, tmp_path: Path
) -> None:
    """Python opens it for each context, and aiohttp as it is loaded: here it is."""
    assert importlib.import_module("judgefast.engines.http.loop")
    away = {"SSLKEYLOGFILE": str(tmp_path / "no" / "keys")}
    ran = judging.run("https://127.0.0.1:9", env=away)
    assert ran.status == 2, ran.words
    alone = judging.start("http://127.0.0.1:9", env=away)
    _, words = alone.communicate(timeout=20)
    assert alone.returncode == 2, words
    for said in (ran.words, words):
        assert "connections cannot be prepared" in said
        assert away["SSLKEYLOGFILE"] in said
        assert "SSLKEYLOGFILE" in said.split("hint")[1]
        assert "Traceback" not in said


def wait_until(is_so: Any, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)
