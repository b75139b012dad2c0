"""Replies as the bytes of a connection: whole in any pieces, or said not to be."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from contextlib import ExitStack
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.engines.remote.client import Client
from judgefast.engines.remote.handover import HandOver
from judgefast.engines.remote.options import Secret
from judgefast.engines.remote.unusable import NoReplyError

if TYPE_CHECKING:
    from judgefast.engines.remote.wires import Reply

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n[1,2,3]"
CHUNKS = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n4;x=y\r\n2,3]\r\n0\r\n\r\n"
)
TO_THE_END = b"HTTP/1.0 200 OK\r\n\r\n[1,2,3]"
WAIT_FOR_IT = b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\n" + LENGTH
WHOLE = [LENGTH, CHUNKS, TO_THE_END, WAIT_FOR_IT]
ENOUGH = 1 << 20


class Connecting(NamedTuple):
    """Settings of an engine, as far as they are about connections."""

    base_urls: tuple[str, ...]
    timeout_seconds: float = 300.0
    connect_seconds: float = 10.0
    concurrency: int = 1
    start_concurrency: int = 1
    max_retries: int = 0
    patience_seconds: float = 1.0


class RawServer:
    """Answers each request with the same pieces, and closes only where that ends a reply."""

    def __init__(self, pieces: list[bytes], *, closes: bool) -> None:
        self.pieces, self.closes = pieces, closes
        self.connections = 0
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split()[0]))
                for piece in self.pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                if self.closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def exchange(server: RawServer, *, times: int = 1, **options: float) -> list[Reply | NoReplyError]:
    """What comes of requests, one after the other."""

    async def work() -> list[Reply | NoReplyError]:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        root = f"http://127.0.0.1:{port}"
        given_options = Connecting(base_urls=(root,), **options)
        found: list[Reply | NoReplyError] = []
        async with Client(given_options, Secret("a-key")) as client:
            for _ in range(times):
                try:
                    found.append(await client.post(root + "/v1/completions", b"{}", most=ENOUGH))
                except NoReplyError as error:
                    found.append(error)
        listening.close()
        return found

    return asyncio.run(work())


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(WHOLE), st.lists(st.integers(1, 150), max_size=6))
def test_a_reply_in_any_pieces_is_the_reply(raw: bytes, cuts: list[int]) -> None:
    places = [0, *sorted({min(cut, len(raw)) for cut in cuts}), len(raw)]
    pieces = [raw[a:b] for a, b in pairwise(places)]
    (reply,) = exchange(RawServer(pieces, closes=raw is TO_THE_END))
    assert not isinstance(reply, NoReplyError), reply
    assert (reply.status, reply.body) == (200, b"[1,2,3]")


def test_a_connection_is_kept_and_says_who_asks() -> None:
    server = RawServer([LENGTH], closes=False)
    assert len(exchange(server, times=5)) == 5
    assert server.connections == 1
    head = server.heads[0].decode()
    assert head.startswith("POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:")
    assert "\r\nAuthorization: Bearer a-key\r\n" in head
    assert "\r\nUser-Agent: judgefast/" in head


def test_a_connection_is_left_where_the_server_says_so() -> None:
    raw = LENGTH.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    server = RawServer([raw], closes=False)
    assert [getattr(each, "status", each) for each in exchange(server, times=3)] == [200] * 3
    assert server.connections == 3


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (LENGTH[:-2], "the connection was closed"),
        (CHUNKS[:-5], "the connection was closed"),
        (LENGTH[:20], "the connection was closed"),
        (b"", "the connection was closed"),
        (b"SSH-2.0-OpenSSH_9\r\n", "no whole answer"),
        (LENGTH + LENGTH, "two replies to one request"),
        (LENGTH[:-7].replace(b": 7", b": 2000000") + bytes(2_000_000), "more than 1,048,576 bytes"),
        (LENGTH.replace(b"OK\r\n", b"OK\r\nX: " + b"x" * 70_000 + b"\r\n"), "a head of more than"),
    ],
)
def test_what_is_no_whole_reply_is_said_to_be_none(raw: bytes, words: str) -> None:
    (error,) = exchange(RawServer([raw], closes=True))
    assert isinstance(error, NoReplyError)
    assert error.was_sent
    assert words in str(error)


def test_a_server_that_says_nothing_is_left_in_time_and_the_next_request_is_new() -> None:
    server = RawServer([], closes=False)
    found = exchange(server, times=2, timeout_seconds=0.1)
    assert [isinstance(each, NoReplyError) and each.was_sent for each in found] == [True, True]
    assert [isinstance(each, NoReplyError) and each.is_timeout for each in found] == [True, True]
    assert "no answer from 127.0.0.1" in str(found[0])
    assert "within 0.1 seconds" in str(found[0])
    assert server.connections == 2


def test_a_proxy_of_the_environment_is_spoken_to_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> tuple[Reply, bytes]:
        server = RawServer([CHUNKS], closes=False)
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        root = "http://judge.example:8000"
        async with Client(Connecting(base_urls=(root,)), Secret("a-key")) as client:
            reply = await client.post(root + "/v1/completions", b"{}")
        listening.close()
        return reply, server.heads[0]

    reply, head = asyncio.run(work())
    assert (reply.status, reply.body) == (200, b"[1,2,3]")
    assert head.startswith(b"POST http://judge.example:8000/v1/completions HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer a-key\r\n" in head


EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("is_proxied", [False, True])
def test_a_stream_of_events_is_handed_on_as_it_comes(
    is_proxied: bool,  # noqa: FBT001 - a parameter of the test
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second piece is sent when the first one was taken, and not before."""

    async def work() -> tuple[list[bytes], Reply | NoReplyError]:
        taken = asyncio.Event()
        parts: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"{}")
            writer.write(EVENTS + b"3\r\n[1,\r\n")
            await taken.wait()
            writer.write(b"4\r\n2,3]\r\n0\r\n\r\n")
            writer.close()

        def take(data: bytes) -> None:
            parts.append(data)
            taken.set()

        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        root = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        if is_proxied:
            monkeypatch.setenv("http_proxy", root)
            monkeypatch.setenv("no_proxy", "")
            root = "http://judge.example:8000"
        async with Client(Connecting(base_urls=(root,)), Secret(None)) as client:
            found: asyncio.Future[Reply | NoReplyError] = asyncio.get_running_loop().create_future()
            client.send(root + "/x", b"{}", most=ENOUGH, done=found.set_result, part=take)
            reply = await asyncio.wait_for(found, 5)
        listening.close()
        return parts, reply

    parts, reply = asyncio.run(work())
    assert b"".join(parts) == b"[1,2,3]"
    assert len(parts) >= 2
    assert not isinstance(reply, NoReplyError)
    assert (reply.status, reply.body) == (200, b"")


