"""The files of a judge: a folder, or a name of the hub that is fetched or found in its cache."""

from __future__ import annotations

from pathlib import Path

from judgefast.errors import ConfigError, ModelError
from judgefast.prompts.model_folder import ModelFolder, read_model_folder

_BESIDE_WEIGHTS = ("*.json", "*.jinja", "*.txt", "*.model")


def find_model(named: str | None) -> ModelFolder:
    """The folder of a judge.

    Args:
        named: A path, or a name such as `Qwen/Qwen2.5-72B-Instruct`. Of the hub's the small files
            alone are fetched here, to plan with; vLLM fetches the weights.

    Raises:
        ConfigError: No model was named.
        ModelError: There is none of that name.

    """
    if not named:
        message = "the engine `vllm` needs a judge model"
        raise ConfigError(message, hint="add --model PATH, or a name of the Hugging Face hub")
    path = Path(named).expanduser()
    if path.is_dir():
        return read_model_folder(path)
    if path.exists() or named.startswith((".", "/", "~")):
        message = f"`{named}` is no model folder"
        raise ModelError(message, hint="name the folder that holds the model's config.json")
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - vLLM brings it
    from huggingface_hub.errors import HfHubHTTPError  # noqa: PLC0415 - as above

    try:
        found = snapshot_download(named, allow_patterns=list(_BESIDE_WEIGHTS))
    except (HfHubHTTPError, OSError, ValueError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        message = f"`{named}` is neither a folder nor to be had from the hub: {words}"
        raise ModelError(message, hint="check the name, or name a folder") from error
    return read_model_folder(Path(found), name=named)
