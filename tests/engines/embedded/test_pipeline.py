"""What goes into the engine and what is read of it, over stand-ins for its objects."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from judgefast.engines.embedded.pipeline import Grammar, Pipeline, output_of, prompt_is_done


class Config:
    """Holds settings as 32-bit floats and plain values; ignores names that it does not know."""

    known = ("max_new_tokens", "temperature", "do_sample", "logprobs", "apply_chat_template")

    def __init__(self, **settings: Any) -> None:
        self.rng_seed = 0
        for name in (*self.known, "eos_token_id", "stop_token_ids", "structured_output_config"):
            value = settings.get(name)
            setattr(self, name, float(np.float32(value)) if isinstance(value, float) else value)

    def validate(self) -> None:
        """Accept everything."""


@pytest.fixture
def pipeline() -> Pipeline:
    """A pipeline around a made-up engine that notes what it is given."""
    made = Pipeline.__new__(Pipeline)
    made._genai = SimpleNamespace(
        GenerationConfig=Config,
        StructuredOutputConfig=lambda regex=None, json_schema=None: SimpleNamespace(
            regex=regex, json_schema=json_schema
        ),
    )
    made._openvino = SimpleNamespace(Tensor=lambda array: array)
    made._eos_ids = (2, 7)
    made._next_id = 0
    made._pipeline = SimpleNamespace(add_request=lambda *given: given)
    return made


def test_a_prompt_goes_in_as_one_row_of_int64_under_a_fresh_id(pipeline: Pipeline) -> None:
    ids = np.array([5, 0, 6, 0, 7], dtype=np.int32)[::2]
    first, second = (pipeline.add(ids, max_new_tokens=3) for _ in range(2))
    assert (first[0], second[0]) == (1, 2)
    assert first[1].tolist() == [[5, 6, 7]]
    assert first[1].dtype == np.int64
    assert first[1].flags.c_contiguous


def test_openvino_is_imported_without_its_telemetry() -> None:
    pytest.importorskip("gguf", reason="the extra `embedded` is not installed")
    script = (
        "import sys, threading; from judgefast.engines.embedded.native import load_openvino; "
        "load_openvino(); print(sys.modules['openvino_telemetry'], threading.active_count())"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "1"]


def test_settings_are_what_was_asked_for(pipeline: Pipeline) -> None:
    config = pipeline._config(Grammar("regex", "A"), {"max_new_tokens": 3, "temperature": 0.7})
    assert config.max_new_tokens == 3
    assert config.logprobs == 1
    assert config.do_sample is False
    assert (config.eos_token_id, config.stop_token_ids) == (2, {2, 7})
    assert config.structured_output_config.regex == "A"


def test_a_setting_that_the_engine_does_not_know_is_an_error(pipeline: Pipeline) -> None:
    with pytest.raises(ValueError, match=r"settings \['max_tokens'\] are not known to the engine"):
        pipeline._config(None, {"max_tokens": 3})


def test_a_setting_that_the_engine_did_not_take_is_an_error(pipeline: Pipeline) -> None:
    with pytest.raises(ValueError, match="the engine did not take the setting rng_seed=5"):
        pipeline._config(None, {"rng_seed": 5})


def handle(status: str, *, can_read: bool, results: list[Any] | None = None) -> Any:
    def read_all() -> list[Any]:
        assert results is not None, "reading now would wait for ever"
        return results

    return SimpleNamespace(
        get_status=lambda: SimpleNamespace(name=status),
        can_read=lambda: can_read,
        read_all=read_all,
    )


def test_a_request_is_read_only_when_it_has_ended() -> None:
    assert output_of(handle("RUNNING", can_read=True)) is None
    for status in ("IGNORED", "CANCEL", "STOP"):
        found = output_of(handle(status, can_read=True))
        assert found is not None
        assert found.finish == "IGNORED"
    for ended in (
        handle("FINISHED", can_read=False),
        handle("FINISHED", can_read=True, results=[]),
    ):
        found = output_of(ended)
        assert found is not None
        assert found.finish == "IGNORED"
    result = SimpleNamespace(
        generated_ids=[5], generated_log_probs=[-1.0], finish_reason=SimpleNamespace(name="LENGTH")
    )
    found = output_of(handle("FINISHED", can_read=True, results=[result]))
    assert found is not None
    assert (found.tokens, found.logprobs, found.finish) == ([5], [-1.0], "LENGTH")


def test_a_prompt_is_done_with_its_first_token() -> None:
    assert not prompt_is_done(handle("RUNNING", can_read=False))
    assert prompt_is_done(handle("RUNNING", can_read=True))
    assert prompt_is_done(handle("FINISHED", can_read=False))
