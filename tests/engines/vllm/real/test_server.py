"""`vllm serve` on the CPU, asked by the HTTP engine: the same numbers as in this process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from judgefast.engines import create_engine
from judgefast.engines.http.trial import Trial
from judgefast.engines.remote.options import Secret
from judgefast.engines.servers.address import held_address
from judgefast.prompts.decoding import Decoding
from judgefast.prompts.reasoning import Reasoning
from tests.engines.http.judging import KEY, Judging, short_reasons
from tests.recorded import pairs, write_lines

from .test_engine import TEXTS, encoded, labels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from judgefast.batches.request import Request
    from tests.engines.conftest import Started

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

START_SECONDS = 700
BLOCK = 32
CONTEXT = 2048
OPTIONS = {"timeout_seconds": 200, "list_size": 4}


@pytest.fixture(scope="module")
def url(vllm_environment: None, smollm2: Path) -> Iterator[str]:
    """A server of SmolLM2, with a key; one start for all tests."""
    with held_address("127.0.0.1", 0) as address, serve_vllm(smollm2, address.port) as root:
        yield root


@contextmanager
def serve_vllm(model: Path, port: int) -> Iterator[str]:
    """`vllm serve` as a process that ends with the block; its address."""
    address = f"http://127.0.0.1:{port}"
    command = [Path(sys.executable).with_name("vllm"), "serve", model, "--host", "127.0.0.1"]
    command += ["--port", port, "--served-model-name", "smollm2", "--max-model-len", CONTEXT]
    command += ["--max-num-seqs", 16, "--enforce-eager", "--block-size", BLOCK]
    command += ["--enable-prompt-tokens-details", "--structured-outputs-config"]
    command += ['{"backend":"xgrammar","disable_any_whitespace":true}']
    process = subprocess.Popen(
        list(map(str, command)),
        env=os.environ | {"VLLM_API_KEY": KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_until_healthy(process, address)
        yield address
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):  # its workers live on for some seconds
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, number)
                process.communicate(timeout=20)


def wait_until_healthy(process: subprocess.Popen[str], address: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, process.communicate()[1][-3000:]
        with suppress(OSError):
            return told(address, "/health")
        time.sleep(0.5)
    pytest.fail("it did not start in time")


def told(address: str, path: str) -> str:
    with urllib.request.urlopen(address + path, timeout=10) as response:  # noqa: S310 - our server
        return response.read().decode()


def counter(address: str, name: str) -> float:
    """A counter of `/metrics`."""
    lines = told(address, "/metrics").splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(f"vllm:{name}_total{{"))


@pytest.fixture(scope="module")
def engine(url: str, smollm2: Path) -> Iterator[Any]:
    """One that has found out what the server can do, which takes it a while on a CPU."""
    made = server_engine(url, smollm2)
    made.start()
    yield made
    made.close()


def server_engine(url: str, model: Path, **options: Any) -> Any:
    """An engine that has the key; not started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUDGEFAST_API_KEY", KEY)
        return create_engine("http", base_url=(url,), tokenizer=str(model), **OPTIONS | options)