def test_a_stream_that_is_given_up_by_whoever_takes_it_is_left_at_once() -> None:
    async def work() -> list[object]:
        raw = EVENTS + b"3\r\n[1,\r\n4\r\n2,3]\r\n0\r\n\r\n"
        listening = await asyncio.start_server(RawServer([raw], closes=False).serve, "127.0.0.1", 0)
        root = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        found: list[object] = []
        async with Client(Connecting(base_urls=(root,)), Secret(None)) as client:
            part = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda _, context: found.append(context))

            def take(data: bytes) -> None:
                found.append(data)
                sent.cancel()
                part.set()

            sent = client.send(root + "/x", b"{}", most=ENOUGH, done=found.append, part=take)
            await asyncio.wait_for(part.wait(), 5)
            await asyncio.sleep(0.05)
        listening.close()
        return found

    assert asyncio.run(work()) == [b"[1,2,3]"]


def compressed(body: bytes, coding: str) -> bytes:
    """A reply whose body is compressed, as some proxies send it unasked."""
    packed = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "bare": lambda each: zlib.compress(each, wbits=-15),
        "twice": lambda each: gzip.compress(each[:3]) + gzip.compress(each[3:]),
        "cut": lambda each: gzip.compress(each)[:-9],
        "br": lambda each: each,
    }[coding](body)
    name = {"bare": "deflate", "twice": "gzip", "cut": "gzip"}.get(coding, coding)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\nContent-Length: {len(packed)}\r\n\r\n"
    return head.encode() + packed


