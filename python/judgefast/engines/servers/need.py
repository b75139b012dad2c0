"""What a run needs of a server, and what vLLM's front end can carry."""

from __future__ import annotations

import math

import msgspec

from judgefast.errors import ConfigError

_FRONT_END_SECONDS = 0.00051
"""CPU of vLLM's API process for an answer of one token, lists of 8 prompts; without the prompt."""

_FRONT_END_SECONDS_A_TOKEN = 0.0000015
"""The same for each token of the prompt. Fitted to 0.66 ms at 100 tokens and 5.0 ms at 3,000, seen
with vLLM 0.32 on a slow shared CPU."""

_LEAST_LENGTH = 8192
_LENGTH_STEP = 1024


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """The run that a server is for."""

    prompt_tokens: int = 2500
    """Of a usual prompt."""
    answer_tokens: int = 500
    """Of a usual answer; 1 for verdicts that are read as label probabilities."""
    answers_per_second: float | None = None
    """None: not known."""

    def check(self) -> None:
        """Refuse what is no amount.

        Raises:
            ConfigError: Names the setting.

        """
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                flag = name.replace("_", "-")
                message = f"--{flag} is {value}; it must be more than 0"
                raise ConfigError(message)

    @property
    def tokens(self) -> int:
        """Of a usual prompt with its answer."""
        return self.prompt_tokens + self.answer_tokens

    @property
    def context_tokens(self) -> int:
        """Room for prompts and answers twice as long as usual."""
        steps = math.ceil(2 * self.tokens / _LENGTH_STEP)
        return max(_LEAST_LENGTH, steps * _LENGTH_STEP)

    @property
    def answers_of_a_process(self) -> float:
        """Answers a second that one API process of vLLM can carry.

        >>> round(Need(prompt_tokens=100).answers_of_a_process, -2)
        1500.0
        """
        return 1 / (_FRONT_END_SECONDS + _FRONT_END_SECONDS_A_TOKEN * self.prompt_tokens)

    @property
    def api_servers(self) -> int | None:
        """API processes of vLLM; None where the rate is not known, and vLLM decides."""
        if self.answers_per_second is None:
            return None
        return max(1, math.ceil(self.answers_per_second / self.answers_of_a_process))
