"""Rubrics with several aspects, written for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CRITERIA = {
    "clarity": "Is the reply easy to follow?",
    "tone": "Is the reply friendly?",
    "truth": "Is what the reply says true?",
}
SCALES = {"clarity": (1, 3), "tone": (1, 5), "truth": (0, 1)}


def several(
    *names: str,
    template: str = "",
    verdict: str = 'name = "label"',
    blocks: str = "",
    more: str = "",
) -> str:
    """A scalar rubric with these aspects; `template` are further keys of its table."""
    aspects = ""
    for name in names:
        low, high = SCALES[name]
        aspects += (
            f'[[aspects]]\nname = "{name}"\ncriterion = "{CRITERIA[name]}"\nweight = {low + 1}\n'
        )
        aspects += f"[aspects.scale]\nlow = {low}\nhigh = {high}\n"
    blocks = blocks or (
        '[[template.blocks]]\ntext = "What counts:\\n{criterion}\\n{scale}"\n'
        '[[template.blocks]]\ntext = "[Question]\\n{question}\\n[The end of the question]"\n'
        '[[template.blocks]]\ntext = "[Reply]\\n{answer}\\n[The end of the reply]"\n'
        '[[template.blocks]]\ntext = "Your verdict:"\n'
    )
    return (
        f'name = "several"\nmode = "scalar"\n{more}{aspects}[template]\n{template}\n{blocks}'
        f"[verdict]\n{verdict}\n"
    )


def on_scales(path: Path, **scales: str) -> str:
    """Write a rubric of aspects that are scored in JSON, each on its `scale` in TOML."""
    aspects = "".join(
        f'[[aspects]]\nname = "{aspect}"\ncriterion = "How good?"\nscale = {scale}\n'
        for aspect, scale in scales.items()
    )
    text = r"[Question]\n{question}\n[Answer]\n{answer}\n[Aspect]\n{criterion}\n{scale}"
    form = f'[[template.blocks]]\ntext = "{text}"\n[verdict]\nname = "json"\n'
    path.write_text(f'name = "{path.stem}"\nmode = "scalar"\n{aspects}{form}', "utf-8")
    return str(path)


JSON = 'name = "json"\nreason_field = "reason"'
TOGETHER = 'aspects = "together"'
