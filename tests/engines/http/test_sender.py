"""What the sender makes of replies, where two servers have one prompt of a judge that thinks."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines.http.abilities import Abilities
from judgefast.engines.http.bodies import Bodies
from judgefast.engines.http.lists import Lists
from judgefast.engines.http.options import HttpOptions
from judgefast.engines.http.replies import Replies
from judgefast.engines.http.sender import PromptSender
from judgefast.engines.http.thinking import Thinking
from judgefast.engines.remote.endpoints import Endpoint
from judgefast.engines.remote.options import Secret
from judgefast.engines.remote.unusable import NoReplyError
from judgefast.engines.remote.waiting import Waiting
from judgefast.engines.remote.windows import Window
from judgefast.engines.remote.wires import Reply
from judgefast.prompts.decoding import Decoding
from judgefast.prompts.reasoning import Reasoning

from .jobs import job

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.engines.base import Completion

END = 9
THINKS = Reasoning(
    family="think",
    by_default=True,
    opening="",
    direct="",
    closing="</think>",
    closing_ids=(END,),
    end_ids=(END,),
    answer_end_ids=(),
    text_ids=(),
)
BROKEN = Reply(500, (), b"it is so")
REFUSED = Reply(400, (), b"it is so")
GARBAGE = Reply(200, (), b"<html>")
RESET = NoReplyError("no whole answer", was_sent=True)


def said(text: str, *ids: int, finish: str = "stop") -> Reply:
    choice = {"index": 0, "text": text, "finish_reason": finish, "token_ids": ids}
    return Reply(200, (), json.dumps({"choices": [choice]}).encode())


THOUGHT, ANSWER = said("long", 5, 6, END), said("[[A]]", 7)


class Sent:
    """A request that was sent, to be answered by the test."""

    def __init__(self, url: str, body: bytes, **hooks: Any) -> None:
        self.url, self.ids = url, json.loads(body)["prompt"]
        self.answer: Callable[[Reply | NoReplyError], None] = hooks["done"]
        self.is_given_up = False

    def cancel(self) -> None:
        self.is_given_up = True


class Desk:
    """A sender between a test and two servers, with one request at the first of them."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.found: list[Completion] = []
        abilities = Abilities(way="completions", model="judge", thinking=True)
        thinking = Thinking(THINKS)
        servers = [
            Endpoint(place, f"http://{place}", Window(start=4, most=4, step=1, now=0.0))
            for place in range(2)
        ]
        self.sender = PromptSender(
            client=self,  # type: ignore[arg-type]  # as far as it is asked to send
            endpoints=servers,
            waiting=Waiting(servers=2),
            bodies=Bodies(abilities, reasoning=THINKS),
            replies=Replies(abilities, thinking=thinking),
            options=HttpOptions(base_urls=("a", "b"), max_retries=0),
            secret=Secret(None),
            examiner=None,  # type: ignore[arg-type]  # nobody is away
            lists=Lists(1, is_streamed=False),
            context_tokens=None,
            put=self._put,
        )
        asked = job(decoding=Decoding(max_tokens=8, thinking_tokens=32))
        thinking.begin(asked)
        self.sender.admit([asked])
        self._servers = servers

    def send(self, url: str, body: bytes, **hooks: Any) -> Sent:
        self.sent.append(Sent(url, body, **hooks))
        return self.sent[-1]

    def double(self) -> None:
        """Send what is at the first server to the second as well."""
        (asked,) = self.sender._asked.values()
        self.sender._double(asked, self._servers[1])

    def completions(self) -> list[Completion]:
        self.sender._done.flush()
        return self.found

    def at_servers(self) -> list[int]:
        return [server.in_flight for server in self._servers]

    def _put(self, item: list[Completion] | Exception) -> None:
        assert isinstance(item, list), item
        self.found += item


def at_a_desk(play: Callable[[Desk], None]) -> None:
    async def work() -> None:
        desk = Desk()
        play(desk)
        await desk.sender.close()

    asyncio.run(work())


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("fault", [BROKEN, REFUSED, GARBAGE, RESET])
def test_of_two_servers_with_a_prompt_one_may_fail(
    fault: Reply | NoReplyError, failing: int
) -> None:
    def play(desk: Desk) -> None:
        desk.double()
        desk.sent[failing].answer(fault)
        assert (desk.completions(), len(desk.sent)) == ([], 2)
        assert not desk.sender.resending.pausing, "the other has it"
        desk.sent[1 - failing].answer(THOUGHT)
        assert desk.sent[2].ids == [1, 2, 3, 5, 6, END]
        desk.sent[2].answer(ANSWER)
        (done,) = desk.completions()
        assert (done.text, done.reasoning, done.finish_reason) == ("[[A]]", "long", "stop")
        assert (len(desk.sent), desk.at_servers()) == (3, [0, 0])

    at_a_desk(play)


def test_where_both_fail_the_prompt_has_failed() -> None:
    def play(desk: Desk) -> None:
        desk.double()
        desk.sent[1].answer(BROKEN)
        desk.sent[0].answer(REFUSED)
        (done,) = desk.completions()
        assert (done.error_kind, "400" in str(done.error)) == ("engine_error", True)
        assert desk.at_servers() == [0, 0]

    at_a_desk(play)


def test_a_thought_that_comes_when_it_was_given_up_is_no_answer() -> None:
    """As over a proxy, where a reply is handed on a turn of the loop after it has come."""

    def play(desk: Desk) -> None:
        desk.double()
        desk.sent[1].answer(THOUGHT)
        assert desk.sent[0].is_given_up
        desk.sent[0].answer(said("too late", 5, END))
        assert desk.completions() == []
        desk.sent[2].answer(ANSWER)
        assert [done.text for done in desk.completions()] == ["[[A]]"]
        assert desk.at_servers() == [0, 0]

    at_a_desk(play)


def test_thinking_that_the_server_gives_up_is_a_failure_and_not_its_end() -> None:
    def play(desk: Desk) -> None:
        desk.sent[0].answer(said("half a tho", 5, 6, finish="abort"))
        (done,) = desk.completions()
        assert (done.error_kind, "'abort'" in str(done.error)) == ("engine_error", True)
        assert len(desk.sent) == 1, "no answer is asked for behind half a thought"

    at_a_desk(play)
