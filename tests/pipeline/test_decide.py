"""What `judgefast estimate` answers beside its estimate, from the catalogue's judges and GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import judgefast
from judgefast.catalogue.models import read_models
from judgefast.config import RunConfig
from judgefast.costs.decisions import Decided
from judgefast.costs.reworked import with_items
from judgefast.errors import ConfigError
from judgefast.pipeline.decide import DecisionWishes, decide
from judgefast.pipeline.estimate import Estimated, asked
from judgefast.pipeline.sample import PowerWishes
from judgefast.pipeline.setting import CostWishes
from judgefast.pipeline.ways import Ways
from tests.pipeline.judging import judge_rows, pairs

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.costs.decisions import Decisions, Way

PRICED = DecisionWishes(alternatives=True)
SHAPE = "questions=10000,answers=2,question=100,answer=1000,rubric=500,out=500"


def estimated(*, gpu: str = "H200", price: float | None = 2.0, **options: Any) -> Estimated:
    named = {"rubric": "pairwise-reasons", "model": "Qwen2.5-72B-Instruct", "gpu": gpu}
    config = RunConfig(**named | {"orders": "one"} | options)
    return asked(config, CostWishes(gpu=gpu, price=price), shape=SHAPE)


@pytest.fixture(scope="module")
def worked() -> Estimated:
    """The guide's worked example."""
    return estimated()


@pytest.fixture(scope="module")
def ways(worked: Estimated) -> list[Way]:
    found = decide(worked, DecisionWishes(alternatives=True)).alternatives
    assert found is not None
    return found


def test_alternatives_are_answers_orders_judges_gpus_and_what_others_charge(
    ways: list[Way],
) -> None:
    kinds = list(dict.fromkeys(one.kind for one in ways))
    assert kinds == ["asked", "precision", "answers", "orders", "model", "gpu", "decision", "api"]
    named = [one.name for one in ways if one.kind in {"answers", "orders"}]
    assert named == ["reasons of 60 tokens", "a label, one token", "both orders"]
    assert not any(one.misfit for one in ways)


def test_each_way_is_a_share_of_what_was_asked(worked: Estimated, ways: list[Way]) -> None:
    whole = ways[0]
    assert whole.seconds == worked.estimate().seconds
    for one in ways:
        assert one.times is not None
        assert one.usd is not None
        assert whole.usd is not None
        assert one.times == pytest.approx(one.usd.likely / whole.usd.likely)
    share = {one.name: one.times or 0.0 for one in ways}
    assert 1 > share["reasons of 60 tokens"] > share["a label, one token"]
    assert share["both orders"] > 1


def test_every_price_has_its_day_or_is_the_users_own(ways: list[Way]) -> None:
    assert ways[0].price == "$2.00 a GPU-hour, given"
    for one in ways:
        assert one.price.endswith("given") or "20" in one.price.rsplit(", ", 1)[1]


def test_where_the_verdict_changes_it_is_said(ways: list[Way]) -> None:
    for one in ways:
        is_other = "fp8" in one.placed or "16bit" in one.placed
        assert bool(one.says) == (one.kind not in {"asked", "gpu"} or is_other)
    says = {one.name: one.says for one in ways}
    assert "no reason" in says["a label, one token"]


def test_the_users_price_is_for_his_own_gpu_alone(ways: list[Way]) -> None:
    for one in ways:
        if one.kind == "model":
            assert one.price == "$2.00 a GPU-hour, given"
        if one.kind == "gpu":
            assert not one.price.endswith("given")


def test_the_other_precision_is_priced_and_what_it_changes_is_said() -> None:
    whole, *ways = decide(asked_on("H200", cache="16bit"), PRICED).alternatives or []
    assert (whole.weights, whole.cache) == ("fp8", "16bit")
    [small] = [one for one in ways if one.kind == "precision"]
    assert (small.name, small.weights, small.cache) == ("fp8 KV cache", "fp8", "fp8")
    assert small.times is not None
    assert small.times < 0.9
    assert "verdicts may differ" in small.says
    by_cache = decide(asked_on("H200", cache="fp8"), PRICED)
    [back] = [one for one in by_cache.alternatives or [] if one.kind == "precision"]
    assert (back.name, back.usd) == ("16bit KV cache", whole.usd)
    assert back.says.endswith("those of the model as published")


def asked_on(
    gpu: str, *, model: str = "Qwen2.5-72B-Instruct", shape: str = SHAPE, **wishes: Any
) -> Estimated:
    config = RunConfig(rubric="pairwise-reasons", model=model, gpu=gpu, orders="one")
    return asked(config, CostWishes(gpu=gpu, price=2.0, **wishes), shape=shape)


