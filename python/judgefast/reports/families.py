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
    strange: list[str] = []
    """Those of them that are no family that is known, nor in any candidate's name."""
    base_unknown: bool = False
    """The judge was trained from another model, of which nothing is known."""
    own: list[OwnAnswers] = []
    unknown: dict[str, int] = {}
    """Answers by candidates whose family, or whose base's, is not known, by candidate."""
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
    """Say that the judge has judged its own, where it has, and what was given and is not known."""
    words = [strange_words(found)] if found.strange else []
    if not found.own:
        return words
    own = (
        f"The judge judged its own family: {own_words(found)}. Judges tend to rate their own "
        "family higher than others do: what is said of these candidates may be too good, and too "
        "bad of those beside them."
    )
    return [own, *words]


def strange_words(found: JudgeFamilies) -> str:
    """Say which words of `--family` could be compared with no candidate's family."""
    words = ", ".join(f"`{name(word)}`" for word in found.strange)
    is_one = len(found.strange) == 1
    return (
        f"--family names {words}, which {'is' if is_one else 'are'} not known: no family, no model "
        "and no maker of that name, and no candidate's name holds it. Whether the judge judged its "
        "own family is not known."
    )


def family_words(found: JudgeFamilies) -> str:
    """Say in a line what is known of families, and what could not be checked."""
    if not found.families and not found.own:
        return "of the judge not known, so not compared with candidates' (--family says it)"
    said = " by --family" if found.given else ""
    parts = [", ".join(map(name, found.families)) + said if found.families else "not known"]
    if found.strange:
        words = ", ".join(map(name, found.strange))
        parts.append(f"not known what {words} is, so not compared with candidates'")
    if found.base_unknown:
        parts.append("its base not known, so not compared with candidates' (--family says it)")
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
