"""A budget of money at a judge that is paid by the token: what is sent never costs more."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

import judgefast
from judgefast.cli.dry_run import say_dry
from judgefast.config import RunConfig
from judgefast.errors import ConfigError, JudgefastError
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.by_token import BY_TOKEN, Billed, billed, unseen_of_launch
from judgefast.pipeline.meter import price_of_tokens
from judgefast.pipeline.results import read_run, report_of
from judgefast.pipeline.run import run
from judgefast.pipeline.token_price import TokenPrice, price_beforehand
from judgefast.reports.text import render
from tests.pipeline.budgets import asked_of_items, budget_of
from tests.pipeline.deciding import deciding
from tests.pipeline.judging import go_on, judge_rows, pairs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engines.scripted import ScriptedEngine

MOST = 400
TAKEN = 100
"""Tokens of a request as `deciding` counts them."""
PRICE = 1000.0
"""Dollars for a million tokens: a tenth of one for a request."""
SMALL = 20


class Most:
    """So many tokens whatever is asked, and so many replies."""

    def __init__(self, asks: int) -> None:
        self._asks = asks

    def __call__(self, state: object, questions: object) -> int:
        del state, questions
        return MOST

    def asks(self, questions: object) -> int:
        del questions
        return self._asks


def paid(
    *, usd: float | None = None, are_billed: bool = True, asks: int = 1, **more: Any
) -> ScriptedEngine:
    """A judge that is paid by the token, and has asked a small question."""
    engine: Any = deciding(usd=usd, **more)
    engine.name = "decisions"
    engine.most = Most(asks)
    engine.small = SimpleNamespace(
        cost=lambda usd_per_token: SMALL * usd_per_token if usd is None else usd,
        most_usd=usd or 0.0,
        are_billed=are_billed,
    )
    return cast("ScriptedEngine", engine)


def judge(out: Path, budget: str | None, rows: int = 10, **options: Any) -> Any:
    engine = options.pop("engine", None) or paid()
    options.setdefault("engine_args", {"usd_per_million_tokens": PRICE})
    given = {} if budget is None else {"budget": (budget,)}
    return judge_rows(out, pairs(rows), engine=engine, **given, **options)


def spent_of(out: Path) -> Any:
    return budget_of(out).spent


@pytest.mark.parametrize("room", [1, 4, 64])
def test_what_is_sent_costs_no_more_than_the_budget_and_whole_items_alone(
    tmp_path: Path, room: int
) -> None:
    done = judge(tmp_path / "run", "1.5usd", engine=paid(room=room))
    budget = budget_of(tmp_path / "run")
    # An item may cost 0.80 and costs 0.20; 0.02 went to the small question.
    assert (budget.reached, done.status) == ("usd", 3)
    assert budget.spent.judgments == 8
    assert budget.spent.usd == pytest.approx(0.02 + 0.8)
    assert budget.spent.unseen_usd == 0
    assert set(asked_of_items(tmp_path / "run").values()) == {2}
    assert budget.price == "$1,000.00 for 1 million prompt tokens, as given"


def test_the_command_that_goes_on_ends_the_run(tmp_path: Path) -> None:
    judge(tmp_path / "run", "1.5usd")
    command = budget_of(tmp_path / "run").go_on
    assert command is not None
    amount = command.split("--budget ")[1]
    done = go_on(tmp_path / "run", engine=paid(), budget=(amount,))
    assert (done.status, budget_of(tmp_path / "run").reached) == (0, None)
    assert spent_of(tmp_path / "run").usd == pytest.approx(2 * 0.02 + 20 * 0.1)
    assert float(amount.removesuffix("usd")) < 4


def test_a_budget_that_is_spent_asks_nothing_and_says_the_same(tmp_path: Path) -> None:
    first = judge(tmp_path / "run", "1.5usd")
    engine = paid()
    again = go_on(tmp_path / "run", engine=engine)
    assert (again.status, again.why) == (first.status, first.why)
    assert spent_of(tmp_path / "run").judgments == 8


def test_what_the_server_says_of_a_reply_goes_before_a_price(tmp_path: Path) -> None:
    judge(tmp_path / "run", "3usd", engine=paid(usd=0.6), rows=30)
    # Every reply may cost what the small question did, and its tokens beside: of items for 0.80
    # three would have been sent, and 4.20 paid.
    assert spent_of(tmp_path / "run").usd == pytest.approx(0.6 * 3)


def test_an_item_that_may_cost_more_than_there_is_judges_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"of \$0.70 buys no judgment: .* up to \$0.84") as found:
        judge(tmp_path / "run", "0.7usd")
    assert found.value.hint == "nothing was judged; give --budget 0.84usd at least"
    judge(tmp_path / "run", "0.85usd")
    assert spent_of(tmp_path / "run").judgments == 2


def test_a_start_that_was_killed_has_spent_what_it_wrote_down_before(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge(out, "1.5usd")
    with RunDirectory.open(out, write=False) as directory:
        [launch] = directory.launches()
        [path] = (directory.path / "launches").glob("*.json")
    assert launch[BY_TOKEN]["in_flight_usd"] == 0
    committed = launch[BY_TOKEN]["committed_usd"]
    assert 0.82 < committed <= 1.5
    facts = json.loads(path.read_bytes())
    del facts["finished"]
    facts[BY_TOKEN]["in_flight_usd"] = None
    path.write_text(json.dumps(facts))
    spent = spent_of(out)
    assert spent.usd == pytest.approx(0.82)
    assert spent.usd + spent.unseen_usd == pytest.approx(committed)
    text = " ".join(render(report_of(read_run(out))).split())
    assert "more for what was sent and told nothing, which is kept back" in text
    # All that it may have spent is gone: another item does not fit behind it.
    go_on(out, engine=paid(), budget=(f"{committed + 0.5}usd",))
    assert spent_of(out).judgments == 8
    go_on(out, engine=paid(), budget=(f"{committed + 1}usd",))
    spent = spent_of(out)
    assert spent.judgments == 10
    assert spent.usd + spent.unseen_usd <= committed + 1


def test_a_start_without_a_budget_is_counted_by_the_price_that_it_had(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge(out, None, rows=3)
    more = {"engine_args": {"usd_per_million_tokens": 2 * PRICE}, "budget": ("10usd",)}
    judge_rows(out, pairs(6), engine=paid(), extend=True, **more)
    assert spent_of(out).usd == pytest.approx((0.02 + 6 * 0.1) + (0.04 + 6 * 0.2))


def test_adaptive_orders_give_back_what_second_orders_would_have_cost(tmp_path: Path) -> None:
    sure = paid(opinion=lambda _, question: [0.98] + [0.01] * (len(question.options) - 1), lean=0)
    judge(tmp_path / "run", "3usd", orders="adaptive", rows=60, engine=sure)
    spent = spent_of(tmp_path / "run")
    assert spent.usd == pytest.approx(0.02 + spent.judgments * 0.1)
    assert 3 - 0.8 - 1e-9 <= spent.usd <= 3


def dry(out: Path, budget: str, rows: int = 10, **options: Any) -> Any:
    config = RunConfig(
        rubric="pairwise",
        engine="decisions",
        out=str(out),
        budget=(budget,),
        engine_args={"usd_per_million_tokens": PRICE},
    )
    engine = options.pop("engine", None) or paid()
    return run(config.replace(**options), data=pairs(rows), engine=engine, dry_run=True)


def test_a_dry_run_says_how_many_items_an_amount_buys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert say_dry(dry(out, "1.7usd"), as_json=False) == 0
    said = capsys.readouterr().out
    assert "\nstops within: 1.7usd\nwhich buys likely 8 of 10 items, surely 2: $1,000.00" in said
    assert dry(out, "1.7usd").buys == {
        "surely": 2,
        "likely": 8,
        "items": 10,
        "price": "$1,000.00 for 1 million prompt tokens, as given",
        "words": "likely 8 of 10 items, surely 2: $1,000.00 for 1 million prompt tokens, as given",
    }
    assert dry(out, "100judgments").buys is None
    assert dry(out, "5usd", price=2.0).buys is None
    judge(out, "1.5usd")  # spends 0.82
    assert dry(out, "2.5usd").buys["surely"] == 2
    assert dry(out, "2.5usd").buys["items"] == 6
    assert dry(out, "0.5usd").buys["likely"] == 0


@pytest.mark.parametrize(("asks", "surely", "likely"), [(1, 2, 5), (2, 1, 3)])
def test_a_fee_for_each_reply_is_no_smaller_for_texts_of_few_tokens(
    tmp_path: Path, asks: int, surely: int, likely: int
) -> None:
    """At its most 0.4 dollars a request and 0.2 for each reply; mostly 0.095 and the same fee."""
    found = dry(tmp_path / "run", "3usd", engine=paid(usd=0.2, asks=asks)).buys
    assert (found["surely"], found["likely"]) == (surely, likely)


def test_an_amount_buys_nothing_with_what_a_killed_start_may_have_spent(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge(out, "1.5usd")
    [path] = (out / "launches").glob("*.json")
    facts = json.loads(path.read_bytes())
    del facts["finished"]
    facts[BY_TOKEN] |= {"committed_usd": 5.0, "in_flight_usd": None}
    path.write_text(json.dumps(facts))
    assert dry(out, "5.7usd").buys["surely"] == 0
    assert dry(out, "5.9usd").buys["surely"] == 1


def test_a_gpu_or_its_price_pays_for_hours(tmp_path: Path) -> None:
    judge(tmp_path / "run", "5usd", price=2.0, rows=2)
    budget = budget_of(tmp_path / "run")
    assert budget.spent.usd == pytest.approx(2 * budget.spent.gpu_hours)
    assert budget.price == "given"


@pytest.mark.parametrize(
    ("text", "tokens", "finish", "kind", "cost"),
    [
        ('{"model":"m","questions":[]}', 100, "stop", None, Billed(1.0, 0.0)),
        ('{"model":"m","questions":[],"usd":0.3}', 100, "stop", None, Billed(0.3, 0.0)),
        ('{"model":"m","questions":[],"unseen":2}', 100, "stop", None, Billed(1.0, 10.0)),
        ('{"model":"m","questions":[]}', None, "refused", None, Billed(0.0, 5.0)),
        ('{"model":"","questions":[],"unseen":3}', None, "error", "timeout", Billed(0.0, 15.0)),
        ("", None, "error", "timeout", Billed(0.0, 5.0)),
        ("", None, "cancelled", None, Billed(0.0, 5.0)),
        ("", None, "error", "engine_error", Billed(0.0, 0.0)),
        ("", None, "error", "invalid", Billed(0.0, 0.0)),
        ("no JSON", 100, "stop", None, Billed(1.0, 0.0)),
    ],
)
def test_a_completion_costs_what_is_said_and_at_most_what_is_not(
    text: str, tokens: int | None, finish: str, kind: str | None, cost: Billed
) -> None:
    assert billed(text, tokens, finish, kind, 0.01, 5.0) == cost


def test_what_a_start_wrote_down_is_spent_where_its_end_is_not_known() -> None:
    assert unseen_of_launch({"committed_usd": 2.0, "in_flight_usd": 0.25}, 1.0) == 0.25
    assert unseen_of_launch({"committed_usd": 2.0, "in_flight_usd": None}, 1.5) == 0.5
    assert unseen_of_launch({"committed_usd": None}, 1.5) == 0
    assert unseen_of_launch({}, 1.5) == 0


def config(url: str, **args: Any) -> RunConfig:
    return RunConfig(engine="decisions", base_url=(url,), budget=("5usd",), engine_args=args)


def test_the_price_is_known_beforehand_with_its_day() -> None:
    found = price_beforehand(config("https://api.typesafe.ai"), "jev-1.13.0")
    assert isinstance(found, TokenPrice)
    assert str(found) == (
        "$0.042 for 1 million prompt tokens, TypeSafe, TypeSafe Jev 1.13 (undated, seen 2026-11-26)"
    )
    given = price_beforehand(
        config("https://api.typesafe.ai", usd_per_million_tokens=0.03), "jev-1.13.0"
    )
    assert given == TokenPrice(0.03, "as given")


@pytest.mark.parametrize(
    ("url", "args", "words"),
    [
        ("http://127.0.0.1:8000", {}, "the servers are one's own, and are not paid by the token"),
        ("https://gateway.example.org", {}, "another host was asked"),
        ("https://api.typesafe.ai", {"allow_moved": True}, "another model may answer"),
    ],
)
def test_without_a_price_a_budget_of_money_says_what_to_give(
    url: str, args: dict[str, Any], words: str
) -> None:
    engine = paid()
    engine.model = msgspec.structs.replace(engine.model, name="jev-1.13.0")
    with pytest.raises(ConfigError, match=words) as found:
        price_of_tokens(config(url, **args), engine)
    assert found.value.hint is not None
    assert "--engine-arg usd_per_million_tokens=0.042" in found.value.hint
    assert "--budget 10000judgments" in found.value.hint
    assert "--price 2.50" in found.value.hint
    assert price_of_tokens(config(url, **args).replace(budget=()), engine) is None


def test_replies_that_do_not_tell_what_they_took_cannot_be_held_to_money(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="replies that tell what they took"):
        judge(tmp_path / "run", "5usd", engine=paid(are_billed=False))
    assert not (tmp_path / "run").exists()


def test_an_api_of_chat_models_is_referred_to_a_budget_of_tokens() -> None:
    from judgefast.pipeline.meter import check_budget  # noqa: PLC0415 - of this test alone

    with pytest.raises(JudgefastError, match="price of a GPU-hour") as found:
        check_budget(RunConfig(engine="http", budget=("5usd",)))
    assert "--budget 2Mtokens" in str(found.value.hint)


def test_each_judge_of_a_panel_has_its_own_amount(tmp_path: Path) -> None:
    prices = {"usd_per_million_tokens": PRICE}
    panel = judgefast.run(
        pairs(10),
        judges=[
            {"name": "a", "engine": paid(), "budget": "1.5usd", "engine_args": prices},
            {"name": "b", "engine": paid(), "budget": "0.9usd", "engine_args": prices},
        ],
        rubric="pairwise",
        out=tmp_path / "p",
    )
    assert panel.status == 3
    budgets = [run.report.operations.budget for run in panel.runs.values()]
    assert [(one.reached, one.spent.judgments) for one in budgets] == [("usd", 8), ("usd", 2)]
