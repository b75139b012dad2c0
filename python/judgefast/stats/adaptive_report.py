"""What adaptive orders saved in a run, and the bias that they could have left without an audit."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from judgefast.stats.adaptive_found import AdaptiveReport, Left, Requests
from judgefast.stats.estimate import Estimate
from judgefast.stats.rules import AUDIT_MIN_CLUSTERS
from judgefast.stats.sentences import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.stats.adaptive import AdaptiveOutcomes
    from judgefast.stats.measurement import Measurement
    from judgefast.stats.slices import JudgedItems

WIDE = 1.25
"""From this ratio of widths on a report says what the saved requests cost: so much wider an
interval takes half as many questions again."""


def adaptive_report(  # noqa: PLR0913 - what was measured, and by keyword how
    measured: Sequence[Measurement],
    adaptive: AdaptiveOutcomes,
    items: JudgedItems,
    *,
    level: float,
    sure: float,
    audit: float,
    repeats: int = 1,
    requests: Requests | None = None,
) -> AdaptiveReport:
    """Say what a run with adaptive orders saved, and what its audit found.

    Args:
        measured: Every mean of the run, the headline first, as `measure` gives them with the
            same `adaptive`.
        adaptive: How the outcomes came about, of comparisons that were judged.
        items: The judged items.
        level: Confidence level, in (0, 1).
        sure: Confidence of a first answer from which on it closed.
        audit: Share of the clusters that were to be audited.
        repeats: Of each comparison.
        requests: What was sent, and what was not; None: each judgment has a request of its own.

    """
    closed = adaptive.closed.astype(np.int64)
    comparisons, shut = repeats * len(closed), int(closed.sum())
    seen = int(closed[adaptive.audited].sum())
    clusters = items.cluster_id64[adaptive.alone.item]
    sent = requests or Requests(2 * comparisons, shut - seen, seen)
    left = [_left(one, level) for one in measured if one.audit is not None and one.audit.closed]
    found = AdaptiveReport(
        sure=sure,
        audit=audit,
        comparisons=comparisons,
        open=comparisons - shut,
        closed=shut,
        audited=seen,
        clusters=len(np.unique(clusters)),
        audited_clusters=len(np.unique(clusters[adaptive.audited & (closed > 0)])),
        requests_both=sent.both,
        requests_asked=sent.both - sent.saved,
        requests_saved=sent.saved,
        requests_audit=sent.audit,
        saved=sent.saved / max(sent.both, 1),
        audit_cost=sent.audit / max(sent.both, 1),
        open_share=(comparisons - shut) / max(comparisons, 1),
        left=left,
        findings=[],
    )
    return msgspec.structs.replace(found, findings=_findings(found))


def _left(one: Measurement, level: float) -> Left:
    """Take what the audit corrected of a mean."""
    audit, moments = one.audit, one.moments
    assert audit is not None
    value, low, high, wider = None, None, None, None
    share, note = audit.closed_share, audit.note
    if audit.corrects:
        spread = audit.spread(moments.clusters)
        value = spread.change
        if audit.clusters >= AUDIT_MIN_CLUSTERS:
            from scipy.special import stdtrit  # noqa: PLC0415 - heavy, only where it is used

            reach = spread.change_error * float(stdtrit(audit.freedom, (1 + level) / 2))
            low, high = max(value - reach, -audit.reach), min(value + reach, audit.reach)
            wider = hypot(spread.own, spread.audit) / spread.own if spread.own else None
        elif not note:
            note = f"only {audit.clusters} clusters were audited: too few for an interval"
    change = Estimate(
        name="order_change",
        slice=one.slice,
        value=value,
        low=low,
        high=high,
        level=level,
        method="undefined" if low is None else "cluster-t",
        unit="cluster",
        clusters=audit.clusters,
        outcomes=audit.rows,
        missing=0,
        note=note,
    )
    of_all = [None if each is None else each * share for each in (value, low, high)]
    return Left(
        name=one.name,
        slice=one.slice,
        closed_share=share,
        audited=audit.rows,
        audited_clusters=audit.clusters,
        difference=change,
        bias=msgspec.structs.replace(
            change, name="order_bias", value=of_all[0], low=of_all[1], high=of_all[2]
        ),
        wider=wider,
    )


def _findings(found: AdaptiveReport) -> list[Finding]:
    """Say it in words."""
    said = [
        Finding(
            "adaptive_saved",
            f"The first order left {100 * found.open_share:.3g} % of {found.comparisons:,} "
            f"comparisons open. {100 * found.saved:.3g} % of the requests of both orders were not "
            f"asked; {100 * found.audit_cost:.3g} % went to the audit.",
        )
    ]
    if not found.left:
        return said
    first = found.left[0]
    bias, what = first.bias, f"`{first.name}` ({first.slice})"
    if bias.value is None or bias.low is None or bias.high is None:
        return [*said, Finding("adaptive_unaudited", f"Of {what}: {bias.note}.")]
    wrong = f"{bias.value:+.3f} [{bias.low:+.3f}, {bias.high:+.3f}]"
    text = f"Second orders that were not asked would have moved {what} by {wrong}; "
    said.append(Finding("adaptive_bias", text + "the estimate has that in it."))
    if first.wider is not None and first.wider >= WIDE:
        text = f"What was saved is paid for: the interval of {what} is about {first.wider:.2g} "
        text += "times as wide as both orders everywhere would leave it."
        said.append(Finding("adaptive_wider", text))
    return said
