"""Settings of the vLLM engine: a few of ours, and any argument of vLLM."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.engines.child.supervisor import MAX_RESTARTS
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOW = 2
"""Requests in flight for each that vLLM runs at a time, so that its queue is never empty."""

WORKER = "judgefast.engines.vllm.worker.Told"
"""Lets the processes that hold the model tell what they have chosen."""

_DEFAULTS: dict[str, Any] = {
    "worker_extension_cls": WORKER,
    "disable_log_stats": False,
    # Without white space of the model's own choice, of which a grammar allows any amount.
    "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
}
_WHOLE = {
    **dict.fromkeys(("replicas", "room", "max_model_len", "max_num_seqs"), 1),
    **dict.fromkeys(("tensor_parallel_size", "pipeline_parallel_size"), 1),
    "max_restarts": 0,
}
"""What is reckoned with here, ours or vLLM's, and the least that it may be."""
_ABOVE_ZERO = ("step_seconds", "load_seconds", "gpu_memory_utilization")
_OURS = {"model", "skip_tokenizer_init", "tokenizer"}


class VllmOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What may be set; every other name is handed to vLLM as it is."""

    replicas: int | None = None
    """Copies of the model, each in a process of its own with accelerators of its own; None: one on
    each GPU, or on each group of GPUs that it takes."""
    devices: tuple[str, ...] = ()
    """Accelerators of each replica, as `CUDA_VISIBLE_DEVICES` names them; empty: counted off."""
    room: int | None = None
    """Requests in flight on a replica; None: twice `max_num_seqs`."""
    step_seconds: float = 120.0
    """Without a sign of life for so long, a replica is killed and started again."""
    load_seconds: float = 1800.0
    """The same while it loads the model."""
    max_restarts: int = MAX_RESTARTS
    """Restarts of a replica without an answer in between, after which it is lost."""
    arguments: dict[str, Any] = {}
    """Of vLLM's `LLM`."""

    def check(self) -> None:
        """Refuse what is out of range.

        Raises:
            ConfigError: Names the setting and what it may be.

        """
        self._check_numbers()
        if self.devices and self.replicas not in {None, len(self.devices)}:
            message = f"devices names {len(self.devices)} sets for {self.replicas} replicas"
            raise ConfigError(message, hint='one for each replica, as in devices=["0,1", "2,3"]')
        for name in sorted(_OURS & self.arguments.keys()):
            message = f"`{name}` is set by the engine `vllm` itself"
            raise ConfigError(message, hint="name the judge by --model")
        if self.arguments.get("data_parallel_size", 1) != 1:
            message = "`data_parallel_size` is not for the engine `vllm`"
            raise ConfigError(message, hint="use replicas=N: one process for each")

    def _check_numbers(self) -> None:
        own = {name: getattr(self, name) for name in self.__struct_fields__}
        given = {**self.arguments, **own}
        for name, least in _WHOLE.items():
            value = given.get(name, least)
            if value is None and (name in own or name == "max_model_len"):
                continue  # nothing is set, or it is to be vLLM's own
            if type(value) is not int or value < least:
                message = f"{name} is {value!r}; the engine `vllm` takes an integer from {least}"
                raise ConfigError(message)
        for name in _ABOVE_ZERO:
            value = given.get(name, 1)
            if type(value) not in {int, float} or not 0 < value < inf:
                message = f"{name} is {value!r}; the engine `vllm` takes a number above 0"
                raise ConfigError(message)

    def vllm_arguments(self, model: str, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of `LLM`: what always holds, what was chosen, then the user's."""
        ours = {"model": model, "skip_tokenizer_init": False}
        return {**_DEFAULTS, **chosen, **self.arguments, **ours}

    def lane_room(self, sequences: int) -> int:
        """Requests in flight on a replica that runs so many side by side."""
        return WINDOW * sequences if self.room is None else self.room


def listed(devices: object) -> tuple[str, ...]:
    """Accelerators of each replica out of a list, as JSON has it.

    Raises:
        ConfigError: It is none.

    """
    if not isinstance(devices, list | tuple):
        message = f"devices is {devices!r}; the engine `vllm` takes a list"
        raise ConfigError(message, hint='one for each replica, as in devices=["0,1", "2,3"]')
    return tuple(map(str, devices))