def test_weights_cache_and_both_are_other_precisions_of_a_judge_that_is_not_rounded() -> None:
    whole = asked_on("H200", model="Qwen2.5-7B-Instruct")
    found = {one.name: one for one in Ways(whole).precisions()}
    assert [*found] == ["fp8 KV cache", "fp8 weights", "fp8 weights and fp8 KV cache"]
    assert not [*Ways(asked_on("A100-80GB", model="Qwen2.5-7B-Instruct")).precisions()]


@pytest.mark.parametrize("answer", [1_000, 10_000])
def test_the_same_judge_keeps_its_precision_on_other_gpus_and_with_other_answers(
    answer: int,
) -> None:
    shape = f"questions=10000,answers=2,answer={answer},out=1"
    whole = asked_on("H200", model="prometheus-7b-v2.0", shape=shape)
    decided = decide(whole, DecisionWishes(alternatives=True)).alternatives or []
    own = (decided[0].weights, decided[0].cache)
    for one in decided:
        if one.kind in {"answers", "orders"}:
            assert (one.weights, one.cache) == own
        if one.kind == "gpu" and (one.weights, one.cache) != own:
            assert "another precision" in one.says
            assert f"{one.weights} weights" in one.placed or f"{one.cache} KV" in one.placed
    reasons = {one.name: one.times or 0.0 for one in decided if one.kind == "answers"}
    assert reasons["reasons of 500 tokens"] > reasons["reasons of 60 tokens"] > 1


def test_a_faster_gpu_of_the_same_family_is_never_slower_for_its_precision(
    ways: list[Way],
) -> None:
    seconds = {one.name: one.seconds.likely for one in ways if one.seconds is not None}
    assert seconds["on B300-SXM"] <= seconds["on B200-SXM"]


def test_where_the_precision_cannot_be_had_the_row_says_which_it_is() -> None:
    ways = Ways(asked_on("H200")).gpus()  # the engine took fp8 weights and cache
    way = next(one for one in ways if one.name.startswith("on A100"))
    assert (way.weights, way.cache) == ("bf16", "16bit")
    assert way.placed.endswith("bf16 weights, 16bit KV cache")
    assert "another precision" in way.says


def test_a_deadline_is_met_by_a_smaller_cache_too() -> None:
    found = late(asked_on("H200", cache="16bit"), 0.85).deadline
    assert found is not None
    [small] = [one for one in found.ways if one.kind == "precision"]
    assert small.name == "fp8 KV cache"
    kinds = [one.kind for one in found.ways]
    assert kinds.index("sample") < kinds.index("precision") < kinds.index("answers")


def test_judges_that_cost_alike_are_named_once(ways: list[Way]) -> None:
    models = {one.name: one for one in read_models().values()}
    sizes = [
        (shape.parameters or 0, shape.active_parameters or 0)
        for one in ways
        if one.kind == "model" and (shape := models[one.name].shape) is not None
    ]
    assert len(sizes) == len(set(sizes)) == 8


def test_two_orders_are_asked_to_become_one() -> None:
    found = decide(estimated(orders="both"), DecisionWishes(alternatives=True)).alternatives
    assert found is not None
    [one] = [way for way in found if way.kind == "orders"]
    assert (one.name, one.judgments) == ("one order", 10_000)
    assert one.times is not None
    assert one.times < 1


@pytest.mark.parametrize("budget", ["5usd", "1gpu-hours", "3000judgments", "9Mtokens"])
def test_a_budget_buys_what_an_estimate_of_it_spends(worked: Estimated, budget: str) -> None:
    [found] = decide(worked, DecisionWishes(budgets=(budget,))).budgets or []
    assert 0 < found.surely <= found.likely <= found.at_most
    assert found.all_items == 10_000
    assert (found.price == "$2.00 a GPU-hour, given") == (budget == "5usd")
    assert bool(found.fixed) == (budget in {"5usd", "1gpu-hours"})


def test_money_without_a_price_asks_for_one(worked: Estimated) -> None:
    free = worked._replace(setting=msgspec.structs.replace(worked.setting, offers=()))
    with pytest.raises(ConfigError, match="no dated price of H200-SXM") as caught:
        decide(free, DecisionWishes(budgets=("5usd",)))
    assert caught.value.hint == "say what a GPU-hour costs: --price 2.50"


def late(worked: Estimated, share: float, **wishes: Any) -> Decisions:
    """Held to a share of its likely time."""
    seconds = share * worked.estimate().seconds.likely
    return decide(worked, DecisionWishes(deadline=f"{seconds:.6f}s", **wishes))


