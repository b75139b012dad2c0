"""What a server is sent."""

from __future__ import annotations

import json
import re

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast import _native
from judgefast.engines.http.abilities import Abilities
from judgefast.engines.http.bodies import Bodies, defused
from judgefast.engines.remote.defuse import Defuser
from judgefast.errors import ColumnError
from judgefast.prompts.decoding import Decoding, Label
from judgefast.prompts.segments import Prompt, Segment

from .jobs import LABEL_READ, TEXT, job

VLLM = Abilities(way="completions", model="judge", lists=True, labels_by_id=True)
CHAT = Abilities(way="chat", model="judge", top_logprobs=20)
SGLANG = Abilities(way="sglang", model="judge", labels_by_id=True)
SCHEMA = '{"type":"object"}'

ids_of_a_prompt = st.lists(st.integers(0, (1 << 31) - 2), min_size=1, max_size=40)


@settings(max_examples=60)
@given(st.lists(ids_of_a_prompt, min_size=1, max_size=6))
def test_the_kernel_writes_the_json_that_json_writes(prompts: list[list[int]]) -> None:
    arrays = [np.array(each, dtype=np.int32) for each in prompts]
    expected = json.dumps(prompts, separators=(",", ":")).encode()
    assert _native.prompts_json(arrays, (1 << 31) - 1, b"a", b"bc") == b"a" + expected + b"bc"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, (1 << 31) - 2), max_size=200),
    st.lists(
        st.tuples(st.integers(0, 200), st.lists(st.integers(0, 99_999), min_size=1)), max_size=5
    ),
)
def test_prompts_that_begin_alike_are_written_each_in_full(
    head: list[int], cuts: list[tuple[int, list[int]]]
) -> None:
    prompts = [[*head[:cut], *tail] for cut, tail in cuts]
    arrays = [np.array(each, dtype=np.int32) for each in prompts]
    expected = json.dumps(prompts, separators=(",", ":")).encode()
    assert _native.prompts_json(arrays, (1 << 31) - 1, b"", b"") == expected


@pytest.mark.parametrize(
    ("prompt", "words"),
    [([], "row 1 of `prompts` holds no ids"), ([5, 100], "the id 100"), ([-1], "the id -1")],
)
def test_a_prompt_that_no_server_takes_is_named(prompt: list[int], words: str) -> None:
    arrays = [np.array(each, dtype=np.int32) for each in ([1], prompt)]
    with pytest.raises(ColumnError, match=re.escape(words)):
        _native.prompts_json(arrays, 100, b"", b"")


def test_a_list_of_prompts_is_one_body_with_the_labels_by_their_ids() -> None:
    body = json.loads(Bodies(VLLM).body([job([1, 2]), job([3])]))
    assert body == {
        "model": "judge",
        "max_tokens": 1,
        "temperature": 0.0,
        "top_p": 1.0,
        "return_tokens_as_token_ids": True,
        "logprobs": 0,
        "logprob_token_ids": [32, 33, 48731],
        "prompt": [[1, 2], [3]],
    }


def test_a_server_without_lists_is_sent_one_flat_prompt() -> None:
    alone = msgspec.structs.replace(VLLM, lists=False)
    assert json.loads(Bodies(alone).body([job([1, 2])]))["prompt"] == [1, 2]


def test_a_seed_goes_with_a_temperature_and_only_then() -> None:
    warm = Decoding(max_tokens=8, temperature=0.7, stop=("\n",))
    body = json.loads(Bodies(VLLM).body([job([1], warm, number=1)]))
    assert (body["seed"], body["temperature"], body["stop"]) == (42, 0.7, ["\n"])
    assert "seed" not in json.loads(Bodies(VLLM).body([job([1], TEXT)]))


def test_answers_are_held_to_a_schema_or_to_labels() -> None:
    held = json.loads(Bodies(VLLM).body([job([1], Decoding(max_tokens=9, schema=SCHEMA))]))
    assert held["response_format"]["json_schema"]["schema"] == {"type": "object"}
    choice = Decoding(max_tokens=9, labels=(Label("A"), Label("B")))
    body = json.loads(Bodies(VLLM).body([job([1], choice)]))
    assert body["structured_outputs"] == {"choice": ["A", "B"]}


def test_chat_is_asked_for_the_likeliest_tokens_and_sent_defused_words() -> None:
    segments = [
        Segment("Judge <|im_start|>.", trusted=True),
        Segment("fine<|im_end|>", trusted=False),
    ]
    defuser = Defuser()
    bodies = Bodies(CHAT, defuser=defuser)
    body = json.loads(bodies.body([job(None, segments=segments)]))
    assert body["messages"] == [{"role": "user", "content": "Judge <|im_start|>.fine< |im_end|>"}]
    assert (body["logprobs"], body["top_logprobs"], defuser.count) == (True, 20, 1)


def test_sglang_is_asked_in_its_own_words() -> None:
    body = json.loads(Bodies(SGLANG).body([job([1, 2], LABEL_READ), job([3], LABEL_READ)]))
    assert body == {
        "sampling_params": {"max_new_tokens": 1, "temperature": 0.0, "top_p": 1.0},
        "return_logprob": True,
        "token_ids_logprob": [32, 33, 48731],
        "input_ids": [[1, 2], [3]],
    }
    choice = Decoding(max_tokens=9, labels=(Label("A."), Label("B")))
    sampling = json.loads(Bodies(SGLANG).body([job([1], choice)]))["sampling_params"]
    assert [bool(re.fullmatch(sampling["regex"], text)) for text in ("A.", "B", "AB")] == [1, 1, 0]


@pytest.mark.parametrize(
    "spelling",
    [
        "<|im_end|>",
        "<|IM_END|>",
        "</s>",
        "[INST]",
        "[/INST]",
        "<start_of_turn>",
        "<<SYS>>",
        "<think>",
    ],
)
def test_usual_control_tokens_are_broken_up_and_counted(spelling: str) -> None:
    defuser = Defuser()
    text = defuser(f"a {spelling} b {spelling}")
    assert spelling.lower() not in text.lower()
    assert text.replace("< ", "<").replace("[ ", "[") == f"a {spelling} b {spelling}"
    assert defuser.count == 2


def test_a_model_s_own_control_tokens_are_broken_up_too() -> None:
    assert Defuser(["◁end▷"])("x◁end▷") == "x◁ end▷"


@settings(max_examples=60)
@given(st.text(alphabet="<>|[]/sINTimed_ ", max_size=40))
def test_nothing_but_blanks_is_added_to_a_text(text: str) -> None:
    assert Defuser()(text).replace(" ", "") == text.replace(" ", "")


def test_the_prompt_keeps_what_was_said() -> None:
    segments = (Segment("Judge.\n", trusted=True), Segment("a</s>b", trusted=False, slot="answer"))
    prompt = Prompt(segments, None, b"", 0)
    said = defused(prompt, Defuser())
    assert said == [{"role": "user", "content": "Judge.\na< /s>b"}]
    assert prompt.text == "Judge.\na</s>b"
    assert prompt.state() == {"answer": "a</s>b"}
