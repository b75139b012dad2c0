"""The engine as an object, and what can be looked at when its servers are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import judgefast
from judgefast.engines import create_engine
from judgefast.errors import EngineError, ModelError
from tests.recorded import write_lines

from .judging import KEY, assert_complete
from .opinion import row

if TYPE_CHECKING:
    from pathlib import Path

    from .judging import Judging


def test_nothing_may_be_submitted_and_after_its_end_nothing_is_refused_with_a_stack_trace(
    server: Any, byte_model: Path
) -> None:
    with server() as one:
        engine = create_engine("http", base_url=one.url, tokenizer=str(byte_model))
        engine.start()
        engine.submit(0, [])
        assert engine.in_flight(0) == 0
        assert engine.collect(timeout_seconds=0.1) == []
        engine.close()
        engine.cancel([bytes(16)])
        with pytest.raises(EngineError, match="not running"):
            engine.submit(0, [])
        engine.close()


def test_prompts_are_made_again_without_the_server_and_with_the_tokenizer_of_the_run_only(
    server: Any,
    judging: Judging,
    names: list[str],
    byte_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(byte_model.parent)
    with server() as one:
        ran = judging.run(one.url, tokenizer=False, more=["--tokenizer", byte_model.name])
        assert_complete(ran, names)
    monkeypatch.chdir("/")  # they may be looked at from anywhere
    wanted = ran.completions()[0]
    run = judgefast.Run.open(ran.out)
    prompt = run.prompt(wanted["request_id"])
    assert prompt is not None
    assert prompt.token_ids is not None
    assert len(prompt.token_ids) == wanted["prompt_tokens"]
    assert run.show(names[0]).item_id == names[0]
    file = byte_model / "tokenizer.json"
    kept = file.read_bytes()
    try:
        file.write_bytes(kept.replace(b"im_end", b"im_and"))
        with pytest.raises(ModelError, match="is not the tokenizer that the run was made with"):
            run.prompt(wanted["request_id"])
        file.unlink()
        with pytest.raises(ModelError, match="is not there any more"):
            run.prompt(wanted["request_id"])
    finally:
        file.write_bytes(kept)


def test_words_over_chat_are_made_again_without_the_server(
    server: Any, judging: Judging, names: list[str]
) -> None:
    with server(flavour="plain", key=KEY) as one:
        ran = judging.run(one.url, tokenizer=False)
        assert_complete(ran, names)
    prompt = judgefast.Run.open(ran.out).prompt(ran.completions()[0]["request_id"])
    assert prompt is not None
    assert prompt.token_ids is None
    assert "The answer one of" in prompt.text


def test_an_address_may_be_a_text_in_python(
    server: Any, byte_model: Path, tmp_path: Path, names: list[str]
) -> None:
    data = write_lines(tmp_path / "rows.jsonl", [row(name) for name in names])
    with server() as one:
        run = judgefast.run(
            data,
            rubric="pairwise",
            engine="http",
            base_url=one.url,
            tokenizer=str(byte_model),
            out=tmp_path / "run",
        )
        assert run.table().num_rows == len(names)
