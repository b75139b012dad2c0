"""What `docs/formats.md` says is what the program does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from judgefast import _native
from judgefast.hashes import cluster_id64, framed
from judgefast.journal.columns import completions_schema
from judgefast.journal.manifest import Manifest
from judgefast.journal.segments import Segment, line_batches, read_lines

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")


def table(header: str) -> list[list[str]]:
    """Cells of the table whose first line is `header`, without the code marks."""
    rows = PAGE.split(f"{header}\n", 1)[1].splitlines()[1:]
    cells = [row.strip("|").split("|") for row in rows[: rows.index("")]]
    return [[cell.strip().strip("`") for cell in row] for row in cells]


def test_the_framed_hashes_of_the_page_are_ours() -> None:
    vectors = table("| tag | fields | sha256 |")
    assert len(vectors) == 5
    for tag, fields, digest in vectors:
        given = [bytes.fromhex(field) for field in json.loads(fields)]
        assert framed(tag, given).hex() == digest


def test_the_words_of_the_page_are_ours() -> None:
    kernels = {"shuffle": _native.shuffle_keys, "limit": _native.limit_keys}
    vectors = table("| use | tag | seed | text | word |")
    assert {use for use, *_ in vectors} == kernels.keys()
    for use, tag, seed, text, word in vectors:
        assert hex(int(kernels[use]([text], int(seed))[0])) == word
        digest = framed(tag, [int(seed).to_bytes(8, "little"), text.encode()])
        assert hex(int.from_bytes(digest[:8], "little")) == word


def test_the_cluster_ids_of_the_page_are_ours() -> None:
    vectors = table("| cluster | cluster_id64 |")
    assert len(vectors) == 2
    for cluster, word in vectors:
        assert hex(cluster_id64(cluster)) == word
        assert hex(int(_native.cluster_id64([cluster])[0])) == word


def test_the_line_of_the_page_is_read(tmp_path: Path) -> None:
    segment = Segment("0" * 32, 0)
    line = PAGE.split("```text\n", 1)[1].split("```", 1)[0]
    segment.opened(tmp_path).write_text(line)
    lines = read_lines(segment.opened(tmp_path))
    assert lines.torn_bytes == 0
    [batch] = line_batches(segment.opened(tmp_path), lines, segment)
    [row] = batch.to_pylist()
    assert row["request_id"] == framed("judgefast text 1", [b"Paris"])[:16]
    assert row["answers"] == [{"question": 0, "logprobs": [-0.25, -1.5, float("-inf")]}]
    assert "CRC-32C is that of RFC 3720" in PAGE
    assert _native.frame_lines(b"123456789\n") == b"e3069283 123456789\n"


def test_the_columns_of_the_page_are_those_of_the_table() -> None:
    described = [(name, kind) for name, kind, _ in table("| column | type | what |")]
    assert described == [(field.name, str(field.type)) for field in completions_schema()]


@pytest.mark.parametrize("field", Manifest.__struct_fields__)
def test_every_field_of_the_manifest_is_on_the_page(field: str) -> None:
    names = " ".join(name for name, _ in table("| field | what |"))
    assert re.search(rf"\b{field}\b", names)
