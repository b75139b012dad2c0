"""Prices: which of them are of today, none without its date, the guide's redone to the cent."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefast.catalogue import guide
from judgefast.catalogue.apis import Api, find_api, read_apis
from judgefast.catalogue.files import add_row
from judgefast.catalogue.gpus import find_gpu, parse_gpus, read_gpus
from judgefast.catalogue.prices import (
    Price,
    check_own,
    price_of,
    prices_of,
    read_prices,
    typical,
)
from judgefast.costs.offers import offers_of
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


APIS = read_apis()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the user's own files."""
    monkeypatch.setenv("JUDGEFAST_CATALOGUE", str(tmp_path))
    return tmp_path


def keep(key: str, usd: float, **fields: Any) -> None:
    row = {"key": key, "provider": key, "gpu": "L4", "kind": "spot", "usd": usd}
    add_row("prices", {**row, "date": "2026-11-20", **fields}, Price)


def test_the_catalogue_is_that_which_was_collected(shared: Path) -> None:
    lines = (shared / "catalog" / "prices.jsonl").read_text("utf-8").splitlines()
    theirs = {row["key"]: row for row in map(json.loads, lines)}
    ours = read_prices()
    assert list(ours) == list(theirs)
    names = ("provider", "gpu", "kind", "region", "tier", "date")
    for key, row in theirs.items():
        price = ours[key]
        assert [getattr(price, name) for name in names] == [row[name] for name in names]
        assert price.usd == row["usd_per_gpu_hour"]
        low = price.discount[0] if price.discount else None
        assert (low, price.seen) == (row["discount_low"], row["date_seen"])
    lines = (shared / "catalog" / "gpus.jsonl").read_text("utf-8").splitlines()
    gpus = read_gpus()
    for row in map(json.loads, lines):
        gpu = gpus[row["key"]]
        assert (gpu.memory_bytes or 0) == (row["memory_mib_reported"] or 0) * 1024 * 1024
        assert gpu.flops_fp8 == row["flops_fp8_dense"]
        assert gpu.flops_bf16 == row["flops_bf16_dense"]
        assert gpu.bandwidth == row["memory_bandwidth_bytes_per_s"]