def test_label_probabilities_of_the_endpoint_are_those_of_the_engine_in_this_process(
    started_vllm: Started, engine: Any, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    here = started_vllm.engine
    decoding = Decoding(max_tokens=1, labels=labels_of(here, "A", "B", "C"), probabilities=True)
    requests = [ask(encoded(here, text), decoding) for text in TEXTS]
    found = [
        np.exp([each.answers[0].logprobs for each in answers(one, requests)])
        for one in (here, engine)
    ]
    assert found[0].shape == (len(TEXTS), 3)
    assert found[1] == pytest.approx(found[0], abs=5e-5)
    assert np.ptp(found[0]) > 0.1


def test_prompts_of_a_list_share_their_prefix_as_the_server_counts_it(
    url: str, engine: Any, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    random = np.random.default_rng(7)
    shared = random.integers(1000, 9000, 100).tolist()
    prompts = [shared + random.integers(1000, 9000, 30).tolist() for _ in range(9)]
    answers(engine, [ask(prompts[0])])  # lists of cold prompts would be computed side by side
    before = [counter(url, name) for name in ("prefix_cache_queries", "prefix_cache_hits")]
    found = answers(engine, [ask(ids) for ids in prompts[1:]])
    after = [counter(url, name) for name in ("prefix_cache_queries", "prefix_cache_hits")]
    assert after[0] - before[0] == 8 * 130
    assert after[1] - before[1] == 8 * (100 // BLOCK * BLOCK)
    assert {each.prompt_tokens for each in found} == {130}
    assert {each.finish_reason for each in found} <= {"stop", "length"}


def test_a_prompt_that_the_server_finds_too_long_is_found_in_its_list(
    engine: Any, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    few = [ask([100 + n] * 20) for n in range(3)]
    long = ask([5] * (CONTEXT + 10))
    found = answers(engine, [few[0], long, *few[1:]])
    assert [each.error_kind for each in found] == [None, "too_long", None, None]


def test_verdicts_of_a_schema_come_first_and_the_run_has_every_one(
    url: str, smollm2: Path, tmp_path: Path
) -> None:
    rubric = short_reasons(tmp_path)
    data = write_lines(tmp_path / "pairs.jsonl", pairs()[:3])
    ran = Judging(tmp_path, data, smollm2).run(url, rubric=str(rubric), options=OPTIONS)
    assert ran.status == 0, ran.words
    assert ran.counts["parsed"] == ran.counts["planned"] == 6
    for completion in ran.completions():
        assert re.match(r'\{"verdict":"[ABC]","reason":"', completion["text"])


TOLD = [f"A short story about the number {number} begins so: once" for number in range(8)]
LONG = Decoding(max_tokens=48)


def test_long_answers_of_a_list_are_streamed_some_tokens_at_a_time_and_are_those_of_single_requests(
    url: str, engine: Any, smollm2: Path, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    assert engine.found.abilities.stream == "answers"
    encode = engine.model.tokenizer.encode_trusted
    requests = [ask(encode(text).tolist(), LONG) for text in TOLD]
    before = [counter(url, name) for name in ("prompt_tokens", "generation_tokens")]
    since = engine.counters()
    found = answers(engine, requests)
    after = [counter(url, name) for name in ("prompt_tokens", "generation_tokens")]
    used = [new - old for new, old in zip(after, before, strict=True)]
    assert used == [
        sum(each.prompt_tokens for each in found),
        sum(each.completion_tokens for each in found),
    ]
    names = ("server_prompt_tokens", "server_completion_tokens")
    assert used == [engine.counters()[name] - since[name] for name in names]
    alone = server_engine(url, smollm2, stream="off")
    alone.start()
    singly = answers(alone, requests)
    alone.close()
    same = sum(a.text == b.text for a, b in zip(found, singly, strict=True))
    assert same >= len(TOLD) - 2, "numbers hang a little on what is computed beside them"
    assert [each.completion_tokens for each in found] == pytest.approx(
        [each.completion_tokens for each in singly], abs=48
    )
    assert all(each.completion_tokens > 8 or each.finish_reason == "stop" for each in found)


def test_a_judge_is_asked_for_its_thinking_and_behind_it_for_its_answer(
    url: str, smollm2: Path, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    """SmolLM2 does not think: what it writes up to the first full stop stands for that."""
    made = server_engine(url, smollm2)
    tokenizer = made.model.tokenizer
    stop, closing = (tokenizer.encode_trusted(text).tolist() for text in (".", "\nSo the sky is"))
    reasoning = Reasoning(
        family="think",
        by_default=True,
        opening="",
        direct="",
        closing="",
        closing_ids=tuple(closing),
        end_ids=tuple(stop),
        answer_end_ids=(),
        text_ids=(),
    )
    trial = Trial(made._running()._client, url, Secret(KEY), tokenizer, 60.0)
    assert made._running().result(trial._is_ended_by_ids(made.found.abilities))
    made.found = made.found._replace(
        abilities=msgspec.structs.replace(made.found.abilities, thinking=True)
    )
    made.model.__dict__["reasoning"] = reasoning
    made.start()
    prompt = tokenizer.encode_trusted(TOLD[0]).tolist()
    thoughtful = Decoding(max_tokens=6, thinking_tokens=40 + len(closing))
    hasty = msgspec.structs.replace(thoughtful, thinking_tokens=len(closing) + 2)
    done, short = answers(made, [ask(prompt, thoughtful), ask(prompt, hasty)])
    plain = answers(made, [ask(prompt, Decoding(max_tokens=40))])[0].text
    made.close()
    thought, _, _ = plain.partition(".")
    assert 3 < len(thought) < len(plain)
    assert done.reasoning == thought.strip()
    assert done.reasoning_tokens == len(tokenizer.encode_trusted(thought + ".").tolist())
    assert done.prompt_tokens == len(prompt)
    assert 0 < done.completion_tokens - done.reasoning_tokens <= 6
    assert done.text
    assert "." not in done.reasoning
    assert (short.text, short.finish_reason, short.reasoning_tokens) == ("", "length", 2)
