"""Models of the catalogue, of which no weights are here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from judgefast.catalogue.models import find_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.catalogue.shape import Shape


@pytest.fixture
def model() -> Callable[[str], Shape]:
    """Shape of a model of the catalogue, by its config.json alone."""

    def read(key: str) -> Shape:
        shape = find_model(key).shape
        assert shape is not None
        return shape

    return read
