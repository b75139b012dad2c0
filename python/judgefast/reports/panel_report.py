"""What the report of several judges holds: a row for each, and what they say together."""

from __future__ import annotations

import msgspec

from judgefast.reports.families import JudgeFamilies  # noqa: TC001 - as below
from judgefast.reports.report import Counts  # noqa: TC001 - as below
from judgefast.stats.agreed import Agreement, EffectiveJudges  # noqa: TC001 - as below
from judgefast.stats.estimate import Estimate  # noqa: TC001 - msgspec reads it to decode

PANEL_FORMAT = 1
"""Version of the JSON form. Fields are added, never renamed; a change of meaning raises it."""

MOST_PAIRS = 45
"""Pairs of judges that a person is told of, all of ten judges; JSON has every one."""

PER = 1000
"""Verdicts that costs are given for."""


class JudgeCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one judge has cost so far, over all starts; None where it is not known."""

    seconds: float | None = None
    """Wall time of judging."""
    cpu_seconds: float | None = None
    """Of the processes of an engine on this machine, while it judged."""
    gpu_hours: float | None = None
    """Paid for: all GPUs, from start to end. None where no accelerator was named or used."""
    usd: float | None = None
    """None where there is no price."""
    price: str | None = None
    """Which price that is, and of what day."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    verdicts: int = 0
    """Judgments that were parsed; what follows is for 1,000 of them."""
    untimed: int = 0
    """Judgments of starts that were killed, or are at work: their time is not in `seconds` and
    `cpu_seconds`, and they are not counted in what follows of these."""
    seconds_per_1000: float | None = None
    cpu_seconds_per_1000: float | None = None
    gpu_hours_per_1000: float | None = None
    usd_per_1000: float | None = None


class JudgeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One judge."""

    name: str
    path: str
    """Its run directory, as it was opened."""
    engine: str
    model: str
    judge: str
    """Model and digest of its weights; over HTTP the served name."""
    rubric: str
    rule: str
    orders: str
    counts: Counts
    headline: Estimate | None
    """The first estimate of its report."""
    accuracy: Estimate | None = None
    """None where there is no gold."""
    estimates: list[Estimate] = []
    """The headline and those of its name for other models."""
    direction: Estimate | None = None
    """Position bias: above 0 toward the answer shown first. None where nothing was compared."""
    flip_rate: Estimate | None = None
    mean_confidence: float | None = None
    """Over its outcomes, by label probabilities; None where none were read."""
    self_judging: str | None = None
    """What is to be said of answers of its own family; None where there are none."""
    families: JudgeFamilies | msgspec.UnsetType = msgspec.UNSET
    """Its families beside the candidates', and what could not be compared; as of one run."""
    cost: JudgeCost
    findings: list[str] = []
    """Sentences of its own report, the weightiest first."""
    incomplete: str | None = None
    """What is missing of it, for a person; None where it is complete."""
    only: int = 0
    """Outcomes that it alone was asked for."""


class TogetherRow(msgspec.Struct, frozen=True, kw_only=True):
    """What all judges say as one."""

    name: str
    """`majority` or `mean`."""
    headline: Estimate | None
    accuracy: Estimate | None = None
    estimates: list[Estimate] = []
    """As of a judge."""
    undecided: int = 0
    """Units with a value of every judge on which the majority is tied."""


class Levels(msgspec.Struct, frozen=True, kw_only=True):
    """On how many units the judges agree how far, by the guides' cuts."""

    high: int
    medium: int
    low: int
    held_back: int = 0
    """Of `medium`: all judges say the same, but a judge's own orders or repeats chose different
    answers."""
    none: int
    """With a value of fewer than two judges, or with none that a judge gave."""


class Joining(msgspec.Struct, frozen=True, kw_only=True):
    """What was joined. A unit is a comparison, or a scored answer, by one aspect."""

    units: int
    """Of all judges, each once: all + some + one."""
    asked_of_all: int
    """That every judge was asked for."""
    asked_of_some: int
    """That two judges or more were asked for, and not all."""
    asked_of_one: int
    valued_by_all: int
    """Of `units`, those with a value of every judge: the rows of majority and mean."""
    valued_by_some: int
    """Of `units`, those with a value of one judge or more, and not of all."""
    valued_by_none: int
    unseen: int = 0
    """Of `units`, those that an empty answer lost without a judge. They have a value, and are in no
    agreement, level or worth."""


class PanelReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known of several judges of one data set."""

    format: int = PANEL_FORMAT
    panel: str
    """Name of its directory; of finished runs that were joined, empty."""
    mode: str
    items: int
    level: float
    judges: list[JudgeRow]
    not_started: list[str] = []
    """Judges that have no run yet."""
    silent: list[str] = []
    """Judges that gave no value at all: nothing below asks for one of theirs."""
    together: list[TogetherRow]
    joining: Joining
    agreement: Agreement | None
    """None where one judge alone has begun, or there are several aspects."""
    agreement_by_aspect: dict[str, Agreement] = {}
    """Of each aspect by itself, where rubrics have several: their difference is no agreement."""
    levels: Levels
    effective: EffectiveJudges | None = None
    """None where there is no gold, one judge, or several aspects."""
    disagreements: int = 0
    """Units of the levels `low` and `medium`: those that a person should look at."""
    disagreements_file: str | None = None
    """Where they are listed."""
    listed: int = 0
    """How many of them are."""
    findings: list[str] = []
    """Sentences for a person."""

    @property
    def incomplete(self) -> str | None:
        """What is missing, for a person; None where nothing is."""
        parts = [f"{row.name}: {row.incomplete}" for row in self.judges if row.incomplete]
        parts += [f"{name}: not started" for name in self.not_started]
        return "; ".join(parts) or None
