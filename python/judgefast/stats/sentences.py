"""The published rule that turns numbers into sentences (`docs/statistics.md`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.stats.rules import (
    BIAS_MIN_CLUSTERS,
    BIAS_MIN_LEAN,
    EVEN,
    FOLLOWS_POSITION_SHARE,
    SIGN_MIN_CLUSTERS,
)
from judgefast.stats.slice_names import slice_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from judgefast.stats.estimate import Estimate
    from judgefast.stats.position import PositionBias


class Finding(msgspec.Struct, frozen=True):
    """One sentence that the numbers of a run support."""

    kind: str
    """`follows_position`, `may_follow_position`, `leans_first`, `leans_second`, `winner` or
    `no_winner`."""
    text: str


NO_WINNER = {
    "follows_position": "this judge follows the position, not the answer",
    "may_follow_position": "this judge may follow the position, not the answer",
}
"""Findings about position under which no winner is called, and why."""


def findings(bias: PositionBias | None, estimates: Iterable[Estimate]) -> list[Finding]:
    """Say what the position bias and the win rates of a run allow to be said.

    At most one finding about position, then one about the winner of each pair of models.

    Args:
        bias: Of the run; None where no two answers were shown together.
        estimates: Of the run; only `win_rate` of pairs, not of slices of `meta`, is read. Where
            there are several aspects, `overall` takes its place.

    """
    said = []
    position = position_finding(bias) if bias is not None else None
    if position is not None:
        said.append(position)
    known = list(estimates)
    pairs = [one for one in known if _is_pair(one, "overall")]
    pairs = pairs or [one for one in known if _is_pair(one, "win_rate")]
    if pairs and position is not None and position.kind in NO_WINNER:
        because = NO_WINNER[position.kind]
        return [*said, Finding("no_winner", f"No winner is called because {because}.")]
    return said + [_winner(one) for one in pairs]


def position_finding(bias: PositionBias) -> Finding | None:
    """One sentence where the direction raises an alert, else None.

    The judge *follows* the position if moreover at least half of the comparisons were decided by
    the same position in both orders; else it *leans*. Where but for the number of clusters it
    could be said to follow, it *may* follow.
    """
    direction = bias.direction
    if direction.value is None:
        return None
    if not bias.direction_alert:
        return _may_follow(bias)
    place = "first" if direction.value > 0 else "second"
    same = bias.same_position_rate
    if same.value is not None and same.value >= FOLLOWS_POSITION_SHARE:
        text = (
            "This judge follows the position, not the answer: in "
            f"{_percent(same.value)} of {same.outcomes} comparisons it chose the same position in "
            f"both orders, and overall the answer shown {place} more often than its due."
        )
        return Finding("follows_position", text)
    share = direction.value if place == "first" else -direction.value
    text = (
        f"This judge leans to the answer shown {place}: it chose that one in "
        f"{_percent(EVEN + share)} of its verdicts (ties count half), where a judge without "
        f"position bias chooses it in 50 %{_sides(direction)}."
    )
    return Finding(f"leans_{place}", text)


def _may_follow(bias: PositionBias) -> Finding | None:
    """Say that there are too few clusters for the alert, if at least half go by position."""
    direction, same = bias.direction, bias.same_position_rate
    if direction.clusters >= BIAS_MIN_CLUSTERS or abs(direction.value or 0) < BIAS_MIN_LEAN:
        return None
    if same.value is None or same.value < FOLLOWS_POSITION_SHARE:
        return None
    text = (
        f"This judge may follow the position, not the answer: in {_percent(same.value)} of "
        f"{same.outcomes} comparisons it chose the same position in both orders; "
        f"{_clusters(direction.clusters)} cannot tell it from chance, it takes "
        f"{BIAS_MIN_CLUSTERS}."
    )
    return Finding("may_follow_position", text)


def _winner(rate: Estimate) -> Finding:
    parts = slice_parts(rate.slice)
    candidate, baseline = parts["candidate"], parts["baseline"]
    if rate.value is None or rate.low is None or rate.high is None:
        text = f"No winner is called because {candidate} against {baseline}: {rate.note}."
        return Finding("no_winner", text)
    what = "win rate" if rate.name == "win_rate" else "overall win rate"
    ends = f"{_percent(rate.low)} to {_percent(rate.high)}"
    if rate.low <= EVEN <= rate.high:
        text = (
            f"No winner is called because the {what} of {candidate} against {baseline}, "
            f"{_percent(rate.value)}, has an interval ({ends}) that contains one half."
        )
        return Finding("no_winner", text)
    if rate.clusters < SIGN_MIN_CLUSTERS:
        text = (
            f"No winner is called because the {what} of {candidate} against {baseline}, "
            f"{_percent(rate.value)} ({ends}), is that of {_clusters(rate.clusters)}: "
            f"fewer than {SIGN_MIN_CLUSTERS} may all say the same by chance."
        )
        return Finding("no_winner", text)
    verb = "wins" if rate.low > EVEN else "loses"
    text = f"{candidate} {verb} against {baseline}: {what} {_percent(rate.value)} ({ends})."
    return Finding("winner", text)


def _is_pair(one: Estimate, name: str) -> bool:
    parts = slice_parts(one.slice)
    is_of_meta = any(key.startswith("meta.") for key in parts)
    return one.name == name and "candidate" in parts and not is_of_meta


def _clusters(number: int) -> str:
    return "1 cluster" if number == 1 else f"{number} clusters"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _sides(direction: Estimate) -> str:
    if direction.low is None or direction.high is None:
        return ""
    ends = sorted(
        EVEN + (end if (direction.value or 0) > 0 else -end)
        for end in (direction.low, direction.high)
    )
    return f" ({100 * direction.level:.6g}% interval {_percent(ends[0])} to {_percent(ends[1])})"
