"""A server as text, for machines that are not this one: a shell command, Docker, SkyPilot."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from judgefast.engines.servers.keys import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from judgefast.engines.servers.address import Address
    from judgefast.engines.servers.plan import Server

RELEASE = "0.32.0"
"""Of the image and the package: the flags were tried with it."""

ENVIRONMENT: Mapping[str, str] = {"VLLM_NO_USAGE_STATS": "1"}
"""What a server is started with; vLLM reports its use otherwise."""

_LOCAL_MODEL = "/model"
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - inside a container or a machine of one's own
_CACHE = "/root/.cache/huggingface"
_DISK_GB = 256
"""For each part of a copy of the model."""


def words_of(server: Server, address: Address, *, model: str | None = None) -> list[list[str]]:
    """`vllm serve` with its arguments, those that belong together in one list."""
    place = [["--host", address.host], ["--port", str(address.port)]]
    return [["vllm", "serve", model or server.model], *place, *server.flags]


def shell(server: Server, address: Address) -> str:
    """A command for this machine."""
    settings = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
    first, *rest = words_of(server, address)
    return _lines([[*settings, *first], *rest])


def docker(server: Server, address: Address, *, with_key: bool) -> str:
    """A command that runs vLLM's own image, reachable from where `address` is."""
    outside = f"{address.host}:" if address.is_private else ""
    run = [
        ["docker", "run", "--rm"],
        ["--gpus", str(server.gpus)],
        ["--ipc", "host"],
        ["--publish", f"{outside}{address.port}:{address.port}"],
        *(["--env", f"{name}={value}"] for name, value in ENVIRONMENT.items()),
    ]
    if with_key:
        run.append(["--env", VARIABLE])
    if server.is_local:
        run.append(["--volume", f"{server.model}:{_LOCAL_MODEL}:ro"])
    else:
        run += [["--env", "HF_TOKEN"], ["--volume", f"huggingface:{_CACHE}"]]
    run.append(["--entrypoint", "vllm", f"vllm/vllm-openai:v{RELEASE}"])
    inside = _everywhere(address)
    model = _LOCAL_MODEL if server.is_local else None
    first, *rest = words_of(server, inside, model=model)
    return _lines([*run, first[1:], *rest])


def skypilot(server: Server, address: Address) -> str:
    """A task file; the server can be reached from everywhere, so it always wants a key."""
    disk = _DISK_GB * int(server.arguments.get("tensor_parallel_size") or 1)
    model = _LOCAL_MODEL if server.is_local else None
    command = _lines(words_of(server, _everywhere(address), model=model))
    lines = [
        f"# {VARIABLE}=... sky launch -c judge judge.yaml --secret {VARIABLE}",
        "# sky status --endpoint " + f"{address.port} judge",
        "name: judge",
        "resources:",
        f"  accelerators: {server.gpu}:{server.gpus}",
        f"  disk_size: {disk}",
        f"  ports: {address.port}",
        "envs:",
        *(f"  {name}: {json.dumps(value)}" for name, value in ENVIRONMENT.items()),
        "secrets:",
        f"  {VARIABLE}: null",
    ]
    if server.is_local:
        lines += ["file_mounts:", f"  {_LOCAL_MODEL}: {json.dumps(server.model)}"]
    lines += ["setup: |", f"  pip install vllm=={RELEASE}", "run: |"]
    lines += [f"  {line}" for line in command.splitlines()]
    return "\n".join(lines)


def _everywhere(address: Address) -> Address:
    return type(address)(_EVERYWHERE, address.port)


def _lines(groups: Iterable[list[str]]) -> str:
    return " \\\n  ".join(shlex.join(group) for group in groups)
