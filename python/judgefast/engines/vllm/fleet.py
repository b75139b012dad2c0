"""The processes of the replicas: started before it is known what they load, told, waited for."""

from __future__ import annotations

import time
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, cast

from judgefast.catalogue.shape import shape_of, weight_files
from judgefast.engines.child.supervisor import END_SECONDS, Answer, Patience, Supervisor
from judgefast.engines.vllm.hardware import find_gpus, is_cpu_build
from judgefast.engines.vllm.prefix_cache import prefix_cache
from judgefast.engines.vllm.settings import SEQUENCES, Settings, Wishes, choose
from judgefast.engines.vllm.wire import DIALECT, Beat, Load, Ready, Warm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.catalogue.shape import Shape
    from judgefast.engines.base import PrefixCache, Workload
    from judgefast.engines.vllm.hardware import Gpu
    from judgefast.engines.vllm.options import VllmOptions
    from judgefast.prompts.model_folder import ModelFolder


class Fleet:
    """Replicas of a model, a supervisor for each.

    Args:
        options: What the user has set.
        folder: The model.
        answered: Told what each replica answers, by its number; in threads of the supervisors.

    """

    def __init__(
        self, options: VllmOptions, folder: ModelFolder, answered: Callable[[int, Answer], None]
    ) -> None:
        self._options = options
        self._folder = folder
        self._answered = answered
        self._settings: Settings | None = None
        self._facts: dict[str, Any] = {}
        self._is_told = False
        self._devices: tuple[str | None, ...] = ()
        self._words: list[str] = []
        self.supervisors: list[Supervisor] = []
        """One for each replica, once they have begun."""

    @cached_property
    def shape(self) -> Shape:
        """Sizes of the model, as the user's arguments leave it."""
        config, changed = self._folder.config, self._options.arguments.get("hf_overrides")
        return shape_of(
            self._folder.path, config | changed if isinstance(changed, dict) else config
        )

    @cached_property
    def _gpus(self) -> list[Gpu]:
        return find_gpus()

    @property
    def settings(self) -> Settings:
        """What is chosen, by what is known so far."""
        if self._settings is None:
            self._settings = self._choose(None)
        return self._settings

    @property
    def sequences(self) -> int:
        """Requests that a replica runs side by side."""
        chosen = {"max_num_seqs": SEQUENCES} if self._settings is None else self._settings.arguments
        return int({**chosen, **self._options.arguments}["max_num_seqs"])

    @property
    def prefix_cache(self) -> PrefixCache | None:
        """Of each replica, by what is known so far: arguments, what was chosen, facts."""
        chosen = {} if self._settings is None else self._settings.arguments
        told = {**chosen, **self._options.arguments, **self._facts}
        return prefix_cache(self.shape, told, running=self.sequences, is_cpu=is_cpu_build())

    @property
    def arguments(self) -> dict[str, Any]:
        """Of vLLM's `LLM`."""
        path = self._folder.path
        arguments = self._options.vllm_arguments(str(path), self.settings.arguments)
        if path.parent.name == "snapshots" and not weight_files(path):  # vLLM fetches the rest
            arguments = {"revision": path.name, **arguments, "model": self._folder.model.name}
        return arguments

    def begin(self) -> None:
        """Start the processes: they import vLLM, and one reads the weights from the disk.

        Raises:
            ConfigError: The model does not fit on the GPUs, or there are fewer than asked for.

        """
        if self.supervisors:
            return
        files = tuple(map(str, weight_files(self._folder.path)))
        devices = self.settings.layout.devices
        self._supervise(
            [Warm(devices=each, weights=() if lane else files) for lane, each in enumerate(devices)]
        )
        if "max_model_len" in self._options.arguments:
            self.tell()

    def prepare(self, workload: Workload) -> None:
        """Tell the processes what to load, unless they know.

        Raises:
            ConfigError: As for :meth:`begin`, by what the lengths of the data need.

        """
        if self._is_told:
            return
        self._settings = self._choose(workload)
        if self.supervisors and self._settings.layout.devices != self._devices:
            self.end()
            self.supervisors = []
        self.tell()

    def tell(self) -> None:
        """Have every replica load the model by the settings, once."""
        if self._is_told:
            return
        self._is_told = True
        settings, arguments = self.settings, self.arguments
        self._words += [f"vllm: {choice.words}" for choice in settings.choices]
        loads = [Load(arguments=arguments, devices=each) for each in settings.layout.devices]
        if not self.supervisors:
            self._supervise(loads)
            return
        for supervisor, load in zip(self.supervisors, loads, strict=True):
            supervisor.load(load)

    def wait(self) -> list[Ready]:
        """Wait until every replica has loaded the model.

        Raises:
            EngineError: One did not.

        """
        ready = [cast("Ready", supervisor.wait()) for supervisor in self.supervisors]
        self._facts = ready[0].facts
        return ready

    def words(self) -> list[str]:
        """What is new for a person: the settings, before anything is loaded by them."""
        words, self._words = self._words, []
        return words

    def counters(self) -> dict[str, float]:
        """Over all replicas: `steps`, `preemptions`, `primed` heads, `restarts`."""
        beats = [
            cast("Beat", beat)
            for each in self.supervisors
            for beat in (*each.past_beats, each.beat)
            if beat is not None
        ]
        return {
            "steps": sum(beat.steps for beat in beats),
            "preemptions": sum(beat.preemptions or 0 for beat in beats),
            "primed": sum(beat.primed for beat in beats),
            "restarts": sum(each.restarts for each in self.supervisors),
        }

    def end(self) -> None:
        """Kill the processes."""
        for supervisor in self.supervisors:
            supervisor.kill()
        until = time.monotonic() + END_SECONDS  # for all of them
        for supervisor in self.supervisors:
            supervisor.close(seconds=max(0.0, until - time.monotonic()))

    def _choose(self, workload: Workload | None) -> Settings:
        options = self._options
        thinks = self._folder.model.reasoning is not None
        wishes = Wishes(options.arguments, options.replicas, options.devices, may_think=thinks)
        return choose(self._gpus, self.shape, workload, wishes)

    def _supervise(self, firsts: Sequence[Warm | Load]) -> None:
        """Start a process for each first message."""
        options = self._options
        self._devices = tuple(first.devices for first in firsts)
        self.supervisors = [
            Supervisor(
                DIALECT,
                first,
                partial(self._answered, lane),
                patience=Patience(options.step_seconds, options.load_seconds, options.max_restarts),
                is_whole=isinstance(first, Load),
            )
            for lane, first in enumerate(firsts)
        ]
        for supervisor in self.supervisors:
            supervisor.begin()
