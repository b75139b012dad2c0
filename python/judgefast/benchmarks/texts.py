"""Rows and a rubric of a workload, with texts of given lengths in the judge's own tokens.

Texts are words drawn by a seed: the same seed gives the same texts for the same tokenizer, and no
two answers begin alike. A judge without a tokenizer here is taken to need a token a word.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from judgefast.benchmarks.workloads import Shape
    from judgefast.prompts.tokenizer import PromptTokenizer

_WORDS: list[str] = (  # noqa: SIM905 - shorter so
    "the of and to in is that for it as was with be by on not he his but at are this have from "
    "model answer prompt context detail reason step value result number system data paper method "
    "claim source check quick slow clear short long code test user plan note rule part list form "
    "point line word water energy winter market history letter across because although measure"
).split()

_FRAME = """
name = "{name}"
mode = "{mode}"
reference = "never"
{aspects}
[template]
{layout}system = '''
You are an impartial judge.
{general}
Reply as you are told.'''
[[template.blocks]]
text = '''
[The Start of the Question]
{{question}}
[The End of the Question]
'''
{blocks}
[verdict]
{verdict}
[decoding]
max_tokens = {max_tokens}
temperature = 0
"""
_ANSWER = """[[template.blocks]]
text = '''
[The Start of {name}]
{{{field}}}
[The End of {name}]
'''
"""
_ASPECT = """
[[aspects]]
name = "aspect-{number}"
criterion = "{criterion}"
"""
_SCALE = """[aspects.scale]
low = 1
high = 5
"""
_LAST = """[[template.blocks]]
text = '''
{tail}'''
"""
_LABELS = """name = "label"
labels = [{ text = "A", choice = "first" }, { text = "B", choice = "second" },
  { text = "C", choice = "tie" }]"""


class Texts:
    """Texts of given lengths.

    Args:
        tokenizer: The judge's; None where it is not known.
        seed: Of the words.

    """

    def __init__(self, tokenizer: PromptTokenizer | None, seed: int) -> None:
        self._tokenizer = tokenizer
        self._seed = seed
        sample = random.Random("judgefast bench").choices(_WORDS, k=2000)  # noqa: S311 - words, not a secret
        self._per_word = self.tokens(" ".join(sample)) / len(sample)

    def tokens(self, text: str) -> int:
        """Tokens of a text, as an answer is encoded."""
        if self._tokenizer is None:
            return len(text.split())
        return len(self._tokenizer.seal(text).token_ids)

    def make(self, tokens: int, *name: object) -> str:
        """Make a text of so many tokens, or a few less; its name decides the words."""
        chance = random.Random(f"{self._seed} {name}")  # noqa: S311 - as above
        words = chance.choices(_WORDS, k=max(1, round(tokens / self._per_word)))
        while len(words) > 1 and (more := self.tokens(" ".join(words)) - tokens) > 0:
            del words[-max(1, int(more / self._per_word)) :]
        return " ".join(words)


def write_rubric(path: Path, shape: Shape, texts: Texts) -> None:
    """Write the rubric of a workload."""
    pairwise = shape.mode == "pairwise"
    share = shape.rubric // shape.aspects if shape.aspects > 1 else shape.rubric
    aspects = "".join(
        _ASPECT.format(number=number + 1, criterion=texts.make(share, "aspect", number))
        + ("" if pairwise else _SCALE)
        for number in range(shape.aspects)
    )
    answers = [("Answer A", "answer_1"), ("Answer B", "answer_2")]
    blocks = "".join(
        _ANSWER.format(name=name, field=field)
        for name, field in (answers if pairwise else [("the Answer", "answer")])
    )
    label = shape.max_tokens == 1
    told = {
        (True, True): "Which answer is better: A, B, or C for a tie? Reply with the letter alone.",
        (True, False): "Which answer is better? Compare them, then end with [[A]], [[B]] or [[C]].",
        (False, True): "Which score from 1 to 5 does it deserve? Reply with the digit alone.",
        (False, False): "Which score from 1 to 5 does it deserve? End with [[1]] to [[5]].",
    }[pairwise, label]
    criterion = "" if pairwise else "{criterion}\n\nThe scale:\n{scale}\n\n"
    verdict = (_LABELS if pairwise else 'name = "label"') if label else 'name = "bracket"'
    text = _FRAME.format(
        name=shape.name,
        mode=shape.mode,
        aspects=aspects,
        layout="" if pairwise else 'layout = "aspect-last"\n',
        general="\n{criterion}\n" if pairwise else "",
        blocks=blocks + _LAST.format(tail=criterion + told),
        verdict=verdict,
        max_tokens=shape.max_tokens,
    )
    path.write_text(text, encoding="utf-8")


def write_rows(path: Path, shape: Shape, texts: Texts, items: int) -> None:
    """Write the rows of a workload as JSON lines."""
    with path.open("w", encoding="utf-8") as file:
        for row in _rows(shape, texts, items):
            file.write(json.dumps(row) + "\n")


def _rows(shape: Shape, texts: Texts, items: int) -> Iterator[dict[str, object]]:
    for item in range(items):
        answers = [texts.make(shape.answer, item, number) for number in range(shape.answers)]
        row: dict[str, object] = {"id": f"item-{item}"}
        row["question"] = texts.make(shape.question, item, "question")
        if shape.answers == 1:
            yield row | {"answer": answers[0]}
        else:
            named = [{"model": f"m{n}", "text": text} for n, text in enumerate(answers)]
            yield row | {"answers": named}
