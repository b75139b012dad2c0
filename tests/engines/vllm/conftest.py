"""Models of the catalogue, of which no weights are here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from judgefast.catalogue.shape import Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def model(shared: Path) -> Callable[[str], Shape]:
    """Shape of a model of the catalogue, without its weights."""

    def read(key: str) -> Shape:
        folder = shared / "catalog/models" / key
        if not folder.is_dir():
            folder = shared / "h200/configs" / key
        return shape_of(folder, json.loads((folder / "config.json").read_text("utf-8")))

    return read