def test_the_offers_of_today_are_found_by_a_loop_written_anew() -> None:
    groups = defaultdict(list)
    for price in read_prices().values():
        if (
            price.usd
            and price.date
            and price.provider != "spot index"
            and "guide" not in price.source
        ):
            groups[price.gpu, price.kind].append(price)
    for (gpu, kind), offers in groups.items():
        newest = max(offer.date or "" for offer in offers)
        first = (date.fromisoformat(newest) - timedelta(days=120)).isoformat()
        recent = [offer for offer in offers if (offer.date or "") >= first]
        of_provider = defaultdict(list)
        for offer in recent:
            of_provider[offer.provider].append(offer.usd or 0)
        medians = sorted(sorted(each)[(len(each) - 1) // 2] for each in of_provider.values())
        today = typical(gpu, kind)
        assert today is not None
        low, middle, high = (each.usd for each in today)
        every = [offer.usd or 0 for offer in recent]
        assert (low, high) == (min(every), max(every))
        assert middle == medians[(len(medians) - 1) // 2]


def test_no_price_is_said_without_its_day() -> None:
    for price in read_prices().values():
        assert re.search(r"2026-\d\d-\d\d\)$", str(price))
        assert price.date or "undated, seen" in str(price)
    for api in read_apis().values():
        assert re.search(r"2026-\d\d-\d\d$", api.when)


def test_newest_prices_come_first_and_undated_ones_last() -> None:
    days = [price.date or "0" for price in prices_of("H100-SXM")]
    assert days == sorted(days, reverse=True)
    assert days[-1] == "0"
    assert {price.gpu for price in prices_of(provider="nebius", kind="spot")} <= set(read_gpus())
    assert {price.provider for price in prices_of(provider="NEBIUS")} == {"Nebius"}


def test_old_offers_an_index_and_the_guide_are_not_of_today(own: Path) -> None:
    del own
    guides = {price.key for price in read_prices().values() if price.is_guide}
    assert len(guides) == 4
    for gpu in read_gpus():
        for kind in ("on_demand", "spot"):
            today = typical(gpu, kind)  # type: ignore[arg-type]  # a loop over both
            assert not today or not any(price.is_guide or price.is_index for price in today)
    keep("new", 3.0)
    keep("edge", 2.0, date="2026-07-23")
    keep("old", 1.0, date="2026-07-22")
    keep("index", 0.1, is_index=True)
    keep("guide", 9.0, is_guide=True)
    assert [price.usd for price in typical("L4", "spot") or ()] == [2.0, 2.0, 3.0]


def test_a_provider_counts_once_however_many_regions_it_has(own: Path) -> None:
    del own
    for number in range(9):
        keep(f"big-{number}", 10.0 + number, provider="big", region=str(number))
    keep("a", 1.0)
    keep("b", 2.0)
    assert [price.usd for price in typical("L4", "spot") or ()] == [1.0, 2.0, 18.0]


def test_the_users_own_prices_go_before_those_of_the_package(own: Path) -> None:
    del own
    before = typical("H200-SXM", "spot")
    keep("mine", 0.5, gpu="H200")
    assert before
    assert [price.key for price in typical("H200-SXM", "spot") or ()] == ["mine"] * 3
    assert price_of("H200-SXM", "spot").usd == 0.5
    assert price_of("H200-SXM", "on_demand").is_own is False
    assert price_of("H200-SXM", "spot").source == "given by the user"


def test_the_price_to_reckon_with_is_the_middle_one_of_all_or_of_a_provider() -> None:
    today = typical("H200-SXM", "on_demand")
    assert today is not None
    assert price_of("H200-SXM") == today[1]
    assert price_of("H200-SXM", "on_demand", "spheron").date == "2026-06-03"
    of_aws = typical("H200-SXM", "on_demand", "AWS")
    assert of_aws is not None
    assert price_of("H200-SXM", "on_demand", "aws") == of_aws[1]
    assert price_of("RTX-5090").date is None
    with pytest.raises(ConfigError, match=r"no price of `Nebbius` for H200-SXM spot") as caught:
        price_of("H200-SXM", "spot", "Nebbius")
    assert "`Nebius`" in str(caught.value.hint)
    with pytest.raises(ConfigError, match=r"no price for GB300 on demand") as caught:
        price_of("GB300")
    assert "--price USD" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"date": None}, "`date` is missing"),
        ({"date": "20 Nov 2026"}, "`date` is `20 Nov 2026`; write a day as 2026-11-26"),
        ({"date": "20261120"}, "write a day as"),
        ({"usd": 0.0}, "`usd` is 0.0; it must be above 0"),
        ({"usd": None}, "give `usd`"),
        ({"discount": [0.4, 0.6]}, "give `usd`"),
        ({"usd": None, "discount": [0.6, 0.4]}, "the smaller one first"),
        ({"gpus": 0}, "`gpus` is 0"),
        ({"kind": "cheap"}, "Invalid enum value"),
    ],
)
def test_what_is_no_price_is_refused(own: Path, fields: dict[str, Any], words: str) -> None:
    row = {"key": "k", "provider": "p", "gpu": "L4", "kind": "spot", "usd": 1.0}
    row |= {"date": "2026-11-20"} | fields
    (own / "prices.jsonl").write_text(json.dumps(row))
    with pytest.raises(ConfigError, match="line 1") as caught:
        read_prices()
    assert words in str(caught.value)


def test_a_price_of_an_unknown_accelerator_is_refused_with_the_nearest(own: Path) -> None:
    row = {
        "key": "k",
        "provider": "p",
        "gpu": "H20O",
        "kind": "spot",
        "usd": 1,
        "date": "2026-11-20",
    }
    (own / "prices.jsonl").write_text(json.dumps(row))
    with pytest.raises(ConfigError, match=r"the price `k`: no GPU is named `H20O`") as caught:
        read_prices()
    assert "`H20`" in str(caught.value.hint)


def test_the_guides_playbook_comes_out_to_the_cent() -> None:
    sums = [f"{row.usd(guide.guide_price(row.gpu).usd or 0):.2f}" for row in guide.PLAYBOOK]
    assert sums == ["8.21", "3.20", "57.12"]
    per_hour = [row.gpus * (guide.guide_price(row.gpu).usd or 0) for row in guide.PLAYBOOK]
    assert per_hour == pytest.approx([1.19, 0.80, 4.76])
    assert {guide.guide_price(row.gpu).date for row in guide.PLAYBOOK} == {"2026-04-22"}


def test_the_guides_worked_example_comes_out() -> None:
    hours = [
        guide.gpu_hours(guide.JUDGMENTS, guide.TOKENS, speed)
        for speed in (guide.TOKENS_PER_SECOND["H200-SXM"], guide.TOKENS_PER_SECOND["H100-SXM"])
    ]
    assert [f"{each:.2f}" for each in hours] == ["6.94", "10.42"]
    assert f"{hours[0]:.1f}" == f"{guide.PLAYBOOK[0].hours}"
    assert guide.JUDGMENTS * guide.TOKENS == 30_000_000


