"""From a server's JSON to completions. What does not fit what was asked is no answer."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.engines.http.labels import Labels
from judgefast.engines.http.thinking import Thought
from judgefast.engines.http.unusable import BadReplyError, CutPromptError
from judgefast.engines.http.usage import Usage, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.engines.base import Completion, FinishReason
    from judgefast.engines.http.abilities import Abilities
    from judgefast.engines.http.jobs import PromptJob
    from judgefast.engines.http.thinking import Thinking
    from judgefast.prompts.decoding import Decoding
    from judgefast.prompts.tokenizer import PromptTokenizer

_FINISH: dict[str | None, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "refused",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "model_length": "length",
    None: "stop",
}


class _Message(msgspec.Struct, gc=False):
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    """The same, as it was called first."""


class _ChatTop(msgspec.Struct, gc=False):
    token: str
    logprob: float


class _ChatToken(msgspec.Struct, gc=False):
    top_logprobs: list[_ChatTop] = []


class _ChatLogprobs(msgspec.Struct, gc=False):
    content: list[_ChatToken] | None = None


class _ChatChoice(msgspec.Struct, gc=False):
    message: _Message
    index: int = 0
    finish_reason: str | None = None
    logprobs: _ChatLogprobs | None = None


class _Chat(msgspec.Struct, gc=False):
    choices: list[_ChatChoice]
    usage: Usage | None = None


class _Finish(msgspec.Struct, gc=False):
    type: str | None = None


class _Meta(msgspec.Struct, gc=False):
    finish_reason: _Finish | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    output_token_ids_logprobs: list[list[tuple[float | None, int, Any]]] | None = None


class _Generated(msgspec.Struct, gc=False):
    meta_info: _Meta
    text: str = ""


_chat = msgspec.json.Decoder(_Chat)
_generated = msgspec.json.Decoder(list[_Generated])


class _Text(msgspec.Struct, gc=False):
    index: int
    text: str = ""
    finish_reason: str | None = None
    token_ids: list[int] | None = None


class _Texts(msgspec.Struct, gc=False):
    choices: list[_Text]
    usage: Usage | None = None


_texts = msgspec.json.Decoder(_Texts)


class Replies:
    """Reads replies of one server's way.

    Args:
        abilities: What the server can do.
        tokenizer: Of the judge, where it is known: it says which share of a list's tokens each text
            has.
        thinking: How the judge thinks, where it is asked to apart from its answer.

    """

    def __init__(
        self,
        abilities: Abilities,
        *,
        tokenizer: PromptTokenizer | None = None,
        thinking: Thinking | None = None,
    ) -> None:
        self._abilities, self._thinking = abilities, thinking
        self._tokenizer = tokenizer
        self._labels: dict[Decoding, Labels] = {}
        self._last: tuple[Decoding | None, Labels | None] = (None, None)
        self.bounded = 0
        """Labels whose probability is an upper bound."""
        readers: dict[str, Callable[[Sequence[PromptJob], bytes], list[Completion]]] = {
            "completions": self._completions,
            "chat": self._of_chat,
            "sglang": self._of_sglang,
        }
        self._read = readers[abilities.way]

    def read(self, jobs: Sequence[PromptJob], raw: bytes) -> list[Completion]:
        """One completion for each job, in their order; none for one that has thought and goes on.

        Raises:
            BadReplyError: It is no JSON, or other choices than were asked for.
            CutPromptError: The prompt was cut.

        """
        if self._thinking is None or not jobs[0].decoding.thinking_tokens:
            return self._read(jobs, raw)
        done = self._thought(jobs[0], raw)
        return [] if done is None else [done]

    def of_text(
        self, job: PromptJob, text: str, reason: str, *, tokens: int | None, read: int | None
    ) -> Completion:
        """The completion of one choice of a stream.

        Args:
            job: Whose it is.
            text: All of it.
            reason: How it ended.
            tokens: Generated, where that is known.
            read: Tokens of the prompt that the server has read, where it says so of this one.

        Raises:
            BadReplyError: It did not end by itself.

        """
        sent = None if job.ids is None else len(job.ids)
        if read and sent and read < sent:
            return job.failed("too_long", f"the server has read {read} tokens of {sent}")
        return job.answered(
            text=text,
            finish_reason=_finish(reason, text, job.decoding),
            prompt_tokens=sent,
            completion_tokens=tokens,
        )

    def _thought(self, job: PromptJob, raw: bytes) -> Completion | None:
        """What becomes of a request that was sent to think; None where it goes on to its answer."""
        reply = decoded(_texts, raw)
        (choice,) = _in_order(reply.choices, 1)
        usage = _checked(reply.usage, [job])
        finish = _finish(choice.finish_reason, choice.text, job.decoding)
        if finish not in {"stop", "length"}:  # refused, or given up half thought
            return job.answered(text="", finish_reason=finish)
        if choice.token_ids is None or self._thinking is None:
            message = "it does not say which tokens were thought"
            raise BadReplyError(message)
        ids = choice.token_ids
        thought = Thought(choice.text.strip(), len(ids), usage.cached)
        if self._thinking.ended(job, ids, thought, is_cut=finish == "length"):
            return None
        return job.answered(text="", finish_reason="length")

    def tokens_of(self, job: PromptJob, text: str, reason: str) -> int | None:
        """Tokens that a text was most likely generated in; None without a tokenizer."""
        if reason == "length":
            return job.decoding.max_tokens
        if self._tokenizer is None:
            return None
        return len(self._tokenizer.encode_trusted(text)) + 1

    def _of(self, decoding: Decoding) -> Labels:
        last, found = self._last
        if last is not decoding or found is None:  # its hash is that of all its fields
            found = self._labels.get(decoding) or Labels(decoding, self._abilities)
            self._labels[decoding] = found
            self._last = (decoding, found)
        return found

    def _completions(self, jobs: Sequence[PromptJob], raw: bytes) -> list[Completion]:
        decoding = jobs[0].decoding
        if decoding.probabilities:
            return self._label_reads(jobs, raw, self._of(decoding))
        reply = decoded(_texts, raw)
        choices = _in_order(reply.choices, len(jobs))
        usage = _checked(reply.usage, jobs)
        words = [choice.text for choice in choices]
        tokens = shared(usage, words, self._tokenizer)
        return [
            job.answered(
                text=choice.text,
                finish_reason=_finish(choice.finish_reason, choice.text, decoding),
                prompt_tokens=None if job.ids is None else len(job.ids),
                cached_tokens=usage.cached if len(jobs) == 1 else None,
                completion_tokens=count,
            )
            for job, choice, count in zip(jobs, choices, tokens, strict=True)
        ]

    def _label_reads(
        self, jobs: Sequence[PromptJob], raw: bytes, labels: Labels
    ) -> list[Completion]:
        reply = decoded(labels.decoder, raw)
        choices = _in_order(reply.choices, len(jobs))
        usage = _checked(reply.usage, jobs)
        cached = usage.cached if len(jobs) == 1 else None
        completions = []
        for job, choice in zip(jobs, choices, strict=True):
            read = labels.of_completion(choice)
            if read is None:
                words = f"`{choice.text[:40]}`, and no label among the likeliest tokens"
                completions.append(job.failed("engine_error", f"the judge's next token is {words}"))
                continue
            self.bounded += read.bounded
            completions.append(
                job.answered(
                    text=read.text,
                    finish_reason="stop",
                    logprobs=read.logprobs,
                    prompt_tokens=None if job.ids is None else len(job.ids),
                    cached_tokens=cached,
                    completion_tokens=1,
                )
            )
        return completions

    def _of_chat(self, jobs: Sequence[PromptJob], raw: bytes) -> list[Completion]:
        (job,) = jobs
        decoding = job.decoding
        reply = decoded(_chat, raw)
        (choice,) = _in_order(reply.choices, 1)
        usage = reply.usage or Usage()
        _check_words(job, usage)
        text = choice.message.content or choice.message.refusal or ""
        finish = _finish(choice.finish_reason, text, decoding)
        if choice.message.refusal and not choice.message.content:
            finish = "refused"
        logprobs: tuple[float, ...] = ()
        if decoding.probabilities and finish != "refused":
            tokens = (choice.logprobs.content if choice.logprobs else None) or []
            if not tokens:
                message = "it has no log-probabilities"
                raise BadReplyError(message)
            tops = {each.token: each.logprob for each in tokens[0].top_logprobs}
            read = self._of(decoding).of_words(tops)
            if read is None:
                words = f"`{text[:40]}`, and no whole label is among the likeliest tokens"
                return [job.failed("engine_error", f"the judge's next token is {words}")]
            text, logprobs, finish = read.text, read.logprobs, "stop"
            self.bounded += read.bounded
        return [
            job.answered(
                text=text,
                finish_reason=finish,
                logprobs=logprobs,
                prompt_tokens=usage.prompt_tokens,
                cached_tokens=usage.cached,
                completion_tokens=usage.completion_tokens,
                reasoning_tokens=usage.reasoning,
                reasoning=choice.message.reasoning or choice.message.reasoning_content or "",
            )
        ]

    def _of_sglang(self, jobs: Sequence[PromptJob], raw: bytes) -> list[Completion]:
        decoding = jobs[0].decoding
        found = decoded(_generated, raw)
        _check_count(len(found), len(jobs))
        completions = []
        for job, each in zip(jobs, found, strict=True):
            meta = each.meta_info
            text = each.text
            logprobs: tuple[float, ...] = ()
            reason = meta.finish_reason.type if meta.finish_reason else None
            finish = _finish(reason, text, decoding)
            if decoding.probabilities:
                by_id = {
                    token: -math.inf if value is None else value
                    for value, token, _ in (meta.output_token_ids_logprobs or [[]])[0]
                }
                read = self._of(decoding).of_ids(by_id)
                text, logprobs, finish = read.text, read.logprobs, "stop"
            completions.append(
                job.answered(
                    text=text,
                    finish_reason=finish,
                    logprobs=logprobs,
                    prompt_tokens=meta.prompt_tokens,
                    cached_tokens=meta.cached_tokens,
                    completion_tokens=meta.completion_tokens,
                )
            )
        return completions


def decoded(decoder: msgspec.json.Decoder[Any], raw: bytes) -> Any:  # noqa: ANN401 - its type
    """JSON as a decoder reads it, with lone surrogates too.

    Raises:
        BadReplyError: It is none of that kind.

    """
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        first = str(error)
    found = None
    try:  # a lone surrogate is legal in JSON, and this reader takes it
        found = json.loads(raw)
        return msgspec.convert(found, decoder.type)
    except (ValueError, RecursionError):
        told = found.get("error") if isinstance(found, dict) else None
        message = f"it is an error: {json.dumps(told)}" if told else f"it cannot be read: {first}"
        raise BadReplyError(message) from None


def _check_count(found: int, wanted: int) -> None:
    if found != wanted:
        message = f"it has {found} choices where {wanted} were asked for"
        raise BadReplyError(message)


def _in_order(choices: list[Any], wanted: int) -> list[Any]:
    """Choices by the prompts they belong to."""
    _check_count(len(choices), wanted)
    for place, choice in enumerate(choices):
        if choice.index != place:
            break
    else:
        return choices
    by_index = {choice.index: choice for choice in choices}
    if len(by_index) != wanted or min(by_index) != 0 or max(by_index) != wanted - 1:
        message = f"its choices bear the numbers {sorted(choice.index for choice in choices)[:8]}"
        raise BadReplyError(message)
    return [by_index[place] for place in range(wanted)]


def _checked(usage: Usage | None, jobs: Sequence[PromptJob]) -> Usage:
    """What was counted; of one prompt it must be the whole of it, of a list the sum."""
    usage = usage or Usage()
    ids = jobs[0].ids
    if len(jobs) > 1 and usage.prompt_tokens is not None:
        sent = sum(0 if job.ids is None else len(job.ids) for job in jobs)
        if usage.prompt_tokens < sent:  # llama.cpp counts the first of a list
            return Usage()
    if (
        len(jobs) == 1
        and ids is not None
        and usage.prompt_tokens
        and usage.prompt_tokens < len(ids)
    ):
        message = f"the server has read {usage.prompt_tokens} tokens of {len(ids)}"
        raise CutPromptError(message)
    return usage


def _check_words(job: PromptJob, usage: Usage) -> None:
    """A word is at least one token, so that fewer tokens than words were read of a cut prompt."""
    words = len(job.request.prompt.text.split()) if job.request.prompt else 0
    if usage.prompt_tokens and words > usage.prompt_tokens:
        message = f"the server has read {usage.prompt_tokens} tokens of {words} words"
        raise CutPromptError(message)


def _finish(reason: str | None, text: str, decoding: Decoding) -> str:
    """How an answer ended; in the server's word, where that is none that we know."""
    finish = _FINISH.get(reason, reason or "stop")
    if finish == "length" and decoding.labels and text in {label.text for label in decoding.labels}:
        return "stop"  # a label is whole, though the limit came before the token that ends it
    return finish
