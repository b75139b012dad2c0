"""One question with known labels, asked at the start: which dialect, which server, which model."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from judgefast.engines.decisions.asked import Ask
from judgefast.engines.decisions.cards import also_called, context_of, names_of
from judgefast.engines.decisions.dialects import DIALECTS
from judgefast.engines.decisions.failures import GOOD, failure_of
from judgefast.engines.decisions.found import Found, Spoken
from judgefast.engines.decisions.looks import AWAY, Looks
from judgefast.engines.decisions.recognise import dialect_of, recognise
from judgefast.engines.decisions.said import words_of
from judgefast.engines.decisions.small import SmallQuestions
from judgefast.engines.decisions.strict import read_object
from judgefast.engines.decisions.tokens import Limit
from judgefast.engines.decisions.unfit import UnfitReplyError
from judgefast.engines.remote.causes import other_scheme
from judgefast.engines.remote.judges import find_tokenizer
from judgefast.engines.remote.retries import pause, refusal
from judgefast.engines.remote.unusable import NoReplyError
from judgefast.errors import ConfigError, EngineError
from judgefast.prompts.questions import Option, Question
from judgefast.prompts.tokenizer import PromptTokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.engines.decisions.asked import Answer, Failure, Usage
    from judgefast.engines.decisions.dialects import Dialect
    from judgefast.engines.decisions.options import DecisionOptions
    from judgefast.engines.remote.client import Client
    from judgefast.engines.remote.options import Secret
    from judgefast.engines.remote.wires import Reply

LOG = logging.getLogger("judgefast")

QUESTION = Question(
    "question",
    "choice",
    "Which animal has stripes?",
    (Option("zebra", "the zebra", 0), Option("horse", "the horse", 1)),
)
STATE = {"text": "A zebra and a horse stand side by side."}
ASKS = (Ask("q0", QUESTION, (0, 1)),)

_NO_MONEY = {402, 429}
_NO_PATH = {404, 405, 410}
_REPLY_BYTES = 1 << 20
_SHOWN = 300
_LISTED = 8


class Prober:
    """Asks servers what they are.

    Args:
        client: Connections.
        options: The settings.
        secret: The key.

    """

    def __init__(self, client: Client, options: DecisionOptions, secret: Secret) -> None:
        self._client, self._options, self._secret = client, options, secret
        self.small = SmallQuestions()

    async def find(self, named: str | None) -> Found:
        """Find the judge: by the first server that is there; the others have to be alike.

        Args:
            named: The model that was named.

        Raises:
            EngineError: No server is there, one refuses the key, or answers in no dialect; or two
                are not alike.
            ConfigError: No model was named where several are served.
            ModelError: A tokenizer was named and is not there.

        """
        spoken: Spoken | None = None
        away: dict[str, str] = {}
        for root in self._options.base_urls:
            try:
                if spoken is None:
                    spoken = await self.spoken_at(root, named)
                else:
                    await self.compare(root, spoken)
            except NoReplyError as error:
                away[root] = self._secret.scrub(str(error))
        if spoken is None:
            hint = (
                "start the server, wait until it has room, or check --base-url; then give the "
                "same command again"
            )
            schemes = [words for root in away if (words := await other_scheme(root))]
            raise EngineError("; ".join(away.values()), hint="; ".join(schemes) or hint)
        for words in away.values():
            LOG.warning("one server is away, and is asked again later: %s", words)
        file = None if self._options.tokenizer is None else self._tokenizer(spoken, named)
        told = self._options.context_tokens or spoken.quirks.most_tokens
        return Found(
            spoken=spoken,
            limit=Limit(told or spoken.context, told is not None, spoken.quirks.cuts_silently),
            tokenizer_file=file,
            tokenizer=None if file is None else PromptTokenizer.from_file(file),
            away=frozenset(away),
            may_move=self._options.allow_moved,
        )

    async def spoken_at(self, root: str, named: str | None) -> Spoken:
        """Find how a server is spoken to.

        Raises:
            NoReplyError: Nobody is there, or something before it says so.
            EngineError: It refuses the key, or answers in no dialect.
            ConfigError: It serves several models, and none was named.

        """
        looks = Looks(self._client, root, self._said)
        models = await looks.look()
        ways = self._ways()
        no_path: set[str] = set()
        said: list[str] = []
        denied: EngineError | None = None
        is_away = False
        tried: set[tuple[str, str]] = set()
        while ways:
            dialect, path = ways.pop(0)
            if path in no_path or (dialect.name, path) in tried:
                continue
            tried.add((dialect.name, path))
            asked = named or self._only(root, models)
            reply = await self._patient(root + path, dialect.body(asked, STATE, ASKS))
            if reply.status not in GOOD:
                failure = failure_of(reply.status, reply.headers, reply.body)
                if failure.kind == "auth":  # some gateways say so of a path that they do not have
                    denied = denied or refused(root, failure, self._said(failure.words))
                if failure.kind == "auth" or reply.status in _NO_PATH:
                    no_path.add(path)
                is_away = is_away or failure.kind in AWAY
                words = f"{path} answered {reply.status}: {self._said(failure.words)}"
                said.append(f"{words} (asked in `{dialect.name}`)")
                continue
            try:
                found = read_object(reply.body)
                other = dialect_of(found)
                if other not in {None, dialect.name}:
                    self.small.missed()
                    said.append(f"{path} was asked in `{dialect.name}`, and answered in `{other}`")
                    if self._options.dialect == "auto":
                        ways.insert(0, (DIALECTS[str(other)], path))
                    continue
                presumed = recognise(found, None, dialect.name)
                self.small.add(dialect.read(ASKS, reply.body, presumed).usage)
                # A gateway that spoke for the server until now may have spoken of its list, too.
                models = await looks.look()
                quirks = recognise(found, models, dialect.name)
                read = dialect.read(ASKS, reply.body, quirks)
            except UnfitReplyError as error:
                self.small.missed()
                said.append(f"{path}, asked in `{dialect.name}`: {self._said(str(error))}")
                continue
            if asked != (named or self._only(root, models)):  # it could not be listed until now
                tried.discard((dialect.name, path))
                ways.insert(0, (dialect, path))
                continue
            (answer,) = read.answers
            return Spoken(
                dialect=dialect,
                path=path,
                quirks=quirks,
                asked=asked,
                answered=self._secret.scrub(read.model),
                doubt=self._said(_doubt(answer)),
                context=context_of(models, asked),
                also_called=also_called(models, asked),
                is_head=_is_head(answer, read.usage),
                unlisted=presumed.name,
                was_listed=models is not None,
            )
        raise denied or _no_decisions(root, said, is_away=is_away)

    async def compare(self, root: str, spoken: Spoken) -> None:
        """See that a server is of the judge.

        Raises:
            NoReplyError: It does not answer, or something before it says so.
            EngineError: It is not to be asked.

        """
        body = spoken.dialect.body(spoken.asked, STATE, ASKS)
        reply = await self._patient(root + spoken.path, body)
        hint = "name servers of one judge"
        if reply.status not in GOOD:
            failure = failure_of(reply.status, reply.headers, reply.body)
            words = self._said(failure.words)
            message = f"{root} answered {reply.status} where the first server answers: {words}"
            if failure.kind in AWAY:
                raise NoReplyError(message, was_sent=True)
            raise EngineError(message, hint=hint)
        try:
            found = read_object(reply.body)
        except UnfitReplyError as error:  # the page of something before it
            message = f"{root}: {self._said(str(error))}"
            raise NoReplyError(message, was_sent=True) from None
        try:
            read = spoken.dialect.read(ASKS, reply.body, spoken.quirks)
            self.small.add(read.usage)
        except UnfitReplyError as error:
            message = f"{root} answers otherwise than the first server: {self._said(str(error))}"
            if words_of(found):  # of an error, though by a good status: as some gateways say it
                raise NoReplyError(message, was_sent=True) from None
            raise EngineError(message, hint=hint) from None
        models = await Looks(self._client, root, self._said).look(waits=False)
        name, first = recognise(found, models, spoken.dialect.name).name, spoken.quirks.name
        if models is None or not spoken.was_listed:  # it says less of itself at one of the looks
            name, first = recognise(found, None, spoken.dialect.name).name, spoken.unlisted
        answered = self._secret.scrub(read.model)
        if self._options.allow_moved or not (answered and spoken.answered):
            answered = spoken.answered
        if (name, answered) != (first, spoken.answered):
            message = self._secret.scrub(
                f"{root} is `{name}` with the model `{answered}`, and the first one `{first}` "
                f"with `{spoken.answered}`"
            )
            raise EngineError(message, hint=hint)

    def note_bill(self, spoken: Spoken, reply: Reply) -> None:
        """Add what a small question took that was asked in doubt, and answered."""
        try:
            read = spoken.dialect.read(ASKS, reply.body, spoken.quirks)
        except UnfitReplyError:
            self.small.missed()
        else:
            self.small.add(read.usage)

    def _ways(self) -> list[tuple[Dialect, str]]:
        """Dialects and where they may be spoken, the likeliest first."""
        options = self._options
        named = DIALECTS if options.dialect == "auto" else {"": DIALECTS[options.dialect]}
        ways = [(each, options.path or each.path) for each in named.values()]
        if options.dialect == "auto" and options.path is None:  # some gateways mix the two
            ways.append((DIALECTS["systemone"], DIALECTS["openai"].path))
        return ways

    @staticmethod
    def _only(root: str, models: dict[str, Any] | None) -> str | None:
        """The only model that is served; None where nothing is listed."""
        names = names_of(models)
        if len(names) > 1:
            message = f"{root} serves {len(names)} models, and none was named"
            raise ConfigError(message, hint=f"add --model NAME: {', '.join(names[:_LISTED])}")
        return names[0] if names else None

    async def _patient(self, url: str, body: bytes) -> Reply:
        """Ask until there is room.

        Raises:
            NoReplyError: Nobody is there, or there was no room until patience ended.

        """
        patience = self._options.patience_seconds
        until = time.monotonic() + patience
        tries = 0
        while True:
            try:
                reply = await self._client.post(url, body, most=_REPLY_BYTES)
            except NoReplyError as error:
                if error.was_sent:
                    self.small.missed()
                raise
            if reply.status in GOOD:
                return reply
            failure = failure_of(reply.status, reply.headers, reply.body)
            if failure.kind == "server":
                self.small.missed()
            if failure.kind != "busy":
                return reply
            said = f"{url} answered {reply.status}: {self._said(failure.words)}"
            left = until - time.monotonic()
            if left <= 0:
                message = f"no room within {patience:g} seconds: {said}"
                raise NoReplyError(message, was_sent=True)
            if not tries:
                LOG.warning("%s; it is asked for up to %.0f seconds more", said, left)
            tries += 1
            await asyncio.sleep(min(max(failure.retry_seconds or 0.0, pause(tries)), left))

    def _tokenizer(self, spoken: Spoken, named: str | None) -> Path | None:
        likely = [each for each in (named, spoken.asked, spoken.answered) if each]
        return find_tokenizer(str(self._options.tokenizer), likely)

    def _said(self, words: str) -> str:
        return self._secret.scrub(words)[:_SHOWN]


def _doubt(answer: Answer) -> str:
    """What is wrong with an answer; empty where nothing is."""
    return "" if answer.outcome == "ok" else f"{answer.outcome}: {answer.words}"


def _is_head(answer: Answer, usage: Usage) -> bool:
    """Whether labels are all that the model knows: a mass of 1, and nothing was written.

    A chat model that is sure has a mass of 1 as well, and writes the token of its label.
    """
    return answer.label_mass == 1 and usage.completion_tokens == 0


def _no_decisions(root: str, said: list[str], *, is_away: bool) -> NoReplyError | EngineError:
    """Why a server is not spoken to, by what it said to every way of asking."""
    message = f"{root} answers no decisions: {'; '.join(said)}"
    if is_away:
        return NoReplyError(message, was_sent=True)
    hint = "check --base-url and --model; --dialect and --engine-arg path=/… say how it is asked"
    return EngineError(message, hint=hint)


def refused(root: str, failure: Failure, words: str) -> EngineError:
    """The error of a refusal after which nothing is sent any more.

    Args:
        root: The server.
        failure: What it refused.
        words: Its words, without the key.

    """
    if failure.status not in _NO_MONEY:
        return refusal(root, failure.status, words)
    hint = "see to the account of this key, then give the same command: it goes on"
    return EngineError(f"{root} answered {failure.status}: {words}", hint=hint)
