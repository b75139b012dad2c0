"""Families of models: what their names say, however they are served, and what they do not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.catalogue.families import Families, Family, read_families, with_given
from judgefast.catalogue.files import read_rows
from judgefast.catalogue.models import Model, read_models
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

FAMILIES = read_families()

NAMES = """
openrouter/openai/gpt-4o = gpt
azure/gpt-4o-eu = gpt
openai:gpt-4.1 = gpt
ft:gpt-4o-mini-2024-07-18:my-llama-org::9abc = gpt
chatgpt-4o-latest = gpt
text-davinci-003 = gpt
gpt2-xl = gpt
o3-mini-2025-01-31 = gpt
openrouter/openai/o1-preview = gpt
openai/gpt-oss-120b = gpt
gpt-6-luna = gpt
bedrock/anthropic.claude-3-sonnet-20240229-v1:0 = claude
us.anthropic.claude-3-5-sonnet-20241022-v2:0 = claude
vertex_ai/claude-3-5-sonnet@20240620 = claude
anthropic:messages:claude-sonnet-4 = claude
arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4 = claude
models/gemini-1.5-pro = gemini
publishers/google/models/gemini-2.5-pro = gemini
bard-jan-24 = gemini
google/gemma-3-27b-it = gemini gemma
gemini/gemma-2-9b-it = gemini gemma
chat-palm-2 = gemini palm
meta-llama/Llama-3.1-8B = llama
hf.co/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q4_K_M = llama
accounts/fireworks/models/llama-v3p1-70b-instruct = llama
bedrock/us-east-1/meta.llama3-1-70b-instruct-v1:0 = llama
ollama/llama3.1:8b-instruct-q4_K_M = llama
replicate/meta/llama-2-70b-chat:02e509c789964a7ea8736978a4352 = llama
@cf/meta/llama-3.1-8b-instruct = llama
together_ai/meta-llama/Meta-Llama-3.1-70B-Instruct-Turbo = llama
groq/llama3-70b-8192 = llama
codellama/CodeLlama-34b-Instruct-hf = llama
AtlaAI/Selene-1-Mini-Llama-3.1-8B = llama
Skywork/Skywork-Critic-Llama-3.1-70B = llama
nvidia/llama-3.1-nemotron-70b-instruct = llama nemotron
nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16 = nemotron
nvidia/Qwen3-Nemotron-32B-GenRM-Principle = nemotron qwen
perplexity/llama-3.1-sonar-large-128k-online = llama sonar
lmsys/vicuna-13b-v1.5 = llama vicuna
allenai/Llama-3.1-Tulu-3-8B = llama tulu
dolphin-2.9-llama3-8b = dolphin llama
Qwen/Qwen2.5-72B-Instruct = qwen
/models/Qwen2.5-72B-Instruct-AWQ/ = qwen
/data/Qwen2.5-7B-Instruct-Q4_K_M.gguf = qwen
/srv/hub/models--Qwen--Qwen2.5-7B-Instruct/snapshots/0123456789abcdef = qwen
/runs/qwen2.5-sft/checkpoint-500 = qwen
qwen-max-2025-01-25 = qwen
Qwen/QwQ-32B = qwen
AIDC-AI/Marco-o1 = marco qwen
deepseek-r1-distill-qwen-32b = deepseek qwen
deepseek-ai/DeepSeek-R1-Distill-Llama-70B = deepseek llama
DeepSeek-R1-0528-Qwen3-8B = deepseek qwen
us.deepseek.r1-v1:0 = deepseek
deepseek-chat = deepseek
mistral.mixtral-8x7b-instruct-v0:1 = mistral
mistralai/Mistral-Small-3.2-24B-Instruct-2506 = mistral
codestral-latest = mistral
HuggingFaceH4/zephyr-7b-beta = mistral zephyr
prometheus-eval/prometheus-7b-v2.0 = mistral
prometheus-8x7b-v2.0-Q8_0.gguf = mistral
microsoft/WizardLM-2-8x22B = mistral wizardlm-2
WizardLM-13B-V1.2 = llama wizardlm
nuojohnchen/JudgeLRM-7B = qwen
Unbabel/M-Prometheus-14B = qwen
R-I-S-E/RISE-Judge-Qwen2.5-32B = qwen
Cloudflare/clef = qwen
perplexity-ai/pplx-decider-v1.1-27b = qwen
allebee/jevk5 = qwen
typesafe/jev-1.13 = jev
jev-latest = jev
convaiinnovations/laya = modernbert
xai/grok-4-fast = grok
grok-beta = grok
cohere.command-r-plus-v1:0 = command
c4ai-command-r7b-12-2024 = command
command-a-03-2025 = command
amazon.nova-pro-v1:0 = nova
nova-lite = nova
ai21.jamba-1-5-large-v1:0 = jamba
microsoft/Phi-3-mini-4k-instruct = phi
phi3:mini = phi
ibm-granite/granite-3.1-8b-instruct = granite
allenai/OLMo-2-1124-13B-Instruct = olmo
LGAI-EXAONE/EXAONE-3.5-32B-Instruct = exaone
01-ai/yi-34b-chat = yi
zai-org/GLM-4.5-Air = glm
THUDM/chatglm3-6b = glm
moonshotai/Kimi-K2-Instruct = kimi
minimax/minimax-m2.7 = minimax
HuggingFaceTB/SmolLM2-135M-Instruct = smollm
EleutherAI/gpt-j-6b = eleutherai
EleutherAI/gpt-neox-20b = eleutherai
cerebras/Cerebras-GPT-13B = cerebras-gpt
nomic-ai/gpt4all-13b-snoozy = gpt4all
TinyLlama/TinyLlama-1.1B-Chat-v1.0 = tinyllama
openlm-research/open_llama_7b = openllama
Skywork/Skywork-o1-Open-Llama-3.1-8B = llama
my-open-llama-7b = llama
open_llama_7b_v2 = openllama
NousResearch/Nous-Hermes-2-Yi-34B = hermes yi
cognitivecomputations/dolphin-2.9.1-yi-1.5-34b = dolphin yi
NousResearch/Nous-Hermes-2-SOLAR-10.7B = hermes solar
upstage/SOLAR-10.7B-Instruct-v1.0 = solar
nousresearch/hermes-3-405b-instruct = hermes hermes-3 llama
NousResearch/Hermes-4-70B-FP8 = hermes hermes-4 llama qwen
NousResearch/Hermes-4.3-36B = doubao hermes hermes-4-3
flowaicom/Flow-Judge-v0.1-AWQ = flow-judge phi
PatronusAI/glider-gguf = glider phi
berkeley-nest/Starling-LM-7B-alpha = mistral openchat starling
Intel/neural-chat-7b-v3-1 = mistral neural-chat
internlm/internlm2_5-7b-chat = internlm
deepseek-r1:14b = deepseek deepseek-r1-qwen qwen
ollama/deepseek-r1:70b-llama-distill-q4_K_M = deepseek deepseek-r1-llama llama
deepseek-r1:8b = deepseek deepseek-r1-8b llama qwen
deepseek-r1:671b = deepseek
cohere/command = command
openrouter/cohere/command = command
openai/codex-mini = gpt
openai/text-curie-001 = gpt
babbage-002 = gpt
text-bison@001 = gemini palm
vertex_ai/chat-bison-32k = gemini palm
amazon/nova-2-lite-v1:free = nova
us.amazon.nova-2-lite-v1:0 = nova
bytedance-seed/seed-1.6 = doubao
ByteDance-Seed/Seed-OSS-36B-Instruct = doubao
accounts/fireworks/models/llama-v3p1-8b-instruct#accounts/acme/deployments/ab12 = llama
/models/Llama-3.1-8B/Q4_K_M.gguf = llama
/models/Llama-3.1-8B/fp16 = llama
/models/Llama-3.1-8B/awq/ = llama
/models/Llama-3.1-8B/merged = llama
/models/Llama-3.1-8B/original/consolidated.00.pth = llama
/models/Llama-3.1-8B/model-00001-of-00004.safetensors = llama
/srv/qwen2.5/output/checkpoint-100 = qwen
/models/qwen/7b = qwen
/models/qwen/2.5/7b-instruct/gptq-int4 = qwen
C:\\models\\Qwen2.5-7B\\ggml-model-q4_0.gguf = qwen
deepseek/v3 = deepseek
/models/open/llama-7b = llama
cohere/my-own =
azure/my-deployment =
openai/my-own-finetune =
groq/whatever =
/home/llama/models/foo =
skywork-o1-open =
supernova-1 =
our-yi =
command =
Clef-flash =
polyglot =
judge =
recorded =
atlas =
beacon =
"""
TABLE = [tuple(map(str.strip, line.split("="))) for line in NAMES.strip().splitlines()]


@pytest.mark.parametrize(("name", "families"), TABLE, ids=[name for name, _ in TABLE])
def test_a_real_name_says_the_families_that_it_is_of(name: str, families: str) -> None:
    assert FAMILIES.of(name) == tuple(families.split())


PREFIXES = ["", "openrouter/", "azure/", "bedrock/us-east-1/", "accounts/fireworks/models/"]
PREFIXES += ["hf.co/bartowski/", "litellm_proxy/groq/", "/data/llama/models/", "@cf/meta/"]
FORMS = ["", "-GGUF", "-AWQ", "-GPTQ-Int4", "-FP8", "-FP8-dynamic", "-Q4_K_M.gguf", ":q8_0"]
FORMS += ["-IQ3_XXS", "-mlx-4bit", "-w4a16", "-20240806", "-bf16", "-2024-08-06", ":latest"]
FORMS += ["-bnb-4bit", "-Q4_K_M-00001-of-00002.gguf", "-mxfp4", "-quantized.w8a8", "/merged"]
FORMS += ["/Q4_K_M.gguf", "/fp16", "/checkpoint-500", "/original/consolidated.00.pth", "/"]
FORMS += ["/model-00001-of-00004.safetensors", "/final/adapter_model.bin", "/global_step_20"]


@given(
    st.sampled_from(sorted(read_models())),
    st.sampled_from(PREFIXES),
    st.sampled_from(FORMS),
    st.sampled_from([str, str.upper, str.casefold]),
)
@settings(max_examples=150)
def test_who_serves_a_model_and_how_it_is_kept_change_no_family(
    key: str, prefix: str, form: str, written: Any
) -> None:
    name = prefix + written(key + form)
    assert FAMILIES.of(key)
    assert FAMILIES.of(name) == FAMILIES.of(key)
    assert FAMILIES.same(name, key)


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=100)
def test_any_text_is_a_name_and_it_is_the_same_model_as_itself(one: str, other: str) -> None:
    for name in (one, other):
        assert set(FAMILIES.of(name)) <= _KEYS
    assert FAMILIES.same(one, other) == FAMILIES.same(other, one)
    assert FAMILIES.same(f"a{one}", f"a{one}") or "/" in one or "\\" in one


_KEYS = {*read_rows("families", Family)} | {
    model.family for model in read_models().values() if model.family
}


def test_versions_are_other_models_of_one_family() -> None:
    assert not FAMILIES.same("atlas-1", "atlas-2")
    assert not FAMILIES.same("Qwen2.5-7B-Instruct", "Qwen2.5-72B-Instruct")
    assert FAMILIES.same("hf.co/x/Atlas-1-GGUF:Q4_K_M", "atlas-1")
    for kept in ("-2024-08-06", ":latest", "-bnb-4bit", "-Q4_K_M-00001-of-00002.gguf"):
        assert FAMILIES.same("atlas-1" + kept, "atlas-1"), kept
    assert not FAMILIES.same("atlas-1-of-2", "atlas-1")


def test_sizes_and_kinds_below_a_folder_are_models_of_their_own() -> None:
    assert not FAMILIES.same("/models/qwen/7b", "/models/llama/7b")
    assert not FAMILIES.same("/models/atlas/7b", "/models/atlas/13b")
    assert not FAMILIES.same("/models/atlas/1.5b/sft", "/models/atlas/1.5b/dpo")
    assert FAMILIES.same("/models/atlas/7b/fp16", "/srv/atlas/7b/Q4_K_M.gguf")
    assert FAMILIES.same("/models/atlas/7b", "atlas-7b")


def test_who_made_a_model_says_nothing_alone_and_only_with_its_name() -> None:
    rows = [
        Family(key="both", words=["acme runner"]),
        Family(key="vendor", words=["acme"]),
        Family(key="beginning", first=["runner"]),
    ]
    families = Families({row.key: row for row in rows}, {})
    assert families.of("acme/runner-2") == families.of("acme.runner-2") == ("both",)
    assert families.of("acme/walker") == families.of("acme/x/walker") == ()
    assert families.of("acme/x/runner") == families.of("x/runner") == ("beginning",)
    assert families.of("runner/acme") == ("vendor",)


def test_a_model_that_was_trained_from_another_may_keep_its_base_to_itself() -> None:
    for name in ("dolphin-2.5", "OpenHermes-13B", "perplexity/sonar-pro", "athene-70b"):
        assert FAMILIES.lacks_base(FAMILIES.of(name)), name
    for name in ("dolphin-2.9-llama3-8b", "hermes-4-70b", "gpt-4o", "zephyr-7b-beta", "atlas"):
        assert not FAMILIES.lacks_base(FAMILIES.of(name)), name


def test_every_row_of_the_package_has_a_source_a_day_a_maker_and_known_bases() -> None:
    rows = read_rows("families", Family)
    words = [text for row in rows.values() for text in (*row.words, *row.first)]
    assert len(words) == len(set(words))
    for row in rows.values():
        assert row.source
        assert row.date
        assert row.maker
        assert set(row.of) <= rows.keys()


def test_every_model_of_the_catalogue_is_of_a_known_family() -> None:
    known = read_rows("families", Family).keys()
    for key in read_models():
        assert set(FAMILIES.of(key)) <= known
        assert FAMILIES.of(key)


def test_what_a_user_says_of_a_judge_is_a_family_a_version_or_a_model() -> None:
    for text in ("qwen", "Qwen2.5", "qwen2.5", "JudgeLRM-7B"):
        assert with_given(text)[1] == ("qwen",)
    assert with_given("deepseek, qwen")[1] == ("deepseek", "qwen")
    assert with_given("gemma")[1] == ("gemini", "gemma")
    assert with_given(" , ")[1] == ()


@pytest.mark.parametrize(
    ("maker", "families"),
    [
        ("openai", "gpt"),
        ("Anthropic", "claude"),
        ("mistral ai", "mistral"),
        ("mistralai", "mistral"),
        ("moonshot", "kimi"),
        ("x-ai", "grok"),
        ("google", "gemini gemma palm t5"),
        ("google deepmind", "gemini gemma palm t5"),
        ("z-ai", "glm"),
        ("Z.ai", "glm"),
        ("zai-org", "glm"),
        ("THUDM", "glm"),
        ("CohereForAI", "command"),
        ("tiiuae", "falcon"),
        ("HuggingFaceTB", "smollm"),
        ("MiniMaxAI", "minimax"),
        ("XiaomiMiMo", "mimo"),
        ("xai-org", "grok"),
        ("ByteDance-Seed", "doubao"),
        ("openai.com", "gpt"),
        ("meta-llama", "llama"),
        ("facebook", "llama"),
        ("alibaba cloud", "qwen"),
        ("aws", "nova titan"),
        ("deepseek-ai", "deepseek"),
        ("nousresearch", "doubao hermes hermes-3 hermes-4 hermes-4-3 llama qwen"),
    ],
)
def test_a_maker_is_all_families_of_its_own(maker: str, families: str) -> None:
    assert with_given(maker)[1] == tuple(families.split())


def test_every_name_of_a_maker_is_needed_and_says_its_family() -> None:
    rows = read_rows("families", Family)
    for row in rows.values():
        for vendor in row.vendors:
            families, said = with_given(vendor)
            assert row.key in said
            assert not families.strange
            assert not FAMILIES.of(vendor), "the words of the row say it"


@pytest.mark.parametrize("word", ["open", "ai", "labs", "face"])
def test_a_part_of_a_makers_name_is_no_maker(word: str) -> None:
    families, said = with_given(word)
    assert said == (word,)
    assert families.strange == {word}


def test_a_family_that_nobody_knows_is_one_of_its_own() -> None:
    families, given_ones = with_given("Atlas")
    assert given_ones == ("atlas",)
    assert families.strange == {"atlas"}
    assert with_given("qwen, Atlas")[0].strange == {"atlas"}
    assert not FAMILIES.strange
    assert families.of("atlas-large-v2") == families.of("atlas2") == ("atlas",)
    assert families.of("beacon") == families.of("atlantis") == ()
    assert families.of("qwen-max") == ("qwen",)


def test_a_user_adds_families_and_models_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGEFAST_CATALOGUE", str(tmp_path))
    own = {"key": "atlas", "words": ["atlas", "old atlas"], "of": ["llama"]}
    (tmp_path / "families.jsonl").write_text(json.dumps(own) + "\n")
    (tmp_path / "models.jsonl").write_text('{"key": "house", "name": "House", "family": "ours"}\n')
    families = read_families()
    assert families.of("vendor/old-atlas-7b") == ("atlas", "llama")
    assert families.of("house") == ("ours",)
    (tmp_path / "families.jsonl").write_text('{"key": "atlas", "words": ["-"]}\n')
    with pytest.raises(ConfigError, match=r"line 1: `words` is empty"):
        read_families()
    (tmp_path / "families.jsonl").write_text('{"key": "a", "words": ["a"], "of": ["lama"]}\n')
    with pytest.raises(ConfigError, match="`of` names `lama`, which is no family"):
        read_families()


def test_a_model_is_of_the_family_of_what_it_was_trained_from() -> None:
    """Also where its row says no family, or another one, and its name says none."""
    rows = {key: Family(key=key, words=[key]) for key in ("base", "own")}
    models = {
        key: Model(key=key, name=key, family=family, base_model="vendor/base-7b")
        for key, family in (("alone", None), ("tuned", "own"))
    }
    families = Families(rows, models)
    assert families.of("alone") == ("base",)
    assert families.of("tuned") == ("base", "own")


def test_of_two_that_fit_the_one_that_says_more_counts() -> None:
    rows = [
        Family(key="short", words=["nova"]),
        Family(key="long", words=["nova prime"]),
        Family(key="beginning", first=["prime"]),
    ]
    families = Families({row.key: row for row in rows}, {})
    assert families.of("x/nova-prime-2") == ("long",)
    assert families.of("nova2-prime") == ("short",)
    assert families.of("prime-nova") == ("beginning", "short")
