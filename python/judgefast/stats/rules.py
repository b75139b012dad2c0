"""Every number that a published rule of `docs/statistics.md` turns on."""

from __future__ import annotations

LEVEL = 0.95
"""Default confidence level of every interval."""

SMALL_COUNT = 10
"""Under this many clusters of either outcome: Clopper-Pearson; from it on: Wilson."""

FEW_CLUSTERS = 40
"""Under this many clusters Student's t takes the place of the normal."""

SIGN_MIN_CLUSTERS = 6
"""Under this many clusters no winner is called, and alike clusters are not taken for certainty:
if all of five say the same, chance alone makes 2 * 2^-5 = 6 % of it; of six, 3 %."""

ALIKE_ERROR = 0.001
"""So few clusters are alike if their standard error is under this share of the scale, which is the
last digit that is printed."""

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
"""Win rate of two equal sides; a winner is called only where the interval excludes it, and only
from `SIGN_MIN_CLUSTERS` clusters on."""

MOSTLY_CHANCE = 0.8
"""From this chance agreement on, the share that two judges agree in is said to say little."""

ALPHA_RELIABLE = 0.8
ALPHA_TENTATIVE = 0.667
"""Krippendorff 2004, p. 241: rely on values with alpha of at least the one; draw only tentative
conclusions from there down to the other, and none below."""
AUDIT_MIN_CLUSTERS = 6
"""Fewer audited clusters, of those that the first order closed, give no interval: if all of five
come out better by the second, chance alone makes 2 * 2^-5 = 6 % of it; of six, 3 %."""
