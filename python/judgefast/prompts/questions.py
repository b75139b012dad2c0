"""What a rubric asks, for engines that take typed questions instead of a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from judgefast.prompts.rubric import Rubric
    from judgefast.prompts.verdict_format import VerdictLabel

QuestionKind = Literal["choice", "score", "yes_no"]


class Option(msgspec.Struct, frozen=True, gc=False):
    """One of the answers that a question allows."""

    text: str
    """The rubric's label, without white space at its ends."""
    meaning: str
    """What it stands for, in the words of the state: `answer_1 is better`, a level of the scale."""
    label: int
    """Place among the rubric's labels: where its log-probability goes in a `LabelRead`."""


class Question(msgspec.Struct, frozen=True):
    """One typed question of a rubric, for engines that take a state instead of a prompt."""

    aspect: str
    kind: QuestionKind
    instructions: str
    """The criterion, and the rubric's worked examples."""
    options: tuple[Option, ...]
    """In the rubric's order; levels from the lowest to the highest; or yes, then no. Empty where
    the verdict is a number or a text that has to be generated."""


def question_of(rubric: Rubric, place: int = 0) -> Question:
    """Put the aspect of a rubric at `place` as a typed question."""
    aspect = rubric.aspects[place]
    instructions = "\n\n".join((aspect.criterion, *rubric.examples))
    labels = list(enumerate(rubric.verdicts[place].labels))
    if rubric.mode == "binary":
        labels.sort(key=lambda each: -(each[1].score or 0.0))
        kind: QuestionKind = "yes_no" if len(labels) in {0, 2} else "choice"
    elif rubric.mode == "scalar":
        labels.sort(key=lambda each: each[1].score or 0.0)
        kind = "score"
    else:
        kind = "choice"
    levels = dict(aspect.scale.levels) if aspect.scale and rubric.mode == "scalar" else {}
    options = tuple(
        Option(label.text.strip(), _meaning(kind, label, levels), index) for index, label in labels
    )
    return Question(aspect.name, kind, instructions, options)


def _meaning(kind: QuestionKind, label: VerdictLabel, levels: dict[float, str]) -> str:
    if isinstance(label.choice, int):
        return f"answer_{label.choice + 1} is the best"
    if label.choice == "tie":
        return "the answers are equally good or equally bad"
    if label.choice is not None:
        return f"{'answer_1' if label.choice == 'first' else 'answer_2'} is better"
    if kind == "yes_no":
        return "yes" if label.score else "no"
    return levels.get(label.score or 0.0, label.text.strip())
