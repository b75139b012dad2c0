"""The model folder that the engine loads: the user's own, or one converted once into our cache."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from judgefast.engines.child.lifetime import python_command, python_environment
from judgefast.engines.embedded.cache import (
    cache_folder,
    cannot_write,
    file_digest,
    make_folder,
    only_one,
)
from judgefast.engines.embedded.facts import FACTS_FILE, ModelFacts, read_facts
from judgefast.engines.embedded.weights import find_weights
from judgefast.errors import ModelError
from judgefast.hashes import framed

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOG = logging.getLogger(__name__)
_CONVERT_SECONDS = 3600


class ModelFolder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder that OpenVINO loads, and which model it is."""

    name: str
    path: Path
    digest: str
    """SHA-256 of the GGUF file; of the model and tokenizer files where there is none."""
    facts: ModelFacts


def open_model(model: Path | None) -> ModelFolder:
    """The folder for `model`: an OpenVINO folder, a GGUF file, or None for the shipped weights.

    A GGUF file is converted at its first use (about 10 s for SmolLM2), in a process of its own.

    Raises:
        ModelError: It is missing, damaged, or of a kind that this engine does not read.

    """
    if model is None:
        return _converted(find_weights())
    if model.is_dir():
        facts = read_facts(model)
        names = ("openvino_model.bin", "openvino_model.xml", "tokenizer.json")
        digests = [bytes.fromhex(file_digest(model / name)) for name in names]
        digest = framed("judgefast model folder 1", digests).hex()
        return ModelFolder(name=model.resolve().name, path=model, digest=digest, facts=facts)
    if model.suffix != ".gguf":
        seen = "is neither a folder nor a .gguf file" if model.exists() else "does not exist"
        hint = "give a GGUF file or a folder with openvino_model.xml, or leave it out for SmolLM2"
        message = f"model `{model}` {seen}"
        raise ModelError(message, hint=hint)
    if not model.is_file():
        message = f"model `{model}` does not exist"
        raise ModelError(message, hint="name a GGUF file that exists")
    return _converted(model)


def _converted(source: Path) -> ModelFolder:
    digest = file_digest(source)
    folder = cache_folder() / "embedded" / f"{digest[:32]}-{_genai_version()}"
    if not (folder / FACTS_FILE).is_file():
        make_folder(folder.parent)
        with only_one(folder.parent / f"{folder.name}.lock"):
            if not (folder / FACTS_FILE).is_file():
                _convert(source, folder)
    name = source.name.removesuffix(".gguf")
    return ModelFolder(name=name, path=folder, digest=digest, facts=read_facts(folder))


def _convert(source: Path, folder: Path) -> None:
    """Convert into a temporary folder and rename it: `folder` is whole, or is not there."""
    prefix = f".{folder.name}-"
    for left in folder.parent.glob(f"{prefix}*"):  # a conversion that was killed; we hold the lock
        shutil.rmtree(left, ignore_errors=True)
    _LOG.info("converting %s once for the embedded engine", source)
    try:
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=prefix))
    except OSError as error:
        raise cannot_write(folder.parent, error) from error
    try:
        _run_converter([str(source.absolute()), str(temporary), str(os.getpid())], source)
        for path in temporary.iterdir():
            path.chmod(stat.S_IREAD | stat.S_IRGRP | stat.S_IROTH)
        temporary.chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
        try:
            temporary.rename(folder)
        except OSError:
            if not (folder / FACTS_FILE).is_file():  # else another process was quicker
                raise
    except OSError as error:
        message = f"the model cannot be converted into `{folder}`: {error.strerror or error}"
        raise ModelError(message, hint="free disk space, or set JUDGEFAST_CACHE") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _run_converter(arguments: Sequence[str], source: Path) -> None:
    command = python_command("judgefast.engines.embedded.convert", *arguments)
    try:
        done = subprocess.run(  # noqa: S603 - our own module, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=python_environment(),
            check=False,
            timeout=_CONVERT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        message = f"converting `{source}` took more than {_CONVERT_SECONDS} s"
        raise ModelError(message, hint="try a smaller model") from error
    if done.returncode == 0:
        return
    last = done.stderr.rstrip().rpartition(b"\n")[2]
    try:
        words, hint = msgspec.json.decode(last, type=tuple[str, str | None])
    except msgspec.DecodeError:
        how = f"signal {-done.returncode}" if done.returncode < 0 else "an error"
        words = f"converting `{source}` ended with {how}: {last.decode(errors='replace')}"
        hint = "the file may be damaged; get it again"
    raise ModelError(words, hint=hint)


def _genai_version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow to import

    try:
        return version("openvino-genai")
    except PackageNotFoundError as error:
        message = "the embedded engine needs the package `openvino-genai`"
        raise ModelError(message, hint="pip install 'judgefast[embedded]'") from error
