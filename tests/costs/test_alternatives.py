"""Ways of judging beside the one asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.costs.deciding import ANSWERS, OFFER, estimated, workload

from judgefast.catalogue.apis import Api, read_apis
from judgefast.costs.alternatives import beside, money_of, price_words, way_by_api, way_of
from judgefast.costs.offers import Offer
from judgefast.costs.ranges import Range
from judgefast.costs.reworked import with_labels, with_reasons
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from judgefast.costs.estimates import Estimate

MIDDLE = Offer(
    usd=3.0, kind="on_demand", provider="P", date="2026-11-01", source="s", level="middle"
)
LOWEST = Offer(
    usd=2.5, kind="on_demand", provider="Q", date="2026-11-02", source="s", level="lowest"
)
SPOT = Offer(usd=1.0, kind="spot", provider="P", date="2026-11-03", source="s", level="middle")


def api(**changes: object) -> Api:
    fields: dict[str, object] = {
        "key": "a",
        "name": "A",
        "provider": "P",
        "kind": "tokens",
        "usd_input": 1.0,
        "usd_output": 10.0,
        "seen": "2026-11-26",
        "source": "s",
    }
    return Api(**fields | changes)  # type: ignore[arg-type]  # as they are named


def test_the_users_own_price_wins_then_the_middle_one_on_demand() -> None:
    def kind(*offers: Offer) -> str:
        money = money_of(estimated(workload(), offers=offers))
        assert money is not None
        return price_words(money)

    assert kind(SPOT, LOWEST, MIDDLE) == "$3.00 a GPU-hour, P, 2026-11-01"
    assert kind(LOWEST, MIDDLE, OFFER) == "$2.00 a GPU-hour, given"
    assert kind(SPOT) == "$1.00 a GPU-hour (spot), P, 2026-11-03"
    assert money_of(estimated(workload(), offers=())) is None


def test_a_label_takes_no_reason_and_no_thinking() -> None:
    thinking = ANSWERS.__class__(
        mean=Range(200, 300, 400),
        spread=0.4,
        most=2000,
        thinking=Range(150, 250, 350),
        basis="measured",
        because="a pilot",
    )
    thought = workload(answers=thinking)
    assert with_labels(thought).answers.mean == Range.exactly(1)
    assert with_labels(thought).answers.thinking == Range(0, 0, 0)
    short = with_reasons(thought, 60).answers
    assert short.mean == Range(210, 310, 410)
    assert (short.thinking, short.most) == (thinking.thinking, 2000)
    assert with_reasons(workload(), 60).answers.most == 60


def test_shorter_answers_cost_less_and_each_way_says_what_share() -> None:
    ways = []
    for name, work in (
        ("long", with_reasons(workload(), 500)),
        ("short", with_reasons(workload(), 60)),
        ("label", with_labels(workload())),
    ):
        ways.append(way_of(name, "answers", "", work, lambda work=work: estimated(work)))  # type: ignore[misc]  # bound at once
    asked = way_of("as asked", "asked", "", workload(), lambda: estimated(workload()))
    shown = beside(asked, ways)
    assert [one.name for one in shown] == ["as asked", "long", "short", "label"]
    shares = [one.times for one in shown]
    assert shares[0] == 1
    assert shares[1] > 1 > shares[2] > shares[3]
    assert shown[3].usd is not None
    assert shown[0].usd is not None
    assert shares[3] == pytest.approx(shown[3].usd.likely / shown[0].usd.likely)


def test_without_a_price_the_share_is_of_gpu_hours() -> None:
    asked, half = (
        way_of("w", "asked", "", work, lambda work=work: estimated(work, offers=(), is_warm=True))  # type: ignore[misc]  # bound at once
        for work in (workload(2000), workload(1000))
    )
    assert beside(asked, [half])[1].times == pytest.approx(0.5, rel=0.1)


def test_what_cannot_be_is_said_in_its_place() -> None:
    def refuse() -> Estimate:
        msg = "it lacks 12 GB"
        raise ConfigError(msg)

    way = way_of("large", "model", "", workload(), refuse)
    assert (way.misfit, way.usd, way.seconds) == ("it lacks 12 GB", None, None)


def test_a_decision_endpoint_is_paid_by_the_prompt_alone() -> None:
    way = way_by_api(api(kind="decision"), workload())
    assert way.usd == Range(4.0, 4.0, 4.0)
    assert (way.kind, way.seconds, way.gpu_hours) == ("decision", None, None)
    free = way_by_api(api(kind="decision", usd_output=0.0), workload())
    assert free.price == "$1 per 1M prompt tokens, P, undated, seen 2026-11-26"


def test_an_api_is_paid_for_what_it_writes_and_less_for_what_it_has_read_before() -> None:
    way = way_by_api(api(usd_cached=0.1, date="2026-10-09"), workload())
    written = Range(80, 100, 130).times(2000 * 10 / 1e6)
    assert way.usd is not None
    assert way.usd.likely == pytest.approx(4.0 + written.likely)
    assert way.usd.high == pytest.approx(4.0 + written.high)
    assert way.usd.low == pytest.approx(4.0 - 0.3 * 4 * 0.9 + written.low)
    assert way.price == "$1 per 1M prompt tokens, $10 per 1M written tokens, P, 2026-10-09"


def test_a_cheaper_batch_is_said_and_not_reckoned_with() -> None:
    one, batched = way_by_api(api(), workload()), way_by_api(api(batch=0.5), workload())
    assert one.usd == batched.usd
    assert "$10 per 1M written tokens, in a batch 0.5 of that, P, undated" in batched.price


def test_an_api_without_a_price_is_not_priced() -> None:
    way = way_by_api(api(usd_output=None), workload())
    assert (way.usd, way.misfit) == (None, "no price is known")


def test_no_price_of_the_catalogue_is_shown_without_a_day() -> None:
    for one in read_apis().values():
        assert "20" in way_by_api(one, workload()).price.rsplit(", ", 1)[1]
