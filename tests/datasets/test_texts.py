"""Texts in native code: the column of Arrow and the hashes, beside plain Python."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast import _native
from judgefast.batches import sampling_seed
from judgefast.datasets.items import text_hash
from judgefast.hashes import framed

TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | TEXTS, max_size=20))
def test_a_column_of_texts_is_that_of_arrow(values: list[str | None]) -> None:
    found = _native.text_column(values)
    assert found is not None
    offsets, joined, present = found
    buffers = [None if present is None else pa.py_buffer(present)]
    buffers += [pa.py_buffer(offsets), pa.py_buffer(joined)]
    column = pa.Array.from_buffers(pa.string(), len(values), buffers)
    column.validate(full=True)
    assert column.equals(pa.array(values, pa.string()))
    assert (present is None) == (None not in values)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_a_text_has_the_hash_of_its_definition(text: str) -> None:
    assert text_hash(text) == framed("judgefast text 1", [text.encode()])


@pytest.mark.parametrize("take", [text_hash, lambda text: _native.text_column([text])])
def test_a_lone_surrogate_is_no_text(take) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - two functions
    with pytest.raises(UnicodeEncodeError):
        take("a\ud800")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(min_size=16, max_size=16), max_size=5))
def test_sampling_seeds_are_those_of_each_key(keys: list[bytes]) -> None:
    assert _native.sampling_seeds(b"".join(keys)) == [sampling_seed(key) for key in keys]
