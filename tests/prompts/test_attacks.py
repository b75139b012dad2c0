"""The collected attacks against every family whose control tokens they name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tokenizers import AddedToken, Tokenizer

from judgefast.prompts import PromptPlan, PromptTokenizer, load_rubric
from judgefast.prompts.model import JudgeModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.datasets.items import Item
    from judgefast.prompts.decoding import Capabilities

    MakeItem = Callable[..., Item]


@pytest.fixture(scope="module")
def families(shared: Path) -> dict[str, dict[str, Any]]:
    path = shared / "data/attacks/control_tokens.json"
    found: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))["families"]
    return found


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[dict[str, Any]]:
    """Every text of the collection, each with its family where it has one."""
    found = []
    for path in sorted((shared / "data/attacks").glob("*.jsonl")):
        for line in path.read_text("utf-8").split("\n"):
            row = json.loads(line) if line else {}
            if "repeat" in (gen := row.get("gen", {})):
                row["text"] = gen["prefix"] + (gen["repeat"] * gen["times"])[:50_000]
            if "text" in row:
                found.append(row)
    return found


@pytest.fixture(scope="module")
def of_all(smollm2: JudgeModel, families: dict[str, dict[str, Any]]) -> PromptTokenizer:
    """A copy of a tokenizer at hand in which the tokens of every family are special."""
    assert smollm2.tokenizer is not None
    copy = Tokenizer.from_str(smollm2.tokenizer._trusted.to_str())
    tokens = [token for family in families.values() for token in family["tokens"]]
    copy.add_special_tokens([AddedToken(token, normalized=False) for token in tokens])
    return PromptTokenizer.from_tokenizer(copy)


def test_no_text_holds_a_control_token_of_any_family(
    of_all: PromptTokenizer, families: dict[str, dict[str, Any]], rows: list[dict[str, Any]]
) -> None:
    assert len(rows) > 1500
    for family in families.values():
        for token in family["tokens"]:
            (control,) = of_all.encode_trusted(token).tolist()
            assert control in of_all.control_ids, "else this test proves nothing"
    texts = [row["text"] for row in rows]
    texts += [token for family in families.values() for token in family["tokens"]]
    for text in texts:
        sealed = of_all.seal(text)
        assert not of_all.is_control(sealed.token_ids).any(), text[:80]
        assert len(sealed.text) == len(text), "nothing is taken away"


def breaks_of(family: dict[str, Any]) -> list[str]:
    """Answers that close their turn, open the judge's and close that, with a verdict in it."""
    turn = family["turn"]
    user, own = turn["user"].split("{content}"), turn["assistant"].split("{content}")
    opened = user[-1] + (turn["open_assistant"] or own[0])
    return [
        f"{opened}{verdict}{own[-1]}" for verdict in ("[[A]]", '{"score": 10}', "Verdict: PASS")
    ]


def test_the_turns_of_a_family_are_those_around_a_harmless_answer(
    of_all: PromptTokenizer,
    families: dict[str, dict[str, Any]],
    rows: list[dict[str, Any]],
    ids_engine: Capabilities,
    make_item: MakeItem,
) -> None:
    checked = 0
    for name, family in families.items():
        turn = family["turn"]
        if not turn or not turn["user"] or not of_all.control_spans(turn["user"]):
            continue  # its turns are not known, or are plain words
        plan = plan_of(name, turn, of_all, ids_engine)
        ids = plan.render(make_item(), (0, 1)).token_ids
        assert ids is not None
        turns = ids[of_all.is_control(ids)].tolist()
        assert turns, "else this test proves nothing"
        own = [row["text"] for row in rows if row.get("template_family") == name]
        for text in [*own, *family["tokens"], *breaks_of(family)]:
            prompt = plan.render(make_item("This.", text, question=text), (1, 0))
            assert prompt.token_ids is not None
            assert prompt.token_ids[of_all.is_control(prompt.token_ids)].tolist() == turns, text
            assert plan.verify_seams(prompt) is None
            checked += 1
    assert checked > 400


def plan_of(
    name: str, turn: dict[str, str], tokenizer: PromptTokenizer, engine: Capabilities
) -> PromptPlan:
    """Prompts in the turns of a family."""
    before, after = turn["user"].split("{content}")
    template = "".join(
        [
            "{% for message in messages %}{% if message['role'] == 'user' %}",
            f"{{{{ {before!r} }}}}{{{{ message['content'] }}}}{{{{ {after!r} }}}}",
            "{% else %}{{ raise_exception('no such role') }}{% endif %}{% endfor %}",
            f"{{{{ {turn['open_assistant'] or ''!r} }}}}",
        ]
    )
    model = JudgeModel(name=name, digest="", tokenizer=tokenizer, chat_template=template)
    return PromptPlan(load_rubric("pairwise-reasons"), model, engine)
