"""How many judges that err independently a panel is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.stats.estimate import Estimate
from judgefast.stats.rules import LEVEL
from judgefast.stats.sentences import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


class EffectiveJudges(msgspec.Struct, frozen=True, kw_only=True):
    """What the correlation of errors leaves of the number of judges."""

    judges: list[str]
    """Whose errors vary."""
    left_out: list[str]
    """Whose errors do not: never wrong, or always by the same."""
    units: int
    value: Estimate
    """`effective_judges`."""
    mean_correlation: Estimate
    """`error_correlation`."""
    pairs: dict[str, float]
    """Correlation of the errors of each two judges, `A, B`."""
    finding: Finding


def effective_judges(
    errors: NDArray[np.float64],
    clusters: NDArray[np.uint64],
    judges: Sequence[str],
    *,
    level: float = LEVEL,
) -> EffectiveJudges:
    """Count them."""
    raise NotImplementedError
