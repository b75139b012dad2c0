"""Every number that a published rule of `docs/statistics.md` turns on."""

from __future__ import annotations

LEVEL = 0.95
"""Default confidence level of every interval."""

SMALL_COUNT = 10
"""Under this many clusters of either outcome: Clopper-Pearson; from it on: Wilson."""

FEW_CLUSTERS = 40
"""Under this many clusters Student's t takes the place of the normal."""

GUIDE_FLIP_RATE = 0.15
"""The guides call a judge position-biased above this flip rate. Shown beside ours, never instead:
a judge without any position bias but with noise flips 14 to 40 % of close pairs."""

BIAS_MIN_CLUSTERS = 20
"""Fewer clusters raise no alert of direction."""

BIAS_MIN_LEANING = 6
"""Nor do fewer clusters that lean to either position: of five, all on one side, chance alone
makes 2 * 2^-5 = 6 %; of six, 3 %."""

BIAS_MIN_LEAN = 0.02
"""Nor does a lean of less than this, however sure: with both orders judged it cancels."""

FOLLOWS_POSITION_SHARE = 0.5
"""From this share of comparisons decided by position alone, a judge follows the position."""

EVEN = 0.5
"""Win rate of two equal sides; a winner is called only where the interval excludes it."""
