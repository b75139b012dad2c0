"""Real decision servers: one of each for all tests of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engines.http.judging import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def llama(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """llama.cpp's server over a tiny model of the kind that the test names."""
    pytest.importorskip("xllamacpp", reason="its wheel is not made for this platform")
    from .servers import serve_llama  # noqa: PLC0415 - behind its wheel
    from .tiny_gguf import write_tiny_gguf  # noqa: PLC0415 - as above

    folder = tmp_path_factory.mktemp("models")
    weights = write_tiny_gguf(folder / "tiny.gguf", request.param)
    with pytest.MonkeyPatch.context() as patched, serve_llama(weights) as url:
        patched.setenv("JUDGEFAST_API_KEY", KEY)
        yield url


@pytest.fixture(scope="module")
def sparrow() -> Iterator[str]:
    """sparrow-decider's server."""
    pytest.importorskip("sparrow_decider")
    from .servers import serve_sparrow  # noqa: PLC0415 - behind its wheel

    with serve_sparrow() as url:
        yield url


@pytest.fixture(scope="module")
def laya() -> Iterator[str]:
    """laya-serve over its fake backend."""
    pytest.importorskip("laya_serve")
    from .servers import serve_laya  # noqa: PLC0415 - behind its wheel

    with serve_laya() as url:
        yield url
