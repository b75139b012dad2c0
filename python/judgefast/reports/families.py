"""What a report says of a judge that is, or may be, of the family of those it judges."""

from __future__ import annotations

import msgspec

from judgefast.reports.words import name, plural

MOST = 5
"""Candidates that are named in a sentence."""


class OwnAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate of the judge's own family."""

    model: str
    answers: int
    families: list[str]
    """That both are of; none where it is the same model under any name, of no known family."""


class JudgeFamilies(msgspec.Struct, frozen=True, kw_only=True):
    """The judge's families beside those of the candidates, as far as names tell."""

    judge: str
    """Name of the judge model."""
    families: list[str] = []
    """None where they are not known: then nothing could be checked."""
    given: bool = False
    """They are what `--family` says, not what the name does."""
    own: list[OwnAnswers] = []
    unknown: dict[str, int] = {}
    """Answers by candidates whose family is not known, by candidate."""
    unnamed: int = 0
    """Answers that name no model."""


def own_words(found: JudgeFamilies) -> str:
    """Name the candidates of the judge's own family, and how many answers are theirs.

    >>> own = OwnAnswers(model="m", answers=2, families=["qwen"])
    >>> own_words(JudgeFamilies(judge="j", own=[own]))
    '2 answers of `m` (qwen)'
    """
    parts = [
        f"{plural(one.answers, 'answer')} of `{name(one.model)}`"
        f" ({', '.join(map(name, one.families)) or 'the judge itself'})"
        for one in found.own[:MOST]
    ]
    more = len(found.own) - MOST
    return ", ".join(parts) + (f" and {more:,} candidates more" if more > 0 else "")


def family_finding(found: JudgeFamilies) -> list[str]:
    """Say that the judge has judged its own, where it has."""
    if not found.own:
        return []
    words = (
        f"The judge judged its own family: {own_words(found)}. Judges tend to rate their own "
        "family higher than others do: what is said of these candidates may be too good, and too "
        "bad of those beside them."
    )
    return [words]


def family_words(found: JudgeFamilies) -> str:
    """Say in a line what is known of families, and what could not be checked."""
    if not found.families and not found.own:
        return "of the judge not known, so not compared with candidates' (--family says it)"
    said = " by --family" if found.given else ""
    parts = [", ".join(map(name, found.families)) + said if found.families else "not known"]
    if found.own:
        parts.append(f"its own among the candidates: {own_words(found)}")
    if found.unknown:
        names = [name(model) for model in found.unknown][:MOST]
        more = len(found.unknown) - len(names)
        listed = ", ".join(names) + (f" and {more:,} more" if more else "")
        answers = plural(sum(found.unknown.values()), "answer")
        parts.append(f"not known of {listed} ({answers}), which could not be compared")
    if found.unnamed:
        parts.append(f"{plural(found.unnamed, 'answer')} of no named model, not compared")
    if len(parts) == 1:
        parts.append("no candidate is of it")
    return "; ".join(parts)
