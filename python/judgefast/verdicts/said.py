"""What completions say, whether they are in the journal or have just come."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from judgefast.engines.base import Completion

    LabelReads = Iterator[tuple[int, Sequence[float]]]


class Said(ABC):
    """Some completions, and which of them are read."""

    def __init__(
        self, chosen: NDArray[np.int64], refused: NDArray[np.bool_], cut: NDArray[np.uint8]
    ) -> None:
        self.chosen = chosen
        """Places of those that are read."""
        self.refused = refused
        """Where the engine has declined to answer. Shape (n,)."""
        self.cut = cut
        """1 where the tokens were used up. Shape (n,)."""
        self._taken: tuple[NDArray[np.int64], list[str]] | None = None

    @property
    @abstractmethod
    def replaced_surrogates(self) -> NDArray[np.int32]:
        """Lone surrogates that were replaced. Shape (n,)."""

    @abstractmethod
    def _texts(self, places: NDArray[np.int64]) -> list[str]:
        """Texts at some places."""

    @abstractmethod
    def _answers_to(self, question: int) -> LabelReads:
        """Places with an answer to a question, and its log-probabilities; none of one declined."""

    def texts(self, places: NDArray[np.int64]) -> list[str]:
        """Texts at some places; taken out once for all who ask for the same."""
        if self._taken is None or not np.array_equal(self._taken[0], places):
            self._taken = places, self._texts(places)
        return self._taken[1]

    def logprobs(
        self, labels: int, question: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Label log-probabilities for one of the questions, where there are any, where declined.

        Shapes (n, labels), or (0, labels) where there are none, and twice (n,). A row of another
        length than `labels` stays NaN: it is malformed. They are those of the journal, which holds
        32 bits of each.
        """
        has_labels, refused = np.zeros(len(self.refused), np.bool_), self.refused.copy()
        found = list(self._answers_to(question)) if labels else []
        table = np.full((len(has_labels) if found else 0, labels), np.nan)
        for place, logprobs in found:
            has_labels[place] = len(logprobs) > 0
            refused[place] |= not len(logprobs)
            if len(logprobs) == labels:
                with np.errstate(over="ignore"):  # minus infinity, as in the journal
                    table[place] = np.array(logprobs, np.float32)
        return table, has_labels, refused


class SaidInBatch(Said):
    """Completions of the journal."""

    def __init__(self, batch: pa.RecordBatch, chosen: NDArray[np.int64]) -> None:
        """Look at columns of `completions`: those a verdict is made from."""
        finish: Any = batch.column("finish_reason")
        names, codes = finish.dictionary.to_pylist(), finish.indices.to_numpy()
        refused = np.array([name == "refused" for name in names], np.bool_)[codes]
        cut = np.array([name == "length" for name in names], np.uint8)[codes]
        super().__init__(chosen, refused, cut)
        self._batch = batch

    @property
    def replaced_surrogates(self) -> NDArray[np.int32]:
        """Lone surrogates that were replaced. Shape (n,)."""
        replaced: NDArray[np.int32] = self._batch.column("replaced_surrogates").to_numpy()
        return replaced

    def _texts(self, places: NDArray[np.int64]) -> list[str]:
        texts: list[str] = self._batch.column("text").take(places).to_pylist()
        return texts

    def _answers_to(self, question: int) -> LabelReads:
        answers = self._batch.column("answers")
        if not len(answers.flatten()):
            return
        for place, reads in enumerate(answers.to_pylist()):
            for read in reads:
                if read["question"] == question:
                    yield place, read["logprobs"]


class SaidLive(Said):
    """Completions that have just come."""

    def __init__(self, completions: Sequence[Completion], chosen: NDArray[np.int64]) -> None:
        """Look at completions as the engine has made them."""
        finish = [each.finish_reason for each in completions]
        refused = np.array([name == "refused" for name in finish], np.bool_)
        cut = np.array([name == "length" for name in finish], np.uint8)
        super().__init__(chosen, refused, cut)
        self._completions = completions

    @property
    def replaced_surrogates(self) -> NDArray[np.int32]:
        """Lone surrogates that were replaced. Shape (n,)."""
        return np.array([each.replaced_surrogates for each in self._completions], np.int32)

    def _texts(self, places: NDArray[np.int64]) -> list[str]:
        return [self._completions[place].text for place in places.tolist()]

    def _answers_to(self, question: int) -> LabelReads:
        for place, completion in enumerate(self._completions):
            for read in completion.answers:
                if read.question == question:
                    yield place, read.logprobs
