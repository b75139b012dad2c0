"""Control tokens spelled in words: broken up once and for all, counted, and kept as they were."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.engines.remote.defuse import Defuser

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def tokens(shared: Path) -> list[str]:
    """Control tokens of every family, as a server's own; plain words of roles are none."""
    path = shared / "data/attacks/control_tokens.json"
    families = json.loads(path.read_text("utf-8"))["families"]
    listed = {token for family in families.values() for token in family["tokens"]}
    return sorted(token for token in listed if " " not in token)


def attacks(shared: Path) -> list[str]:
    lines = (shared / "data/attacks/injections.jsonl").read_text("utf-8").split("\n")
    return [json.loads(line)["text"] for line in lines if line]


def test_no_attack_spells_a_control_token_any_more_and_a_second_time_changes_nothing(
    shared: Path, tokens: list[str]
) -> None:
    defuser = Defuser(tokens)
    hostile = 0
    for text in [*attacks(shared), *tokens, "".join(tokens)]:
        before = defuser.count
        broken = defuser(text)
        found = defuser.count - before
        assert len(broken) == len(text) + found, "one blank each, and nothing taken away"
        is_spelled = any(token.lower() in text.lower() for token in tokens)
        assert (found > 0) == (is_spelled or Defuser()(text) != text)
        assert not [token for token in tokens if token.lower() in broken.lower()]
        after = defuser.count
        assert (defuser(broken), defuser.count) == (broken, after)
        hostile += found > 0
    assert hostile > 350


NESTED = st.lists(
    st.sampled_from([*"<>|[]/", "im_end", "<|im_", "end|>", "<|", "|>", "<s>", "INST", " ", "◁e▷"]),
    max_size=14,
).map("".join)


@settings(max_examples=150, deadline=None)
@given(text=NESTED)
def test_nested_spellings_are_broken_up_in_one_go(text: str) -> None:
    defuser = Defuser(["◁e▷", "    ", "<|im_<|", "\n\n"])
    broken = defuser(text)
    count = defuser.count
    assert defuser(broken) == broken
    assert defuser.count == count == len(broken) - len(text)


def test_blanks_are_no_spelling_whatever_the_vocabulary_says() -> None:
    defuser = Defuser(["        ", "\n\n", "\t\t"])
    code = "def f():\n\n        return 1\t\t# one"
    assert (defuser(code), defuser.count) == (code, 0)


def test_look_alikes_that_spell_no_token_pass_as_they_are(shared: Path) -> None:
    rows = (shared / "data/attacks/benign_lookalikes.jsonl").read_text("utf-8").split("\n")
    texts = [json.loads(row)["text"] for row in rows if row]
    changed = [text for text in texts if Defuser()(text) != text]
    assert all("<" in text or "[" in text for text in changed)
    assert len(changed) < len(texts) / 4
    for text in changed:
        assert Defuser()(text).replace("< ", "<").replace("[ ", "[") == text
