"""What a user writes of each judge, and what is refused of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.config import RunConfig
from judgefast.errors import ConfigError
from judgefast.pipeline.panel_judges import OF_ONE_JUDGE, judges_of, read_short, token_folders

if TYPE_CHECKING:
    from pathlib import Path

WORD = st.text("abcz019._-/: ", min_size=1, max_size=12)
KEYS = ["name", "engine", "model", "rubric", "tokenizer", "recorded", "gpu", "provider"]


def test_the_name_of_an_engine_is_a_judge() -> None:
    (judge,) = judges_of(["embedded"], {"rubric": "pairwise"}, where="here")
    assert (judge.name, judge.config.engine, judge.config.rubric) == (
        "embedded",
        "embedded",
        "pairwise",
    )


def test_a_short_form_holds_every_kind_of_value() -> None:
    text = (
        "name=a,engine=http,base-url=http://x:1/v1,base_url=http://y:2,price=1.5,allow-self=yes,"
        'budget=5usd,arg.concurrency=4,arg.stop=["a","b"],arg.dtype=fp8,model=m,with,commas'
    )
    assert read_short(text) == {
        "name": "a",
        "engine": "http",
        "base_url": ["http://x:1/v1", "http://y:2"],
        "price": 1.5,
        "allow_self": True,
        "budget": ["5usd"],
        "engine_args": {"concurrency": 4, "stop": ["a", "b"], "dtype": "fp8"},
        "model": "m,with,commas",
    }


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(KEYS), WORD, min_size=1))
def test_what_is_written_is_what_is_read(table: dict[str, str]) -> None:
    assert read_short(",".join(f"{key}={value}" for key, value in table.items())) == table


def test_options_of_all_are_those_of_each_but_where_it_says_otherwise() -> None:
    shared: dict[str, Any] = {"engine_args": {"a": 1, "b": 2}, "rubric": "pairwise", "seed": 7}
    given_judges = ["name=x", {"name": "y", "rubric": "other", "engine-args": {"b": 3}}]
    one, two = judges_of(given_judges, shared, where="here")
    assert (one.config.rubric, one.config.engine_args, one.config.seed) == (
        "pairwise",
        {"a": 1, "b": 2},
        7,
    )
    assert (two.config.rubric, two.config.engine_args, two.config.seed) == (
        "other",
        {"a": 1, "b": 3},
        7,
    )


@pytest.mark.parametrize(
    ("judges", "words", "hint"),
    [
        ([], "a panel without judges", "--judge name=strict"),
        (["embeded"], "judge 1: no engine named `embeded`", "did you mean `embedded`?"),
        (["name=a,rubrik=x"], "unknown option `rubrik`", "did you mean `rubric`?"),
        (["name=a,seed=4"], "judges of a panel cannot differ in `seed`", "give --seed once"),
        (["embedded", "embedded"], "judges 1 and 2 are both called `embedded`", "name=embedded-2"),
        (["name=A", "name=a"], "both called `a`", "name=a-2"),
        (["name=../x"], "`../x` is no name of a judge", "begin with a letter or digit"),
        (["name=a,engine"], "both", None),
        (["name=a,name=b"], "has `name` twice", "leave one of them out"),
        (["name=a,price=cheap"], "`price` takes a number or nothing, saw text", None),
        (["name=a,allow_self=maybe"], "`allow_self` takes true or false, saw text", None),
        ([3], "it is 3, no text and no table", "judges=["),
    ],
)
def test_a_mistake_is_named_with_its_remedy(
    judges: list[Any], words: str, hint: str | None
) -> None:
    if words == "both":  # a part without `=` belongs to the value before it
        assert read_short(judges[0]) == {"name": "a,engine"}
        return
    with pytest.raises(ConfigError) as caught:
        judges_of(judges, {"rubric": "pairwise"}, where="here")
    assert words in str(caught.value)
    assert hint is None or hint in str(caught.value.hint)


def test_one_budget_is_not_for_several_judges() -> None:
    shared = {"rubric": "pairwise", "budget": ["5usd"]}
    assert judges_of(["embedded"], shared, where="here")
    with pytest.raises(ConfigError, match="one `budget` is given for 2 judges") as caught:
        judges_of(["embedded", "name=b"], shared, where="here")
    assert "budget=5usd" in str(caught.value.hint)


def test_every_option_of_one_judge_is_an_option_of_a_run() -> None:
    assert set(OF_ONE_JUDGE) <= set(RunConfig.__struct_fields__)


def test_token_ids_are_kept_for_judges_of_one_tokenizer(tmp_path: Path) -> None:
    judges = judges_of(
        [
            "name=a",
            "name=b,rubric=pairwise-reasons",
            "name=c,model=/elsewhere",
            "name=d,engine=replay,recorded=x.jsonl",
        ],
        {"rubric": "pairwise"},
        where="here",
    )
    assert token_folders(judges, tmp_path) == {"a": str(tmp_path), "b": str(tmp_path)}
