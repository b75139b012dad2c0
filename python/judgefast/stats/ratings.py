"""What several judges gave for the same units, as agreement is measured on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.codes import AlphaScale

_MISSING = -1


class Ratings(NamedTuple):
    """Values of n units by m judges."""

    values: NDArray[np.float64]
    """NaN where a judge gave none. Shape (n, m)."""
    clusters: NDArray[np.uint64]
    """Resampling id of each unit. Shape (n,)."""
    judges: Sequence[str]
    """Names, each once. Shape (m,)."""
    scale: AlphaScale = "nominal"
    categories: tuple[float, ...] | None = None
    """Every value of the scale, ascending, not only those that were given. None: any number is one,
    so that no two judges can be expected to give the same."""
    names: tuple[str, ...] | None = None
    """What the categories are called; None for their numbers."""

    def check(self) -> None:
        """Refuse what no agreement can be measured on.

        Raises:
            ColumnError: Shapes that do not fit, a judge named twice, categories that do not
                ascend or are not named one by one, or a value that is no category of a scale
                without distances.

        """
        _check_shapes(self)
        _check_categories(self)
        known = self.values[~np.isnan(self.values)]
        if not np.isfinite(known).all():
            message = "`values` holds an infinite number"
            raise ColumnError(message, hint="a judge without a value has NaN")
        if self.categories is None or self.scale == "interval":
            return
        off = ~np.isnan(self.values) & (self.nearest() != self.values)
        if off.any():
            unit, judge = (int(place[0]) for place in np.nonzero(off))
            message = f"unit {unit} has {self.values[unit, judge]:g} by judge "
            message += f"`{self.judges[judge]}`; the scale has {', '.join(self.called)}"
            raise ColumnError(message, hint="give every category, or the scale `interval`")

    @property
    def called(self) -> tuple[str, ...]:
        """What each category is called."""
        if self.names is not None:
            return self.names
        return tuple(f"{one:g}" for one in self.categories or ())

    def codes(self) -> NDArray[np.int32]:
        """Place of the nearest category, the lower of two as near; -1 where there is no value.

        Shape (n, m). Only where there are categories.
        """
        steps = self._steps()
        middles = (steps[1:] + steps[:-1]) / 2
        found = np.searchsorted(middles, self.values).astype(np.int32)
        found[np.isnan(self.values)] = _MISSING
        return found

    @property
    def rounded(self) -> int:
        """How many values are not a category themselves; of those that were checked."""
        if self.categories is None or self.scale != "interval":
            return 0
        return int((~np.isnan(self.values) & (self.nearest() != self.values)).sum())

    def nearest(self) -> NDArray[np.float64]:
        """Nearest category, the lower of two as near; NaN where there is no value. Shape (n, m).

        Only where there are categories.
        """
        codes = self.codes()
        return np.where(codes == _MISSING, np.nan, self._steps()[codes])

    def on(self, scale: AlphaScale) -> Ratings:
        """Take the same values on another scale: without distances, each for the nearest category.

        Raises:
            ColumnError: There are no categories, and the scale has no distances.

        """
        has_steps = scale != "interval" and self.categories is not None
        moved = self._replace(scale=scale, values=self.nearest() if has_steps else self.values)
        _check_categories(moved)
        return moved

    def _steps(self) -> NDArray[np.float64]:
        return np.array(self.categories, dtype=np.float64)


def scale_of_scores(values: NDArray[np.float64], steps: tuple[float, ...] | None) -> AlphaScale:
    """Which scale scores are on: ordinal where each is a step, interval where any is not.

    Args:
        values: NaN where a judge gave none.
        steps: Of the scale; None where any number is one.

    """
    if steps is None:
        return "interval"
    known = values[~np.isnan(values)]
    return "ordinal" if np.isin(known, np.array(steps)).all() else "interval"


def _check_shapes(ratings: Ratings) -> None:
    judges = list(ratings.judges)
    if ratings.values.ndim != 2 or ratings.values.shape[1] != len(judges):  # noqa: PLR2004 - a table
        message = f"`values` has shape {ratings.values.shape}, but there are {len(judges)} judges"
        raise ColumnError(message, hint="one row a unit, one column a judge")
    if ratings.clusters.shape != ratings.values.shape[:1]:
        message = f"`clusters` has shape {ratings.clusters.shape}, "
        message += f"but there are {len(ratings.values)} units"
        raise ColumnError(message)
    twice = sorted({one for one in judges if judges.count(one) > 1})
    if twice:
        message = f"`judges` names `{twice[0]}` more than once"
        raise ColumnError(message, hint="give each judge a name of its own")


def _check_categories(ratings: Ratings) -> None:
    steps = ratings.categories
    if steps is None:
        if ratings.scale != "interval":
            message = f"a {ratings.scale} scale without `categories`"
            raise ColumnError(message, hint="give every value that a judge may give")
        return
    if not steps or not np.isfinite(steps).all() or any(np.diff(steps) <= 0):
        message = f"`categories` are {steps}; they must ascend"
        raise ColumnError(message)
    if ratings.names is not None and len(ratings.names) != len(steps):
        message = f"`names` has {len(ratings.names)} entries for {len(steps)} categories"
        raise ColumnError(message)
