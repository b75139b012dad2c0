"""The harmony format as `openai-harmony` renders it, token by token."""

from __future__ import annotations

import base64
import json
import os
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from tokenizers import pre_tokenizers

from judgefast.prompts import PromptPlan, load_rubric
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model_folder import read_model_folder

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.prompts.model import JudgeModel

ENGINE = Capabilities(takes="ids", label_probabilities=True, schema=True, thinking=True)
VOCABULARY = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"


def byte_of() -> dict[str, int]:
    """The byte of each character of a byte-level vocabulary."""
    printable = [byte for byte in range(256) if chr(byte) in pre_tokenizers.ByteLevel.alphabet()]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {
        chr(256 + place): byte for place, byte in enumerate(others)
    }


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "h200" / "configs" / "gpt-oss-120b"


@pytest.fixture(scope="module")
def judge(folder: Path) -> JudgeModel:
    return read_model_folder(folder).model


@pytest.fixture(scope="module")
def harmony(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The encoding, out of the vocabulary that is made again from the judge's tokenizer."""
    if os.environ.get("CI") != "true":
        pytest.importorskip("openai_harmony")
    import openai_harmony  # noqa: PLC0415 - it may not be there

    bytes_of = byte_of()
    told = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    lines = [
        base64.b64encode(bytes(bytes_of[letter] for letter in token)) + b" %d\n" % number
        for token, number in sorted(told["model"]["vocab"].items(), key=lambda entry: entry[1])
    ]
    vocabulary = b"".join(lines)
    assert sha256(vocabulary).hexdigest() == VOCABULARY
    base = tmp_path_factory.mktemp("tiktoken")
    (base / "o200k_base.tiktoken").write_bytes(vocabulary)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_ENCODINGS_BASE", str(base))
        name = openai_harmony.HarmonyEncodingName.HARMONY_GPT_OSS
        yield openai_harmony.load_harmony_encoding(name)


def rendered(harmony: Any, system: str, user: str, date: str) -> list[int]:
    """The prompt up to the assistant's turn."""
    from openai_harmony import (  # noqa: PLC0415 - it may not be there
        Conversation,
        DeveloperContent,
        Message,
        ReasoningEffort,
        Role,
        SystemContent,
    )

    told = SystemContent.new().with_reasoning_effort(ReasoningEffort.MEDIUM)
    told = told.with_conversation_start_date(date)
    messages = [Message.from_role_and_content(Role.SYSTEM, told)]
    if system:
        content = DeveloperContent.new().with_instructions(system)
        messages.append(Message.from_role_and_content(Role.DEVELOPER, content))
    messages.append(Message.from_role_and_content(Role.USER, user))
    conversation = Conversation.from_messages(messages)
    ids: list[int] = harmony.render_conversation_for_completion(conversation, Role.ASSISTANT)
    return ids


def test_the_prompts_of_every_rubric_are_those_of_openai_harmony(
    harmony: Any, judge: JudgeModel, make_item: Any
) -> None:
    item = make_item("It's <|end|>\n\nfine.", "日本語 🦀 x+1 >= 22222", question="Why 4,5?")
    for name in ("pairwise", "pairwise-reasons", "pairwise-bracket"):
        rubric = load_rubric(name)
        by_chat = PromptPlan(rubric, None, Capabilities(takes="chat")).render(item, (1, 0))
        *system, user = by_chat.messages()
        ours = PromptPlan(rubric, judge, ENGINE)
        prompt = ours.render(item, (1, 0))
        assert ours.verify_seams(prompt) is None
        assert prompt.token_ids is not None
        ids = prompt.token_ids.tolist()
        texts = [message["content"] for message in system] or [""]
        theirs = rendered(harmony, texts[0], user["content"], rubric.date)
        assert ids[: len(theirs)] == theirs
        opened = "analysis" if ours.decoding.thinking_tokens else "final"
        assert harmony.decode(ids[len(theirs) :]) == f"<|channel|>{opened}<|message|>"
        assert ours.decoding.probabilities == (name == "pairwise")


def test_what_stands_around_the_thinking_is_read_as_such_by_openai_harmony(
    harmony: Any, judge: JudgeModel
) -> None:
    from openai_harmony import Role  # noqa: PLC0415 - it may not be there

    reasoning = judge.reasoning
    assert reasoning is not None
    assert reasoning.family == "harmony"
    assert set(reasoning.answer_end_ids) == set(harmony.stop_tokens())
    assert judge.tokenizer is not None
    spoken = [judge.tokenizer.encode_trusted(text) for text in ("A or B?", "[[A]]")]
    opening = judge.tokenizer.encode_trusted(reasoning.opening or "").tolist()
    ids = [*opening, *spoken[0].tolist(), *reasoning.closing_ids, *spoken[1].tolist()]
    thought, answer = harmony.parse_messages_from_completion_tokens(ids, Role.ASSISTANT)
    assert (thought.channel, thought.content[0].text) == ("analysis", "A or B?")
    assert (answer.channel, answer.content[0].text) == ("final", "[[A]]")
    direct = judge.tokenizer.encode_trusted(reasoning.direct or "").tolist()
    [answer] = harmony.parse_messages_from_completion_tokens(
        [*direct, *spoken[1].tolist()], Role.ASSISTANT
    )
    assert (answer.channel, answer.content[0].text) == ("final", "[[A]]")
