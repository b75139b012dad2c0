"""The contract of an engine, on the real one; window, sharing, grammars."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.engines.embedded import EmbeddedEngine
from judgefast.errors import ConfigError, EngineError
from judgefast.prompts.decoding import Decoding, Label

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.prompts.tokenizer import PromptTokenizer

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

RUBRIC = "<|im_start|>system\nYou are a judge. Answer A or B.\n" + "Be concise and correct. " * 24


def body(number: int) -> str:
    return f"\nQuestion: what is {number}+{number}? {2 * number}<|im_end|>\n<|im_start|>assistant\n"


def test_every_request_comes_back_once_and_the_window_is_full(
    engine: EmbeddedEngine,
    ask: Callable[..., Request],
    label_decoding: Callable[..., Decoding],
    run: Callable[..., Any],
    record_property: Callable[[str, object], None],
) -> None:
    tokenizer = engine.model.tokenizer
    decoding = label_decoding("A", "B")
    rubric = tokenizer.encode_trusted(RUBRIC).tolist()
    bodies = [tokenizer.encode_trusted(body(number)).tolist() for number in range(64)]
    before = engine.counters()
    begin = time.perf_counter()
    primed = run(engine, [ask(rubric + ids, decoding, shared_tokens=len(rubric)) for ids in bodies])
    primed_seconds = (time.perf_counter() - begin) / len(bodies)
    after = engine.counters()
    steps = after["steps"] - before["steps"]
    in_steps = after["steps"] * after["mean_in_flight"] - before["steps"] * before["mean_in_flight"]
    assert in_steps / steps >= 8
    assert after["primed_heads"] > before["primed_heads"]

    other = [rubric[0], *rubric[:0:-1]]  # as long, and nothing of it in the cache
    begin = time.perf_counter()
    run(engine, [ask(other + ids, decoding) for ids in bodies[:8]])
    unprimed_seconds = (time.perf_counter() - begin) / 8
    record_property("primed_seconds_per_request", primed_seconds)
    record_property("unprimed_seconds_per_request", unprimed_seconds)
    print(  # noqa: T201 - the record of a test that times
        f"primed {primed_seconds:.3f} s, unprimed {unprimed_seconds:.3f} s a request; "
        f"{in_steps / steps:.1f} in flight"
    )
    assert {completion.finish_reason for completion in primed.values()} == {"stop"}
    assert all(c.cached_tokens is None and c.prompt_tokens > 100 for c in primed.values())
    assert all(0 < c.wall_seconds < 120 and c.started > 1e9 for c in primed.values())


def test_a_cancelled_request_comes_back_and_unknown_ones_are_ignored(
    engine: EmbeddedEngine,
    tokenizer: PromptTokenizer,
    ask: Callable[..., Request],
    collect: Callable[..., Any],
) -> None:
    ids = tokenizer.encode_trusted("Once upon a time")
    long, short = ask(ids, Decoding(max_tokens=4000)), ask(ids, Decoding(max_tokens=3))
    engine.submit(0, [long, short])
    assert engine.in_flight(0) == 2
    engine.cancel([b"\xff" * 16])
    time.sleep(0.3)
    begin = time.monotonic()
    engine.cancel([long.request_id])
    found = collect(engine, 2, 30)
    assert time.monotonic() - begin < 10
    assert found[long.request_id].finish_reason == "cancelled"
    assert found[short.request_id].finish_reason in {"stop", "length"}


def test_text_is_cut_at_max_tokens_and_ends_at_a_stop_text(
    engine: EmbeddedEngine,
    tokenizer: PromptTokenizer,
    ask: Callable[..., Request],
    run: Callable[..., Any],
) -> None:
    ids = tokenizer.encode_trusted("One, two, three, four, five, six, seven,")
    free = ask(ids, Decoding(max_tokens=8))
    stopped = ask(ids, Decoding(max_tokens=8, stop=("nine",)))
    found = run(engine, [free, stopped])
    assert found[free.request_id].finish_reason == "length"
    assert found[free.request_id].completion_tokens == 8
    assert found[free.request_id].text.startswith(" eight, and nine")
    assert found[stopped.request_id].finish_reason == "stop"
    assert found[stopped.request_id].text == " eight, and"


def test_a_schema_and_labels_hold_the_text(
    engine: EmbeddedEngine,
    tokenizer: PromptTokenizer,
    ask: Callable[..., Request],
    run: Callable[..., Any],
) -> None:
    ids = tokenizer.encode_trusted(RUBRIC + body(3))
    schema = {
        "type": "object",
        "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 5}},
        "required": ["score"],
        "additionalProperties": False,
    }
    held = ask(ids, Decoding(max_tokens=60, schema=json.dumps(schema)))
    words = ["[[A>>B]]", "x^$.|?*+(){}\\ y", "a\nb", "é🙂", "A/B-c"]
    chosen = ask(ids, Decoding(max_tokens=40, labels=tuple(Label(word) for word in words)))
    single = [ask(ids, Decoding(max_tokens=40, labels=(Label(word),))) for word in words]
    found = run(engine, [held, chosen, *single])
    answer = found[held.request_id]
    if answer.finish_reason == "stop":  # this model likes white space; it may be cut
        assert 1 <= json.loads(answer.text)["score"] <= 5
    assert found[chosen.request_id].text in words
    assert [found[each.request_id].text for each in single] == words


def test_what_the_engine_refuses_of_a_grammar_fails_alone(
    engine: EmbeddedEngine,
    tokenizer: PromptTokenizer,
    ask: Callable[..., Request],
    run: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("judgefast.engines.embedded.guards.check_schema", lambda _: None)
    ids = tokenizer.encode_trusted("Hello")
    good = [ask(ids) for _ in range(3)]
    bad = ask(ids, Decoding(max_tokens=4, schema='{"type":"objekt"}'))
    found = run(engine, [*good[:2], bad, good[2]])
    assert found[bad.request_id].error_kind == "engine_error"
    assert "the engine refuses its grammar" in found[bad.request_id].error
    texts = {found[each.request_id].text for each in good}
    assert len(texts) == 1
    assert "" not in texts
    assert engine.counters()["restarts"] == 0


def test_what_a_guard_refuses_comes_back_with_words(
    engine: EmbeddedEngine, ask: Callable[..., Request], run: Callable[..., Any]
) -> None:
    long, foreign = ask([5] * 8190, Decoding(max_tokens=3)), ask([5, 49_152])
    found = run(engine, [long, foreign])
    assert found[long.request_id].error_kind == "too_long"
    assert found[long.request_id].error == (
        "not sent to the engine: its prompt of 8,190 tokens and 3 new ones exceed the model's "
        "context of 8,192"
    )
    assert found[foreign.request_id].error_kind == "engine_error"
    assert found[foreign.request_id].finish_reason == "error"


def test_what_has_no_room_in_the_cache_waits_or_is_run_alone(
    weights: Path, ask: Callable[..., Request], run: Callable[..., Any]
) -> None:
    engine = EmbeddedEngine(weights, kv_blocks=12)
    engine.start()
    rng = np.random.default_rng(1)
    requests = [ask(rng.integers(100, 9000, 150), Decoding(max_tokens=8)) for _ in range(6)]
    too_large = ask(rng.integers(100, 9000, 400))
    try:
        found = run(engine, [*requests, too_large])
    finally:
        engine.close()
    assert found[too_large.request_id].error_kind == "too_long"
    assert "blocks of the KV cache, which has 12" in found[too_large.request_id].error
    assert all(found[each.request_id].error is None for each in requests)


def test_facts_of_the_launch_and_of_the_model(engine: EmbeddedEngine) -> None:
    assert engine.model.context_tokens == 8192
    assert engine.model.digest.startswith("b179c9523d0e")
    assert engine.model.eos_token == "<|im_end|>"  # noqa: S105 - a mark, no password
    assert "im_start" in (engine.model.chat_template or "")
    assert engine.capabilities.deterministic
    assert not EmbeddedEngine(exact=False).capabilities.deterministic
    assert [lane.room for lane in engine.lanes] == [64]


def test_settings_out_of_range_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"batched_tokens is 0; the embedded engine takes 256 to"):
        EmbeddedEngine(batched_tokens=0)
    with pytest.raises(ConfigError, match="room is '64'; the embedded engine takes 1 to 4096"):
        EmbeddedEngine(room="64")
    for name in ("room", "kv_blocks", "threads", "batched_tokens"):
        with pytest.raises(ConfigError, match=f"{name} is 300.5; .* whole numbers"):
            EmbeddedEngine(**{name: 300.5})
    with pytest.raises(ConfigError, match="exact is 'no'; the embedded engine takes true or"):
        EmbeddedEngine(exact="no")
    with pytest.raises(TypeError, match="guided"):
        EmbeddedEngine(guided=True)


def test_an_engine_that_does_not_run_takes_nothing(ask: Callable[..., Request]) -> None:
    engine = EmbeddedEngine()
    with pytest.raises(EngineError, match="is not running"):
        engine.submit(0, [ask([1])])
    engine.close()
    engine.close()
