"""How much a judge will write: as the user says, as a pilot shows, or up to the rubric's cap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow.compute as pc

from judgefast.costs.ranges import Range
from judgefast.costs.workload import Answers
from judgefast.errors import ConfigError
from judgefast.journal.manifest import NAME
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.lengths import lengths_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.prompts.decoding import Decoding

ASSUMED_SPREAD = 0.4
"""Standard deviation by mean of answers in free text, where none has been seen."""
OF_CAP = Range(0.25, 0.6, 1.0)
"""Mean by the rubric's cap: most judges stop before it, and nobody knows where without a pilot."""
OF_BUDGET = Range(0.1, 0.4, 1.0)
"""The same of thinking, by its budget."""
CHARACTERS_A_TOKEN = Range(5.0, 4.2, 3.0)
"""Where an engine has not counted; the least tokens first."""


def answers_of(
    decoding: Decoding,
    *,
    answer_tokens: float | None = None,
    thinking_tokens: float | None = None,
    pilot: str | None = None,
) -> Answers:
    """Tokens behind each prompt.

    Args:
        decoding: In force.
        answer_tokens: Mean of the answer, its thinking aside, as the user gives it.
        thinking_tokens: Mean of the thinking, likewise.
        pilot: A finished run, by whose answers they are measured.

    Raises:
        ConfigError: A number is out of range, or the pilot has no answers.
        RunDirectoryError: The pilot is no run.

    """
    for name, value in (("answer", answer_tokens), ("thinking", thinking_tokens)):
        if value is not None and not 0 <= value < float("inf"):
            msg = f"--{name}-tokens is {value}; it must be 0 or more"
            raise ConfigError(msg, hint=f"give a mean, as in --{name}-tokens 120")
    if answer_tokens is not None:
        return given(answer_tokens, thinking_tokens or 0.0, most=decoding.most_tokens)
    if pilot is not None and not decoding.probabilities:
        found = answers_of_run(pilot)
        return msgspec.structs.replace(found, most=max(found.most, decoding.most_tokens))
    return _by_cap(decoding, thinking_tokens)


def given(answer: float, thinking: float = 0.0, *, most: int | None = None) -> Answers:
    """A mean that the user gives."""
    mean = max(1.0, answer + thinking)
    cap = max(round(mean), most or 0)
    return Answers(
        mean=Range.exactly(mean),
        spread=0.0 if mean >= cap else ASSUMED_SPREAD,
        most=cap,
        thinking=Range.exactly(thinking),
        basis="given",
        because=f"a mean of {mean:,.0f} tokens was given",
    )


def _by_cap(decoding: Decoding, thinking_tokens: float | None) -> Answers:
    if decoding.probabilities:
        one = Range.exactly(1.0)
        words = "the probability of each label is read: one token, no text"
        return Answers(mean=one, spread=0.0, most=1, basis="counted", because=words)
    cap = decoding.max_tokens
    if decoding.labels:
        mean = Range(1.0, min(2.0, cap), float(cap))
        words = f"the answer is one of {len(decoding.labels)} labels, of at most {cap:,} tokens"
    else:
        mean = OF_CAP.times(cap)
        words = (
            f"assumed: 25 to 100 % of the rubric's cap of {cap:,} tokens; a pilot measures it "
            "(--pilot RUN), --answer-tokens sets it"
        )
    thinking = Range(0.0, 0.0, 0.0)
    if thinking_tokens is not None:
        thinking = Range.exactly(thinking_tokens)
    elif decoding.thinking_tokens:
        thinking = OF_BUDGET.times(decoding.thinking_tokens)
        words += f"; thinking of 10 to 100 % of its budget of {decoding.thinking_tokens:,} tokens"
    return Answers(
        mean=mean + thinking,
        spread=ASSUMED_SPREAD,
        most=max(decoding.most_tokens, round(cap + thinking.likely)),
        thinking=thinking,
        basis="assumed",
        because=words,
    )


def answers_of_run(path: str) -> Answers:
    """What the judge of a finished run has written.

    Raises:
        ConfigError: It has no answers.
        RunDirectoryError: It is no run directory.

    """
    if not (Path(path) / NAME).is_file():
        msg = f"the pilot `{path}` is no run directory: it holds no `{NAME}`"
        raise ConfigError(msg, hint="name the folder that was given as `--out`")
    directory = RunDirectory.open(Path(path), write=False)
    lengths = lengths_of(directory)
    if lengths is None:
        return _by_characters(path, directory)
    return lengths.expected(
        f"{lengths.answers:,} answers of the pilot, {lengths.mean:,.1f} tokens on average"
    )


def _by_characters(path: str, directory: RunDirectory) -> Answers:
    """Where the engine of the pilot has not counted tokens."""
    found: list[NDArray[np.float64]] = []
    for batch in directory.completions(("finish_reason", "text")):
        answered = batch.filter(pc.not_equal(batch.column("finish_reason"), "error"))
        characters = pc.utf8_length(answered.column("text").fill_null(""))
        found.append(characters.to_numpy(zero_copy_only=False).astype(np.float64))
    lengths = np.concatenate(found) if found else np.zeros(0)
    if not len(lengths):
        msg = f"the pilot `{path}` has no answers"
        raise ConfigError(msg, hint="judge a few items first, as with `--limit 200`")
    mean = float(lengths.mean())
    if not mean:
        msg = f"the pilot `{path}` has neither counts of tokens nor texts"
        raise ConfigError(msg, hint="give a mean, as in --answer-tokens 120")
    each = CHARACTERS_A_TOKEN
    return Answers(
        mean=Range(*(max(1.0, mean / by) for by in (each.low, each.likely, each.high))),
        spread=float(lengths.std()) / mean,
        most=max(1, round(float(lengths.max()) / each.high)),
        basis="measured",
        because=(
            f"{len(lengths):,} answers of the pilot, {mean:,.0f} characters on average; its engine "
            f"counted no tokens, so they are taken for {each.low:g} to {each.high:g} characters "
            "a token"
        ),
    )