@pytest.mark.parametrize("coding", ["gzip", "deflate", "bare", "twice"])
def test_a_reply_that_is_compressed_is_unpacked(coding: str) -> None:
    (reply,) = exchange(RawServer([compressed(b"[1,2,3]", coding)], closes=False))
    assert not isinstance(reply, NoReplyError), reply
    assert reply.body == b"[1,2,3]"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (compressed(bytes(2 * ENOUGH), "gzip"), "a reply of more than 1,048,576 bytes"),
        (compressed(bytes(2 * ENOUGH), "deflate"), "a reply of more than 1,048,576 bytes"),
        (compressed(b"[1,2,3]", "cut"), "cut off"),
        (compressed(b"[1,2,3]", "br"), "compressed by `br`"),
        (compressed(b"abc", "br").replace(b"br", b"gzip"), "unpacked"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["straight", "by a proxy"])
def test_a_small_body_that_unpacks_to_a_large_one_is_no_answer(
    raw: bytes, words: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RawServer([raw], closes=False)
    if way == "by a proxy":
        monkeypatch.setattr("judgefast.engines.remote.client._proxy_of", lambda url: url)
    (error,) = exchange(server)
    assert isinstance(error, NoReplyError)
    assert words in str(error)


def test_a_proxy_that_takes_no_connection_has_been_sent_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its queue is full: nobody accepts."""

    async def work() -> NoReplyError:
        with socket.socket() as listening, ExitStack() as stack:
            listening.bind(("127.0.0.1", 0))
            listening.listen(0)
            port = listening.getsockname()[1]
            for _ in range(3):
                one = stack.enter_context(socket.socket())
                one.settimeout(0)
                one.connect_ex(("127.0.0.1", port))
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
            monkeypatch.setenv("no_proxy", "")
            root = "http://judge.example:8000"
            options = Connecting(base_urls=(root,), connect_seconds=0.2, timeout_seconds=5)
            async with Client(options, Secret(None)) as client:
                with pytest.raises(NoReplyError) as caught:
                    await client.post(root + "/v1/completions", b"{}")
        return caught.value

    error = asyncio.run(work())
    assert not error.was_sent
    assert "no connection to judge.example:8000: none within 0.2 seconds" in str(error)


def test_a_request_that_is_given_up_is_never_answered() -> None:
    async def work() -> tuple[list[object], int]:
        server = RawServer([LENGTH], closes=False)
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        root = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        found: list[object] = []
        async with Client(Connecting(base_urls=(root,)), Secret(None)) as client:
            sent = client.send(root + "/x", b"{}", most=ENOUGH, done=found.append)
            sent.cancel()
            await client.post(root + "/x", b"{}")
            sent.cancel()  # has nothing to do with the next one on that connection
            await client.post(root + "/x", b"{}")
        listening.close()
        return found, server.connections

    assert asyncio.run(work()) == ([], 1)


def test_completions_of_a_moment_go_to_the_host_together_and_at_once_when_it_has_to_send() -> None:
    async def work() -> list[object]:
        put: list[object] = []
        hand_over = HandOver(put.append)
        first, second, third = [object()], [object()], [object()]
        hand_over.add(first)  # type: ignore[arg-type]  # held, not looked at
        hand_over.add(second)  # type: ignore[arg-type]  # the same
        await asyncio.sleep(0)
        assert not put
        await asyncio.sleep(0.05)
        assert put == [[*first, *second]]
        hand_over.add(third)  # type: ignore[arg-type]  # the same
        hand_over.soon()
        await asyncio.sleep(0)
        assert put[1:] == [third]
        await asyncio.sleep(0.05)
        return put

    assert len(asyncio.run(work())) == 2
