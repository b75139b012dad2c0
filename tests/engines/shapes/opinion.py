"""What the judges of these tests think: a verdict that can be said beforehand from the texts."""

from __future__ import annotations

PEAK = 0.9
"""Probability that a judge gives to its verdict; the other options share the rest."""


def opinion(prompt: str) -> str:
    """The longer answer is better; an answer is worth its words; an answer with `yes` passes."""
    if "[The Start of Answer A]" in prompt:
        return compared(_between(prompt, "Answer A"), _between(prompt, "Answer B"))
    answer = _between(prompt, "the Answer")
    return str(scored(answer)) if "from 1 to 5" in prompt else str(int(passes(answer)))


def compared(one: str, two: str) -> str:
    return "C" if len(one) == len(two) else "A" if len(one) > len(two) else "B"


def scored(answer: str) -> int:
    return min(5, max(1, len(answer.split())))


def passes(answer: str) -> bool:
    return "yes" in answer


def spread(best: int, options: int) -> list[float]:
    """Probabilities with their peak at `best`."""
    rest = (1 - PEAK) / (options - 1)
    return [PEAK if index == best else rest for index in range(options)]


def _between(prompt: str, name: str) -> str:
    text = prompt.partition(f"[The Start of {name}]\n")[2]
    return text.partition(f"[The End of {name}]")[0].strip()
