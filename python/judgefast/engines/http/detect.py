"""Which servers there are, what judge is behind them, and in which way it is asked."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple

from judgefast.engines.http.abilities import Abilities
from judgefast.engines.http.examine import Examiner
from judgefast.engines.http.look import look
from judgefast.engines.http.trial import Trial
from judgefast.engines.remote.causes import other_scheme
from judgefast.engines.remote.judges import find_tokenizer, read_judge, vocabulary_of
from judgefast.engines.remote.unusable import NoReplyError
from judgefast.errors import ConfigError, EngineError, ModelError
from judgefast.prompts.model import JudgeModel

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.engines.http.abilities import Way
    from judgefast.engines.http.look import Shown
    from judgefast.engines.http.options import HttpOptions
    from judgefast.engines.remote.client import Client
    from judgefast.engines.remote.options import Secret

LOG = logging.getLogger("judgefast")


class Found(NamedTuple):
    """The judge behind the servers."""

    abilities: Abilities
    examiner: Examiner
    """Compares servers that come later."""
    model: JudgeModel
    shown: Shown
    """The first server that was there."""
    tokenizer_file: Path | None
    vocabulary: int | None
    control_texts: tuple[str, ...]
    """Spellings of the judge's control tokens, where its tokenizer is known."""
    away: frozenset[str]
    """Servers that were not there."""
    is_same_tokenizer: bool | None
    """Whether the server's tokenizer was seen to be ours; None where it does not show it."""


async def detect(client: Client, options: HttpOptions, secret: Secret, named: str | None) -> Found:
    """Find the judge.

    Args:
        client: Connections.
        options: The settings.
        secret: The key.
        named: The model that was named.

    Raises:
        EngineError: No server is there, one refuses the key, or serves another model.
        ConfigError: No model was named where several are served.
        ModelError: A tokenizer was wanted and is not there, or is not the judge's.

    """
    seen, away = await _seen(client, options, secret)
    root, shown = next(iter(seen.items()))
    name = _model_of(root, shown, named)
    rooms = [each.context_tokens for each in seen.values() if each.context_tokens]
    context = options.context_tokens or min(rooms, default=None)
    judge, file = _judge_of(options, shown, named, name, context)
    tokenizer = judge.tokenizer
    trial = Trial(client, root, secret, tokenizer, options.patience_seconds)
    abilities = None
    for way in _ways(options, shown, has_tokenizer=tokenizer is not None):
        abilities = await trial.prompts(Abilities(way=way, model=name))
        if abilities is not None:
            break
    if abilities is None:
        message = f"{root} takes no token ids"
        raise EngineError(message, hint="use --api chat: prompts are not sealed then")
    same = await trial.reads_as_we_do(abilities) if abilities.way != "chat" else None
    if same is False:
        message = f"the tokenizer in `{file}` is not the one of the judge at {root}"
        raise ModelError(message, hint="give --tokenizer PATH of the model that is served")
    control: tuple[str, ...] = ()
    if tokenizer is not None:
        control = tuple(tokenizer.decode([token]) for token in sorted(tokenizer.control_ids))
    may_think = judge.reasoning is not None
    if abilities.way == "chat":
        judge = JudgeModel(name=name, digest="", context_tokens=context)
    abilities = await trial.answers(abilities, may_think=may_think)
    examiner = Examiner(
        client=client,
        options=options,
        secret=secret,
        abilities=abilities,
        tokenizer=judge.tokenizer,
        shown=shown,
        context_tokens=context,
    )
    away |= await _compared(examiner, {each: seen[each] for each in seen if each != root}, secret)
    return Found(
        abilities=abilities,
        examiner=examiner,
        model=judge,
        shown=shown,
        tokenizer_file=file,
        vocabulary=None if file is None or tokenizer is None else vocabulary_of(file, tokenizer),
        control_texts=control,
        away=frozenset(away),
        is_same_tokenizer=same,
    )


async def _compared(examiner: Examiner, others: dict[str, Shown], secret: Secret) -> dict[str, str]:
    """Compare the other servers with the first; those that have gone meanwhile, and why.

    Raises:
        OtherJudgeError: One is not to be asked.

    """
    for root, shown in others.items():
        examiner.check(root, shown)
    found = await asyncio.gather(*map(examiner.compare, others), return_exceptions=True)
    gone: dict[str, str] = {}
    for root, error in zip(others, found, strict=True):
        if isinstance(error, NoReplyError):
            gone[root] = secret.scrub(str(error))
        elif error is not None:
            raise error
    return gone


def _judge_of(
    options: HttpOptions, shown: Shown, named: str | None, name: str, context: int | None
) -> tuple[JudgeModel, Path | None]:
    """The judge, and where its tokenizer is; without one, its name alone."""
    if options.api == "chat" and options.tokenizer == "auto":
        file = None
    else:
        file = find_tokenizer(options.tokenizer, [named or name, name, *_origin(shown, name)])
    if file is None:
        return JudgeModel(name=name, digest="", context_tokens=context), None
    return read_judge(file, name=name, context_tokens=context), file


async def _seen(
    client: Client, options: HttpOptions, secret: Secret
) -> tuple[dict[str, Shown], dict[str, str]]:
    """Servers that are there, in the order given, and why others are not."""
    seen: dict[str, Shown] = {}
    away: dict[str, str] = {}
    found = await asyncio.gather(
        *(look(client, root, secret) for root in options.base_urls), return_exceptions=True
    )
    for root, told in zip(options.base_urls, found, strict=True):
        if isinstance(told, NoReplyError):
            away[root] = secret.scrub(str(told))
        elif isinstance(told, BaseException):
            raise told
        else:
            seen[root] = told
    if not seen:
        message = "; ".join(away.values())
        hint = "start the server, or check --base-url; then give the same command again"
        schemes = [words for root in away if (words := await other_scheme(root))]
        raise EngineError(message, hint="; ".join(schemes) or hint)
    for words in away.values():
        LOG.warning("one server is away, and is asked again later: %s", words)
    return seen, away


def _model_of(root: str, shown: Shown, named: str | None) -> str:
    if named is None:
        if len(shown.models) != 1:
            many = f"{len(shown.models)} models" if shown.models else "no list of models"
            message = f"{root} shows {many}, and none was named"
            listed = f": {', '.join(shown.models[:8])}" if shown.models else ", or check --base-url"
            raise ConfigError(message, hint=f"add --model NAME{listed}")
        return shown.models[0]
    if named in shown.models or shown.kind not in {"vllm", "sglang"} or not shown.models:
        return named
    message = f"{root} does not serve `{named}`; it serves {', '.join(shown.models)}"
    raise EngineError(message, hint="name one of these by --model, or leave --model out")


def _origin(shown: Shown, name: str) -> list[str]:
    """Where the server has the model from."""
    pairs = zip(shown.models, shown.roots, strict=True)
    return [origin for model, origin in pairs if model == name]


def _ways(options: HttpOptions, shown: Shown, *, has_tokenizer: bool) -> list[Way]:
    """Ways to ask, the best first.

    Raises:
        ModelError: Ids are wanted and there is no tokenizer.

    """
    if options.api == "chat":
        return ["chat"]
    if options.api != "auto":
        if not has_tokenizer:
            message = f"the api `{options.api}` is asked in token ids, and no tokenizer was found"
            raise ModelError(message, hint="add --tokenizer PATH, the folder of the served model")
        return [options.api]
    if not has_tokenizer:
        return ["chat"]
    return ["sglang", "chat"] if shown.kind == "sglang" else ["completions", "chat"]
