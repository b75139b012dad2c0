"""Rubrics with several aspects, written for the tests."""

from __future__ import annotations

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


JSON = 'name = "json"\nreason_field = "reason"'
TOGETHER = 'aspects = "together"'
