"""Arguments of `vllm serve`: as the user names them, and as flags."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from judgefast.engines.servers.retired import successor
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_OPTIONS = {
    "model": "name the model as the argument of the command",
    "host": "use --host",
    "port": "use --port",
    "api_key": "put it into the environment as VLLM_API_KEY, or use --key-file: flags can be seen",
}
_BY_HAND = {"config", "grpc", "headless", "root_path", "ssl_certfile", "ssl_keyfile", "uds"}
"""With these the server does not answer where it is waited for."""


def read_arguments(given: Iterable[tuple[str, object]]) -> dict[str, Any]:
    """Arguments of vLLM from pairs of name and value; dashes and underscores are the same.

    Raises:
        ConfigError: vLLM has no such argument any more, or it is an option of ours.

    """
    arguments: dict[str, Any] = {}
    for written, value in given:
        name = written.lstrip("-").replace("-", "_")
        if (instead := successor(name, value)) is not None:
            shown = f"{name}={value}" if name == "dtype" else name
            message = f"vLLM no longer takes `{shown}`"
            raise ConfigError(message, hint=instead)
        if name in _OPTIONS:
            message = f"`{name}` is not set by --engine-arg"
            raise ConfigError(message, hint=_OPTIONS[name])
        if name in _BY_HAND:
            message = f"`{name}` is not for serve-judge, which waits for an answer over plain HTTP"
            raise ConfigError(message, hint="start such a server by hand")
        arguments[name] = value
    return arguments


def to_flags(arguments: Mapping[str, Any]) -> list[list[str]]:
    """Each argument as a flag with its values; one that is None is left to vLLM.

    >>> to_flags({"seed": None, "enforce_eager": True, "async_scheduling": False})
    [['--enforce-eager'], ['--no-async-scheduling']]
    >>> to_flags({"reasoning_config": {"a": "b"}, "lora_modules": ["a", "b"]})
    [['--reasoning-config', '{"a":"b"}'], ['--lora-modules', 'a', 'b']]
    """
    flags = []
    for name, value in arguments.items():
        flag = name.replace("_", "-")
        if value is True:
            flags.append([f"--{flag}"])
        elif value is False:
            flags.append([f"--no-{flag}"])
        elif isinstance(value, list):
            flags.append([f"--{flag}", *map(str, value)])
        elif isinstance(value, dict):
            flags.append([f"--{flag}", json.dumps(value, separators=(",", ":"))])
        elif value is not None:
            flags.append([f"--{flag}", str(value)])
    return flags
