"""The budget of a run: what is in force, what is left of it at a start, and where it ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from judgefast.costs.budget import Budget, Spent, Unit, amount_words, parse_budgets, rounded_up
from judgefast.engines.budgeted import Budgeted, Limits
from judgefast.errors import ConfigError
from judgefast.pipeline.budget_report import BUDGET
from judgefast.pipeline.by_token import BY_TOKEN, ByToken, paid_engine
from judgefast.pipeline.directory import options_in_force
from judgefast.pipeline.item_costs import ItemCosts
from judgefast.pipeline.meter import PAID_BY_TOKEN, gpus_of_engine, meter_of, price_of_tokens
from judgefast.pipeline.metered import RENTED, spent_of, utc

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from judgefast.config import RunConfig
    from judgefast.engines.base import Engine
    from judgefast.engines.source import Source
    from judgefast.journal.run_directory import RunDirectory
    from judgefast.pipeline.ask import Asked
    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.plan import RunPlan
    from judgefast.verdicts.table import VerdictTable

OPTIONS = ("budget", "gpu", "price", "provider")
"""Options that a start takes over from the one before it, unless it gives them anew."""

CLOSING_SECONDS = 3.0
"""Of what is rented, kept for closing the engine and reading what came back: measured on the
embedded engine and recorded outputs."""

CLOSING_SECONDS_OF = {"vllm": 7.0}
"""So much more for an engine whose processes are ended, and killed if they do not: until the
memory of a GPU is free. It is set, not measured."""

CLOSING_SECONDS_A_JUDGMENT = 2e-5
"""And so much more for each judgment that is planned."""

_SECONDS_OF_HOUR = 3600
_TIMED: tuple[Unit, ...] = ("gpu_hours", "usd")


def kept_budget(config: RunConfig, directory: RunDirectory) -> RunConfig:
    """Take over what the run was budgeted by, as far as this start does not say it anew.

    Another GPU has another price, so that one of an earlier start goes with the GPU it was of.
    """
    last: dict[str, Any] = directory.manifest.config
    for facts in directory.launches():
        last = facts.get("config", last)
    names = {BUDGET} if config.gpu is not None else {BUDGET, "gpu", "price", "provider"}
    if config.price is not None or config.provider is not None:
        names -= {"price", "provider"}
    kept = {
        name: tuple(last[name]) if name == BUDGET else last[name]
        for name in names
        if getattr(config, name) in {None, ()} and name in last
    }
    return config.replace(**kept)


class StartBudget:
    """What one start may still spend, and the source that stays within it."""

    def __init__(
        self,
        directory: RunDirectory,
        config: RunConfig,
        judge: Judge,
        *,
        began: float,
        say: Callable[[str], None],
    ) -> None:
        """Read what is given; look at nothing else.

        Args:
            directory: The run.
            config: Options of this start.
            judge: Who is asked; its engine has not started.
            began: Monotonic time at which the program began.
            say: Told by what is reckoned.

        Raises:
            ConfigError: As for `meter_of`; or a token has no price by which money could be counted.

        """
        self.config = config = kept_budget(config, directory)
        """With what is taken over from the start before."""
        self.given = parse_budgets(config.budget)
        self._is_said = bool(config.budget)
        self._directory = directory
        self._meter = meter_of(config)
        self._judge, self._engine = judge, judge.engine.name
        self._gpus_given = config.gpu is not None
        self._began = began
        self._say = say
        self._spent = Spent()
        price = price_of_tokens(config, judge.engine)
        paid = None if price is None else paid_engine(judge.engine)
        self._by_token = None if paid is None or price is None else ByToken(directory, paid, price)
        self._beside = 0.0
        self._costs: ItemCosts | None = None
        self._planned = 0
        self._answer_tokens = 0
        self._source: Budgeted | None = None

    def affordable(
        self,
        plan: RunPlan,
        rows: NDArray[np.uint32],
        table: VerdictTable,
        texts: Path | None = None,
    ) -> NDArray[np.uint32]:
        """Rows to ask: those given, or none where the budget is spent, which is recorded.

        Args:
            plan: What is asked.
            rows: Rows of it, ascending.
            table: Its journal.
            texts: Folder that holds `rows/` with texts; needed where `needs_texts`.

        Raises:
            ConfigError: The budget does not buy the first item, and nothing was judged before; or
                it is in tokens, and the tokens of prompts are unknown.

        """
        decodings = self._judge.prompts.decodings
        self._answer_tokens = max(one.most_tokens for one in decodings)
        if not self.given or not len(rows):
            return rows
        self._planned = len(plan)
        if plan.rendered.prompt_tokens is None and self._limit_of("tokens"):
            msg = "a budget in tokens needs prompts whose tokens are known before they are sent"
            hint = "name the judge's --tokenizer, or give a budget of judgments or GPU-hours"
            if self._engine in PAID_BY_TOKEN:
                hint = "give a budget of judgments, as in --budget 10000judgments"
            raise ConfigError(msg, hint=hint)
        by_token = self._by_token
        by = None if by_token is None else by_token.facts()[BY_TOKEN]
        self._spent = spent_of(
            self._directory, table.answers, self._directory.launches(), self._meter.usd, by
        )
        usd = None
        if by_token is not None and texts is not None:
            self._beside = by_token.beside()
            usd = by_token.most_of(plan, rows, self._judge, texts)
        self._costs = ItemCosts(plan, rows, table, decodings, usd)
        if by_token is not None:
            by_token.note_most_of_an_item(self._costs.most_usd)
        budget = self._too_small()
        if budget is None:
            return rows
        if not self._spent.judgments:
            raise self._refused(budget)
        facts = {"config": options_in_force(self.config), BUDGET: self._facts(budget.unit, 0)}
        self._directory.record_launch(facts)
        return rows[:0]

    @property
    def needs_texts(self) -> bool:
        """Whether what is asked is measured before it is sent: money is paid by the token."""
        return self._by_token is not None and self._limit_of("usd") is not None

    def facts(self) -> dict[str, Any]:
        """What this start records before it waits for the engine."""
        gpu, gpus, usd, price = self._meter
        began = time.time() - (time.monotonic() - self._began)
        paid = {
            "began": utc(began),
            "gpu": gpu,
            "gpus": gpus,
            "usd_per_gpu_hour": usd,
            "price": price,
            "answer_tokens": self._answer_tokens,
        }
        by_token = {} if self._by_token is None else self._by_token.facts()
        budget = {BUDGET: self._facts(None, 0)} if self._is_said else {}
        return {RENTED: paid} | by_token | budget

    def ready(self, engine: dict[str, Any]) -> dict[str, Any]:
        """What it records once the engine has started: that may use more GPUs than were said."""
        used = gpus_of_engine(engine)
        if used > self._meter.gpus:
            self._meter = self._meter._replace(gpus=used)
        if self._by_token is not None and self.needs_texts:
            self._say(f"the budget is reckoned at {self._by_token.price}")
        if any(self._is_timed(budget.unit) for budget in self.given):
            self._say_meter(is_known=bool(used) or self._gpus_given)
        facts = self.facts()
        return facts | {RENTED: facts[RENTED] | {"ready": utc(time.time())}}

    def around(self, source: Source, engine: Engine) -> Source:
        """Hold a source to the budget; the same one where there is none."""
        if self._costs is None:
            return source
        ends, by = self._ends()
        left = {unit: self._left(unit) for unit in ("judgments", "tokens")}
        self._source = Budgeted(
            source,
            Limits(
                **{unit: None if most is None else int(most) for unit, most in left.items()},
                ends=ends,
                ends_by=by,
                usd=self._left("usd") if self.needs_texts else None,
            ),
            self._costs,
            rooms={lane.lane: lane.room for lane in engine.lanes},
            bill=self._by_token,
        )
        return self._source

    @property
    def is_limited(self) -> bool:
        """Whether a budget may end this start before it has asked all."""
        return self._costs is not None

    def look_at_the_clock(self) -> bool:
        """Whether what is in flight must be given up; it is noted if so."""
        return self._source is not None and self._source.look_at_the_clock()

    @property
    def reached(self) -> Unit | None:
        """The budget into which nothing more fits."""
        return None if self._source is None else self._source.reached

    def ended(self, asked: Asked) -> dict[str, Any]:
        """What is recorded once nothing more is asked; a run that ended otherwise reached none."""
        is_other = asked.interrupted or asked.lost is not None or asked.unreadable.is_too_high
        reached = None if is_other else self.reached
        facts: dict[str, Any] = {}
        if self._by_token is not None:
            self._by_token.settle(0.0 if self._source is None else self._source.usd_in_flight)
            facts = self._by_token.facts()
        return facts | ({BUDGET: self._facts(reached, asked.given_up)} if self._is_said else {})

    def refuse_nothing(self, judged: int) -> None:
        """Refuse a start by which nothing was judged, since its budget was spent on starting.

        Args:
            judged: Judgments that have an answer.

        Raises:
            ConfigError: That is so.

        """
        if (
            self.reached is not None
            and self._is_timed(self.reached)
            and not judged
            and not self._spent.judgments
        ):
            raise self._refused(self._least(self.reached))

    def _limit_of(self, unit: Unit) -> float | None:
        return min((one.amount for one in self.given if one.unit == unit), default=None)

    def _left(self, unit: Unit) -> float | None:
        limit = self._limit_of(unit)
        if limit is None:
            return None
        left = limit - self._spent.of(unit)
        # What this start has paid before is told again by its bill.
        return left - self._spent.unseen_usd + self._beside if unit == "usd" else left

    def _is_timed(self, unit: Unit) -> bool:
        """Whether what is spent grows with time, whatever is asked."""
        return unit == "gpu_hours" or (unit == "usd" and self._by_token is None)

    def _ends(self) -> tuple[float | None, Unit]:
        """By when everything must have come back, and by which budget."""
        closing = CLOSING_SECONDS + CLOSING_SECONDS_OF.get(self._engine, 0.0)
        closing += CLOSING_SECONDS_A_JUDGMENT * self._planned
        ends: list[tuple[float, Unit]] = []
        rates: dict[Unit, float] = {"gpu_hours": 1.0, "usd": self._meter.usd or 0.0}
        for unit, rate in rates.items():
            left, a_second = self._left(unit), rate * self._meter.gpus / _SECONDS_OF_HOUR
            if left is not None and a_second and self._is_timed(unit):
                ends.append((self._began + left / a_second - closing, unit))
        return min(ends) if ends else (None, "gpu_hours")

    def _too_small(self) -> Budget | None:
        """The budget into which the first item does not fit."""
        assert self._costs is not None
        first = self._costs.first
        costs: dict[Unit, float] = {"judgments": first.judgments, "tokens": first.tokens}
        if self.needs_texts:
            costs["usd"] = first.usd + self._beside
        for unit, cost in costs.items():
            left = self._left(unit)
            if left is not None and cost > left:
                return self._least(unit)
        ends, by = self._ends()
        return self._least(by) if ends is not None and time.monotonic() >= ends else None

    def _least(self, unit: Unit) -> Budget:
        return min((one for one in self.given if one.unit == unit), key=lambda one: one.amount)

    def _refused(self, budget: Budget) -> ConfigError:
        assert self._costs is not None
        first = self._costs.first
        if not self._is_timed(budget.unit):
            cost: float = {
                "judgments": first.judgments,
                "tokens": first.tokens,
                # Another start asks its small question, too.
                "usd": rounded_up(self._spent.of("usd") + self._beside + first.usd),
            }[budget.unit]
            most = "" if budget.unit == "judgments" else "up to "
            why = f"the first item takes {most}{amount_words(cost, budget.unit)}"
            more = f"--budget {Budget(float(cost), budget.unit)}"
        else:
            seconds = time.monotonic() - self._began
            hours = seconds * self._meter.gpus / _SECONDS_OF_HOUR
            used = hours if budget.unit == "gpu_hours" else hours * (self._meter.usd or 0.0)
            gpus = "1 GPU" if self._meter.gpus == 1 else f"{self._meter.gpus} GPUs"
            spent = amount_words(used, budget.unit)
            why = f"the start alone has taken {seconds:.0f} s of {gpus}, {spent}"
            more = "a larger one"
        msg = f"the budget of {budget.words} buys no judgment: {why}"
        return ConfigError(msg, hint=f"nothing was judged; give {more} at least")

    def _facts(self, reached: Unit | None, given_up: int) -> dict[str, Any]:
        return {"given": [*map(str, self.given)], "reached": reached, "given_up": given_up}

    def _say_meter(self, *, is_known: bool) -> None:
        gpus = self._meter.gpus
        machine = f"{gpus} x {self._meter.gpu}" if self._meter.gpu else f"{gpus} GPUs"
        words = f"the budget is reckoned for {machine if is_known else '1 machine'}"
        if self._meter.price is not None and self._meter.usd is not None:
            is_given = self._meter.price == "given"
            words += (
                f" at {f'${self._meter.usd:,.2f}/h, as given' if is_given else self._meter.price}"
            )
        self._say(words if is_known else f"{words}; --gpu KIND:NUMBER says how much is paid for")
