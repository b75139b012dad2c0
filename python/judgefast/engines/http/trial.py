"""What a server can do, found by asking it once in the way that the run will ask."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import msgspec

from judgefast.engines.http.bodies import Bodies
from judgefast.engines.http.question import TEXT, question, token_ids
from judgefast.engines.http.replies import Replies
from judgefast.engines.http.statuses import next_of
from judgefast.engines.http.streams import Stream
from judgefast.engines.http.unusable import BadReplyError, CutPromptError
from judgefast.engines.remote.retries import Next, pause, refusal, retry_after
from judgefast.engines.remote.unusable import NoReplyError
from judgefast.engines.remote.wires import Reply
from judgefast.errors import EngineError
from judgefast.prompts.decoding import Decoding, Label

if TYPE_CHECKING:
    from judgefast.engines.base import Completion
    from judgefast.engines.http.abilities import Abilities
    from judgefast.engines.http.jobs import PromptJob
    from judgefast.engines.remote.client import Client
    from judgefast.engines.remote.options import Secret
    from judgefast.prompts.tokenizer import PromptTokenizer

_OK = 200
_BAD = {400, 422}
_NEW_LIMIT = "max_completion_tokens"
"""What newer models of OpenAI want in the place of `max_tokens`."""
_TRIES = 3
_WHOLE = '{"animal":"zebra"}'
_SCHEMA = (
    '{"type":"object","properties":{"animal":{"type":"string","enum":["zebra"]}},'
    '"required":["animal"],"additionalProperties":false}'
)
_ANIMALS = ("zebra", "quagga")
_PIECES = 2
"""Of an answer that is not sent by the token: its first one, and the rest."""
_HELD = {
    "schema": Decoding(max_tokens=64, schema=_SCHEMA),
    "choice": Decoding(max_tokens=16, labels=tuple(map(Label, _ANIMALS))),
}
_THOUGHT = 1024
"""Tokens that a judge may think about which animal has stripes."""
_SHORTEST_PROOF = 5
"""Characters of an answer that a model does not write by chance."""


class Trial:
    """Asks one server a few small questions.

    Args:
        client: Its connections.
        root: The server.
        secret: The key.
        tokenizer: Of the judge, where prompts may be ids.
        patience: Seconds that a busy server is given.

    """

    def __init__(
        self,
        client: Client,
        root: str,
        secret: Secret,
        tokenizer: PromptTokenizer | None,
        patience: float,
    ) -> None:
        self._client, self._root, self._secret = client, root, secret
        self._tokenizer = tokenizer
        self._until = time.monotonic() + patience

    async def prompts(self, abilities: Abilities) -> Abilities | None:
        """Find whether it takes prompts in a way at all, and lists of them.

        Returns:
            None where it does not.

        Raises:
            EngineError: The key or the model is refused, or nothing comes.

        """
        plain = Decoding(max_tokens=1)
        if abilities.way != "chat":
            lists = msgspec.structs.replace(abilities, lists=True)
            if await self._asked(lists, plain, prompts=2):
                return lists
        else:
            abilities = await self._limited(abilities, plain)
        if await self._asked(abilities, plain, may_fail=abilities.way != "chat"):
            return abilities
        return None

    async def _limited(self, abilities: Abilities, plain: Decoding) -> Abilities:
        """With the other name of the limit of an answer, where a server refuses and tells it."""
        reply = await self._answer(abilities, [question(self._tokenizer, plain)])
        if isinstance(reply, Reply) and reply.status in _BAD and _NEW_LIMIT in reply.words:
            return msgspec.structs.replace(abilities, limit_name=_NEW_LIMIT)
        return abilities

    async def answers(self, abilities: Abilities, *, may_think: bool) -> Abilities:
        """Find how an answer may be asked for: labels, schema, choice; and whether it thinks.

        Args:
            abilities: What is known by now.
            may_think: The judge does, by its chat template.

        """
        if abilities.way == "chat":
            found = await self._asked(abilities, Decoding(max_tokens=16))
            thinks = bool(found and found[0].reasoning)
            abilities = msgspec.structs.replace(abilities, thinks=thinks)
        elif abilities.way == "completions" and may_think:
            thinking = await self._is_ended_by_ids(abilities)
            abilities = msgspec.structs.replace(abilities, thinking=thinking)
        if not abilities.thinks:  # or the next token is of its thinking
            abilities = await self._labels(abilities)
        for name, held in _HELD.items():
            decoding = held
            if abilities.thinks:
                decoding = msgspec.structs.replace(held, thinking_tokens=_THOUGHT)
            found = await self._asked(abilities, decoding)
            if found and _is_held(name, found[0].text):
                abilities = msgspec.structs.replace(abilities, **{name: True})
        return await self._stream(abilities)

    async def _is_ended_by_ids(self, abilities: Abilities) -> bool:
        """Whether tokens end an answer by their ids, and are told of by them."""
        ids = await self._generated(abilities)
        return bool(ids) and await self._generated(abilities, stop_token_ids=ids[:1]) == ids[:1]

    async def _generated(self, abilities: Abilities, **more: object) -> list[int]:
        """Ids of two tokens, or fewer, that were generated; empty where nobody says so."""
        jobs = [question(self._tokenizer, Decoding(max_tokens=2))]
        reply = await self._answer(abilities, jobs, more={"return_token_ids": True} | more)
        if isinstance(reply, str):
            return []
        try:
            ids = msgspec.json.decode(reply.body)["choices"][0]["token_ids"]
            return msgspec.convert(ids, list[int])
        except (LookupError, TypeError, ValueError):  # another reply than was asked for
            return []

    async def _stream(self, abilities: Abilities) -> Abilities:
        """Find whether choices of a list come as they end, and in how many pieces."""
        if abilities.way != "completions" or not abilities.lists:
            return abilities
        schema = _SCHEMA if abilities.schema else None  # then the answer has more than a token
        jobs = [question(self._tokenizer, Decoding(max_tokens=16, schema=schema)) for _ in "ab"]
        reply = await self._answer(abilities, jobs, is_streamed=True)
        if not isinstance(reply, Reply) or reply.status != _OK:
            return abilities
        stream = Stream(jobs, Replies(abilities, tokenizer=self._tokenizer))
        ended = stream.end(reply)
        if stream.problem or stream.error or len(ended) < len(jobs):
            return abilities
        tokens = sum(completion.completion_tokens or 0 for _, completion in ended)
        is_grouped = stream.pieces <= _PIECES * len(jobs) < tokens
        return msgspec.structs.replace(abilities, stream="answers" if is_grouped else "tokens")

    async def lacks(self, abilities: Abilities) -> str:
        """What it cannot do of what another server can; empty where it can do all.

        Raises:
            EngineError: The key is refused.

        """
        prompts = 2 if abilities.lists else 1
        if not await self._asked(abilities, Decoding(max_tokens=1), prompts=prompts):
            return "take lists of prompts" if abilities.lists else "answer a small question"
        if abilities.labels and not await self._asked(abilities, self._label_read()):
            return "give the probabilities of labels"
        if abilities.thinking and not await self._is_ended_by_ids(abilities):
            return "end an answer at tokens by their ids and tell them"
        for name, decoding in _HELD.items():
            if getattr(abilities, name):
                found = await self._asked(abilities, decoding)
                if not found or not _is_held(name, found[0].text):
                    return f"hold an answer to a {name}"
        return ""

    def _label_read(self) -> Decoding:
        ids = [0, 1] if self._tokenizer is None else token_ids(self._tokenizer)[:2].tolist()
        labels = tuple(Label(text, token) for text, token in zip("AB", ids, strict=True))
        return Decoding(max_tokens=1, labels=labels, probabilities=True)

    async def _labels(self, abilities: Abilities) -> Abilities:
        decoding = self._label_read()
        ways = [{"top_logprobs": 20}, {"top_logprobs": 5}]
        if abilities.way != "chat":
            ways.insert(0, {"labels_by_id": True})
        if abilities.way == "sglang":
            ways = ways[:1]
        for way in ways:
            tried = msgspec.structs.replace(abilities, **way)
            if await self._asked(tried, decoding):
                return tried
        return abilities

    async def reads_as_we_do(self, abilities: Abilities) -> bool | None:
        """Whether the server's tokenizer makes the same ids; None where it does not say."""
        if self._tokenizer is None:
            return None
        text = f"{TEXT} zebra\u00e9 \u4e16\u754c 12,345\n\n  x"
        asked = {"model": abilities.model, "prompt": text, "content": text}
        body = msgspec.json.encode(asked | {"add_special_tokens": False, "add_special": False})
        try:
            reply = await self._client.post(f"{self._root}/tokenize", body)
            tokens = msgspec.json.decode(reply.body)["tokens"] if reply.status == _OK else None
        except (NoReplyError, msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
            return None
        if not isinstance(tokens, list):
            return None
        return bool(tokens == self._tokenizer.encode_trusted(text).tolist())

    async def _asked(
        self, abilities: Abilities, decoding: Decoding, *, prompts: int = 1, may_fail: bool = True
    ) -> list[Completion] | None:
        """Answers, or None where the server does not answer so.

        Raises:
            EngineError: The key is refused; or it had to answer and did not.

        """
        jobs = [question(self._tokenizer, decoding) for _ in range(prompts)]
        reply = await self._answer(abilities, jobs)
        if isinstance(reply, Reply) and reply.status == _OK:
            try:
                return Replies(abilities, tokenizer=self._tokenizer).read(jobs, reply.body)
            except (BadReplyError, CutPromptError) as error:
                reply = self._secret.scrub(str(error))
        if may_fail:
            return None
        if isinstance(reply, Reply):
            raise refusal(self._root, reply.status, self._secret.scrub(reply.words))
        message = f"{self._root} does not answer a small question: {reply}"
        raise EngineError(message, hint="try it by hand: judgefast asks as OpenAI's API says")

    async def _answer(
        self,
        abilities: Abilities,
        jobs: list[PromptJob],
        *,
        is_streamed: bool = False,
        more: dict[str, object] | None = None,
    ) -> Reply | str:
        """The reply in the end, or why there is none: a server may be busy, or fail for once.

        Raises:
            EngineError: The key is refused.

        """
        bodies = Bodies(abilities)
        url, body = self._root + bodies.path, bodies.body(jobs, is_streamed=is_streamed)
        if more:
            body = msgspec.json.encode(msgspec.json.decode(body) | more)
        tries = 0
        while True:
            tries += 1
            try:
                reply = await self._client.post(url, body)
            except NoReplyError as error:
                if tries >= _TRIES:
                    return self._secret.scrub(str(error))
                continue
            if reply.status in {401, 403}:
                raise refusal(self._root, reply.status, self._secret.scrub(reply.words))
            step = Next.REFUSED if reply.status == _OK else next_of(reply.status, reply.words)
            if step is Next.LATER and time.monotonic() < self._until:
                tries -= 1
                wait = retry_after(reply.headers, time.time())
            elif step is Next.AGAIN and tries < _TRIES:
                wait = None
            else:
                return reply
            await asyncio.sleep(pause(1 + tries) if wait is None else wait)


def _is_held(name: str, text: str) -> bool:
    """Whether an answer shows that the server kept it to what was asked for."""
    if name == "choice":
        return text.strip() in _ANIMALS
    try:
        return bool(json.loads(text) == json.loads(_WHOLE))
    except ValueError:
        bare = "".join(text.split())
        return len(bare) >= _SHORTEST_PROOF and _WHOLE.startswith(bare)
