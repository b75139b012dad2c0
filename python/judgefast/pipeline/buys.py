"""How many items an amount of money buys at a judge that is paid by the token: a run not begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.batches.sending import in_order
from judgefast.costs.budget import parse_budgets
from judgefast.pipeline.by_token import most_usd_of, paid_engine
from judgefast.pipeline.meter import price_of_tokens
from judgefast.pipeline.metered import spent_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from judgefast.config import RunConfig
    from judgefast.journal.run_directory import RunDirectory
    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.plan import RunPlan
    from judgefast.verdicts.table import VerdictTable

BYTES_A_TOKEN = 4.2
"""Of most texts, where the judge's tokenizer is not known."""


class Buys(NamedTuple):
    """What the least amount of money that was given buys of what would be asked."""

    surely: int
    """Items, whatever the server counts."""
    likely: int
    """Items, where it counts as many tokens as texts mostly have."""
    items: int
    """All that would be asked."""
    price: str
    """Of a token, with its day."""

    @property
    def words(self) -> str:
        """For a person.

        >>> Buys(12, 50, 200, "$0.10 for 1 million prompt tokens, as given").words
        'likely 50 of 200 items, surely 12: $0.10 for 1 million prompt tokens, as given'
        """
        return (
            f"likely {self.likely:,} of {self.items:,} items, surely {self.surely:,}: {self.price}"
        )


def buys_of(  # noqa: PLR0913, PLR0917 - the parts of a run
    config: RunConfig,
    directory: RunDirectory | None,
    judge: Judge,
    plan: RunPlan,
    rows: NDArray[np.uint32],
    table: VerdictTable,
    texts: Path,
) -> Buys | None:
    """Say what is bought; None where no money is given, or the judge is not paid by the token.

    Args:
        config: Options in force.
        directory: The run, where there is one.
        judge: Who is asked.
        plan: What is asked.
        rows: Rows of it, ascending.
        table: Its journal.
        texts: Folder that holds `rows/` with texts.

    Raises:
        ConfigError: As for `meter.price_of_tokens`.

    """
    amounts = [one.amount for one in parse_budgets(config.budget) if one.unit == "usd"]
    if not amounts:
        return None
    price, engine = price_of_tokens(config, judge.engine), paid_engine(judge.engine)
    if price is None or engine is None:
        return None
    left = min(amounts)
    if directory is not None:
        spent = spent_of(directory, table.answers, directory.launches())
        left -= spent.of("usd") + spent.unseen_usd
    most = most_usd_of(plan, rows, judge, texts, engine, price)
    sent = in_order(plan.columns, rows)
    of_item = plan.columns.item[sent]
    ends = np.flatnonzero(np.append(of_item[1:] != of_item[:-1], True)) if len(sent) else sent

    def bought(usd: NDArray[np.float64]) -> int:
        of_row = np.zeros(len(plan))
        of_row[rows] = usd
        return int(np.count_nonzero(np.cumsum(of_row[sent])[ends] <= left))

    return Buys(
        surely=bought(most.whole),
        likely=bought(most.tokens / BYTES_A_TOKEN + most.replies),
        items=len(ends),
        price=str(price),
    )
