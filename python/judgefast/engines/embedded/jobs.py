"""A request inside the engine process: what it asks of the pipeline, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.engines.embedded.grammars import choice_regex, literal
from judgefast.engines.embedded.pipeline import Grammar, Output, prompt_is_done
from judgefast.engines.embedded.wire import Done

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from judgefast.engines.embedded.wire import Work


class Job:
    """One request. Generated text is one read; label probabilities are one read for each label."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.ids: NDArray[np.int32] = np.frombuffer(work.ids, dtype="<i4")
        self.reads: dict[int, Any] = {}
        """Handles in the pipeline, by the index of the label (0 for text)."""
        self.logprobs: dict[int, float] = {}
        self.output: Output | None = None
        self.opens: list[int] = []
        """Heads that it computes for others."""
        self.alone = False

    @property
    def number(self) -> int:
        """Its name."""
        return self.work.number

    @property
    def handles(self) -> list[Any]:
        """Handles that are still in the pipeline."""
        return list(self.reads.values())

    @property
    def grammars(self) -> list[Grammar]:
        """What its answers are held to."""
        work = self.work
        if work.probabilities:
            return [Grammar("regex", literal(text)) for text, _ in work.labels]
        if work.schema is not None:
            return [Grammar("json_schema", work.schema)]
        if work.labels:
            return [Grammar("regex", choice_regex([text for text, _ in work.labels]))]
        return []

    @property
    def prompt_is_done(self) -> bool:
        """Whether its prompt is in the cache."""
        return any(prompt_is_done(handle) for handle in self.handles)

    @property
    def over(self) -> bool:
        """Whether everything it asks for is there."""
        if self.work.probabilities:
            return len(self.logprobs) == len(self.work.labels)
        return self.output is not None

    def next_reads(self) -> Iterator[tuple[int, Grammar | None, dict[str, object]]]:
        """What to ask next, as (index, grammar, settings).

        The first label alone computes the prompt; the others then take a token or so each.
        """
        work = self.work
        grammars = self.grammars
        if work.probabilities:
            first, last = (1, len(grammars)) if self.logprobs else (0, 1)
            for index in range(first, last):
                yield index, grammars[index], {"max_new_tokens": 1}
            return
        settings: dict[str, object] = {"max_new_tokens": work.max_tokens}
        if work.stop:
            settings["stop_strings"] = set(work.stop)
        if work.temperature > 0:
            settings |= {"do_sample": True, "temperature": work.temperature}
            settings |= {"top_p": work.top_p, "rng_seed": work.seed}
        yield 0, grammars[0] if grammars else None, settings

    def take(self, index: int, output: Output) -> bool:
        """Keep what a read ended with; False if the token is not the label's own.

        A grammar speaks characters: held to `tie` the model may begin with `t`.
        """
        if not self.work.probabilities:
            self.output = output
            return True
        if output.tokens != [self.work.labels[index][1]]:
            return False
        self.logprobs[index] = output.logprobs[0]
        return True

    def echo(self, index: int) -> tuple[NDArray[np.int32], dict[str, object]]:
        """Prompt and settings that read a label's log-probability as that of a given token."""
        ids = np.append(self.ids, np.int32(self.work.labels[index][1] or 0))
        return ids, {"max_new_tokens": 0, "echo": True}

    def restart_alone(self) -> None:
        """Forget what came so far."""
        self.reads.clear()
        self.logprobs.clear()
        self.output = None
        self.alone = True

    def done(self) -> Done:
        """The message that it is over."""
        if self.work.probabilities:
            labels = len(self.work.labels)
            logprobs = [self.logprobs[index] for index in range(labels)]
            return Done(number=self.number, logprobs=logprobs, forced_tokens=labels)
        if self.output is None:
            message = "nothing has come of it yet"
            raise RuntimeError(message)
        cut = self.output.finish != "STOP"
        return Done(number=self.number, tokens=self.output.tokens, cut=cut)
