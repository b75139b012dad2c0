"""Where a model's files are on this machine, without reading them."""

from __future__ import annotations

import os
from pathlib import Path

from judgefast.errors import ModelError


def find_folder(model: str) -> Path | None:
    """The folder of a model: the one named, or its newest in the cache of the Hugging Face hub.

    Raises:
        ModelError: What is named is a path, but no model folder.

    """
    path = Path(model).expanduser()
    if path.is_dir() or model.startswith((".", "/", "~")):
        if not (path / "config.json").is_file():
            message = f"`{model}` is no model folder: it has no config.json"
            raise ModelError(message, hint="name the folder that holds the model's config.json")
        return path
    home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    kept = cache.glob(f"models--{model.replace('/', '--')}/snapshots/*/config.json")
    newest = max(kept, key=lambda file: file.stat().st_mtime, default=None)
    return newest.parent if newest else None
