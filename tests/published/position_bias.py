"""Position-Bias-Analyzer (Shi et al. 2024, arXiv:2406.07791): its outputs and its own figures."""

from __future__ import annotations

from typing import Any

JUDGES = ("claude-3-haiku-20240307", "gemini-pro", "gpt-3.5-turbo-0125")
FIRST_MARK = [(r"\[\[A\]\]", "A"), (r"\[\[B\]\]", "B"), (r"\[\[[CD]\]\]", "C")]


def recorded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Twins become one item with two orders; `a` is the model that comes first by name."""
    out = []
    for row in rows:
        one, two = sorted((row["model_a"], row["model_b"]))
        out.append(
            {
                "id": f"{row['question']} {one} {two}",
                "cluster": row["question"],
                "order": "ab" if row["model_a"] == one else "ba",
                "repeat": row["rep"] - 1,
                "text": row["text"],
                "model_a": one,
                "model_b": two,
            }
        )
    return out


def cell(said: dict[tuple[str, bool, int], str | None], repeat: int) -> dict[str, int]:
    """The source's figures: a verdict whose twin has none counts as consistent."""
    verdicts = {key: verdict for key, verdict in said.items() if key[2] == repeat}
    read = {key: verdict for key, verdict in verdicts.items() if verdict is not None}
    consistent = [
        verdicts[item, not swapped, repeat] in {None, verdict}
        for (item, swapped, repeat), verdict in read.items()
    ]
    return {"n": len(verdicts), "extracted": len(read), "consistent": sum(consistent)}
