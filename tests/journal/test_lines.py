"""Lines of the journal read natively: what the decoder of any JSON reads, or nothing at all."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast import _native
from judgefast.engines.base import Completion, LabelRead
from judgefast.journal.columns import Line, read_batch, to_batch

DECODER = msgspec.json.Decoder(Line)
WHERE: dict[str, Any] = {"launch": "ab" * 16, "first_row": 65_536}

counts = st.integers(0, (1 << 31) - 1)
maybe = st.none() | counts
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.text(
    '\0\b\t\n\r\x1f"\\/\x7fé\u2028😀', max_size=30
)
seconds = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 1 << 40)
logprobs = seconds | st.floats(-30, 0) | st.sampled_from([-math.inf, math.inf, 1e300, -2e40, 1e-50])
completions = st.builds(
    Completion,
    request_id=st.binary(min_size=16, max_size=16),
    attempt=counts,
    lane=counts,
    text=texts,
    finish_reason=st.sampled_from(["stop", "length", "refused", "error", "cancelled"]),
    answers=st.lists(
        st.builds(
            LabelRead,
            question=st.integers(0, 65_535),
            logprobs=st.lists(logprobs, max_size=4).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    prompt_tokens=maybe,
    cached_tokens=maybe,
    completion_tokens=maybe,
    reasoning_tokens=maybe,
    started=seconds,
    wall_seconds=seconds,
    error_kind=st.sampled_from([None, "engine_error", "too_long", "timeout"]),
    error=st.none() | texts,
    replaced_surrogates=counts,
    reasoning=texts,
)


def read_both(lines: list[bytes]) -> tuple[pa.RecordBatch | None, pa.RecordBatch]:
    """The lines as the kernel reads them, and as columns of what the decoder reads."""
    framed = _native.frame_lines(b"".join(line + b"\n" for line in lines))
    spans, _, _ = _native.check_lines(framed)
    decoded = [DECODER.decode(line) for line in lines]
    return read_batch(framed, spans, **WHERE), to_batch(decoded, **WHERE)


@settings(max_examples=40, deadline=None)
@given(st.lists(completions, max_size=6))
def test_what_is_written_is_read_natively_as_the_decoder_reads_it(given: list[Completion]) -> None:
    lines = [msgspec.json.encode(one) for one in given]
    joined = b"".join(line + b"\n" for line in lines)
    assert _native.frame_completions(joined) == _native.frame_lines(joined)
    native, other = read_both(lines)
    assert native is not None
    assert native.equals(other, check_metadata=True)
    for name in ("finish_reason", "error_kind", "launch"):
        assert native.column(name).dictionary.equals(other.column(name).dictionary), name
    native.validate(full=True)


@settings(max_examples=200, deadline=None)
@given(completions, st.data())
def test_no_line_is_read_natively_that_the_decoder_reads_otherwise(
    given: Completion, data: st.DataObject
) -> None:
    line = bytearray(msgspec.json.encode(given))
    for _ in range(data.draw(st.integers(1, 2))):
        start = data.draw(st.integers(0, len(line) - 1))
        letters = st.sampled_from(list(b'0123456789-+.eE"\\u{}[],: nl/=\n\xc3'))
        line[start : start + data.draw(st.integers(0, 2))] = data.draw(
            st.lists(letters, max_size=2).map(bytes)
        )
    if b"\n" in line:
        return
    native = _native.frame_completions(bytes(line) + b"\n")
    if native is not None:
        by_kernel, by_decoder = read_both([bytes(line)])  # raises where it is no completion
        assert by_kernel is not None
        assert by_kernel.equals(by_decoder)


def test_lines_that_end_without_a_line_feed_are_not_framed_natively() -> None:
    line = msgspec.json.encode(
        Completion(request_id=bytes(16), attempt=1, lane=0, text="", finish_reason="stop")
    )
    assert _native.frame_completions(line) is None
    assert _native.frame_completions(b"") == b""


def test_one_line_of_another_version_leaves_the_batch_to_the_decoder() -> None:
    line = msgspec.json.encode(
        Completion(request_id=bytes(16), attempt=1, lane=0, text="x", finish_reason="stop")
    )
    newer = line[:-1] + b',"more":1}'
    native, other = read_both([line, newer])
    assert native is None
    assert other.column("text").to_pylist() == ["x", "x"]


def test_a_line_of_before_there_was_reasoning_is_read_natively_with_none() -> None:
    line = msgspec.json.encode(
        Completion(request_id=bytes(16), attempt=1, lane=0, text="x", finish_reason="stop")
    )
    before = line.removesuffix(b',"reasoning":""}') + b"}"
    assert before != line
    native, other = read_both([before, line])
    assert native is not None
    assert native.equals(other)
    assert native.column("reasoning").to_pylist() == ["", ""]


def test_spans_that_are_not_in_the_segment_are_not_read() -> None:
    assert read_batch(b"{}", np.array([[0, 3]], np.uintp), **WHERE) is None
    assert read_batch(b"{}", np.array([[2, 1]], np.uintp), **WHERE) is None