def test_ten_thousand_pairs_at_jev_cost_what_others_say() -> None:
    assert find_api("Jev").usd(10_000 * 2_500, 10_000) == pytest.approx(1.05)
    assert find_api("jev").usd(2 * 1_000 * 1_000, 2_000) == pytest.approx(0.084)


@given(st.sampled_from(list(APIS.values())), st.data())
def test_tokens_are_priced_one_by_one(api: Api, data: st.DataObject) -> None:
    prompt, written = (data.draw(st.integers(0, 10**9)) for _ in range(2))
    cached = data.draw(st.integers(0, prompt))
    in_cache = api.usd_input if api.usd_cached is None else api.usd_cached
    parts = [
        ((prompt - cached) / 1e6, api.usd_input),
        (cached / 1e6, in_cache),
        (written / 1e6, api.usd_output),
    ]
    found = api.usd(prompt, written, cached=cached)
    assert found is not None
    assert math.isclose(found, sum(n * (usd or 0) for n, usd in parts), abs_tol=1e-9)


def test_a_price_that_is_not_known_is_none_never_nothing() -> None:
    api = read_apis()["jev"]
    unknown = type(api)(
        key="k", name="k", provider="p", kind="tokens", usd_input=1.0, seen="2026-11-26"
    )
    assert unknown.usd(10, 1) is None
    assert unknown.usd(10, 0) == pytest.approx(1e-5)


@pytest.mark.parametrize(
    ("text", "key", "count"),
    [("H200", "H200-SXM", 1), ("h100:8", "H100-SXM", 8), (" A100 : 4", "A100-SXM-40", None)],
)
def test_accelerators_are_read_with_their_number(text: str, key: str, count: int | None) -> None:
    if count is None:
        with pytest.raises(ConfigError, match="no accelerator with a number"):
            parse_gpus(text)
        return
    gpu, found = parse_gpus(text)
    assert (gpu.key, found) == (key, count)


@pytest.mark.parametrize("text", ["H200:0", "H200:", "H200:two", ":2", "", "H200:1:2", "H200:²"])
def test_what_is_no_number_of_accelerators_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_gpus(text)
    assert caught.value.hint


def test_what_the_driver_says_finds_the_accelerator() -> None:
    driver = {
        "NVIDIA H100 80GB HBM3": "H100-SXM",
        "NVIDIA H200": "H200-SXM",
        "NVIDIA A100-SXM4-80GB": "A100-SXM-80",
        "NVIDIA GeForce RTX 4090": "RTX-4090",
    }
    assert {name: find_gpu(name).key for name in driver} == driver


def test_an_own_price_of_long_ago_is_reckoned_with_and_said_to_be_old(own: Path) -> None:
    del own
    newest = max(date.fromisoformat(price.date) for price in read_prices().values() if price.date)
    edge = newest - timedelta(days=120)
    for day, words in ((edge, ""), (edge - timedelta(days=1), ", old")):
        keep("mine", 2.5, gpu="H200", kind="on_demand", date=day.isoformat())
        assert str(price_of("H200-SXM")) == f"$2.50/h (mine, on demand, {day}{words})"
        (offer, *_) = offers_of(find_gpu("H200"), provider="mine")
        assert offer.date == f"{day}{words}"
    assert not any(price.is_old for price in read_prices().values() if not price.is_own)


def test_a_day_that_is_yet_to_come_is_refused_with_its_line(own: Path) -> None:
    row = {
        "key": "k",
        "provider": "us",
        "gpu": "L4",
        "kind": "spot",
        "usd": 1,
        "date": "2936-11-26",
    }
    (own / "prices.jsonl").write_text("\n" + json.dumps(row) + "\n", "utf-8")
    words = "prices.jsonl`, line 2: `date` is 2936-11-26, a day that is yet to come"
    with pytest.raises(ConfigError, match=words):
        read_prices()
    with pytest.raises(ConfigError, match="`date` is 2936-11-26, a day that is yet to come"):
        add_row("prices", row, Price, check_own)


def test_a_provider_with_spot_machines_alone_is_reckoned_with_at_spot(own: Path) -> None:
    del own
    keep("us", 2.1, gpu="H200")
    assert str(price_of("H200-SXM", "on_demand", "US")) == "$2.10/h (us, spot, 2026-11-20)"