def test_a_late_deadline_fits_and_nothing_else_is_looked_for(worked: Estimated) -> None:
    found = late(worked, 3.0).deadline
    assert found is not None
    assert (found.fit, found.status, found.ways) == ("fits", 0, [])
    assert found.most_items > 10_000


def test_an_early_deadline_names_what_fits_the_nearest_first(worked: Estimated) -> None:
    found = late(worked, 0.6).deadline
    assert found is not None
    assert found.fit == "does_not_fit"
    assert found.most_items < 10_000
    assert found.ways[0].name == "2 GPUs"
    for one in found.ways:
        assert one.seconds is not None
        assert one.seconds.likely <= found.seconds
    kinds = [one.kind for one in found.ways]
    assert "sample" in kinds
    assert "model" in kinds


def test_more_gpus_and_fewer_items_are_never_slower(worked: Estimated) -> None:
    ways = Ways(worked)
    for several in (
        [way.seconds for way in (ways.asked(), *ways.copies())],
        [ways.estimate(with_items(worked.workload, items)).seconds for items in (9000, 900, 9)],
    ):
        likely = [one.likely for one in several if one is not None]
        assert likely == sorted(likely, reverse=True)
        assert len(likely) >= 3


def test_of_samples_the_one_that_power_needs_is_named(worked: Estimated) -> None:
    power = PowerWishes(difference=0.05, rate=0.8, correlation=0.5)
    decisions = late(worked, 0.6, power=power)
    assert decisions.power is not None
    assert decisions.deadline is not None
    [sample] = [one for one in decisions.deadline.ways if one.kind == "sample"]
    assert sample.items == decisions.power.items < 10_000


def test_a_finished_run_is_the_pilot(worked: Estimated, tmp_path: Path) -> None:
    for name in ("one", "other"):
        judge_rows(tmp_path / name, pairs(40), seed=len(name))
    power = PowerWishes(difference=0.05)
    one, both = (
        decide(worked, DecisionWishes(power=power, pilot=str(tmp_path / "one"), against=against))
        for against in (None, str(tmp_path / "other"))
    )
    assert one.power is not None
    assert both.power is not None
    assert one.power.design.startswith("win_rate against even")
    assert both.power.design.startswith("win_rate of two runs")
    assert one.power.judgments == one.power.items


def test_a_pilot_of_another_rubric_or_judge_is_said_and_one_of_another_mode_refused(
    worked: Estimated, tmp_path: Path
) -> None:
    out = tmp_path / "other"
    judge_rows(out, pairs(40))
    power = PowerWishes(difference=0.05)
    found = decide(worked, DecisionWishes(power=power, pilot=str(out))).power
    assert found is not None
    assert "the pilot asked by `pairwise`, not `pairwise-reasons`" in found.notes[-2]
    assert "another one's verdicts vary otherwise" in found.notes[-1]
    scalar = RunConfig(rubric="scalar-1-5", model="Qwen2.5-7B-Instruct", gpu="H200")
    scores = asked(scalar, CostWishes(gpu="H200"), shape="questions=9,answer=9,rubric=9")
    with pytest.raises(ConfigError, match="`pairwise` is pairwise, `scalar-1-5` is scalar"):
        decide(scores, DecisionWishes(power=power, pilot=str(out)))


def test_a_second_run_without_a_first_is_refused(worked: Estimated) -> None:
    power = PowerWishes(difference=0.05)
    with pytest.raises(ConfigError, match="there is no first"):
        decide(worked, DecisionWishes(power=power, against="other"))


@pytest.mark.parametrize("wishes", [{"deadline": "soon"}, {"budgets": ("5 bananas",)}])
def test_what_cannot_be_read_is_refused(worked: Estimated, wishes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        decide(worked, DecisionWishes(**wishes))


def test_python_takes_what_the_flags_take(worked: Estimated) -> None:
    made = judgefast.estimate(
        rubric="pairwise-reasons",
        model="Qwen2.5-72B-Instruct",
        gpu="H200",
        price=2.0,
        shape=SHAPE,
        orders="one",
        budget=("5usd",),
        power=0.02,
        rate=0.8,
        correlation=0.5,
        deadline="8h",
    )
    assert isinstance(made, Decided)
    assert made.seconds == worked.estimate().seconds
    assert made.decisions.power is not None
    assert made.decisions.power.questions == 3256
    assert made.decisions.status == 0
    assert [one.budget for one in made.decisions.budgets or []] == ["$5.00"]
