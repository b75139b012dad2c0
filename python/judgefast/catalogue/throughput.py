"""Measured throughput of others, with its source, and the efficiencies that are fitted on it."""

from __future__ import annotations

import msgspec

from judgefast.catalogue.files import read_rows
from judgefast.catalogue.fits import Cache  # noqa: TC001 - msgspec reads annotations
from judgefast.catalogue.shape import Precision  # noqa: TC001 - as above


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One public measurement of an engine under load. None is what no source says."""

    key: str
    engine: str
    """vLLM or TensorRT-LLM."""
    version: str | None = None
    model: str
    """Key of the model in the catalogue."""
    weights: Precision
    cache: Cache | None = None
    gpu: str
    """Key of the accelerator in the catalogue."""
    gpus: int
    """That hold the one copy together."""
    prompt_tokens: float
    """Of a request, on average."""
    cached_tokens: float = 0.0
    """Of these, that lay in the prefix cache: shared between requests, and computed once."""
    answer_tokens: float
    longest_answer: int
    """The shortest is as far below the mean."""
    users: int | None = None
    """Requests in flight, each followed by the next; None: all are queued at the start."""
    requests: int | None = None
    batched_tokens: int | None = None
    """Tokens of one step at most; None: as the engine has it by itself."""
    memory_share: float | None = None
    """Of the GPU's memory, that the engine was given."""
    output_tokens_per_second: float
    """Of all GPUs."""
    from_latency: bool
    """The source has mean latencies; this is users by the time of one request."""
    source: str
    settings: str | None = None
    """Script of the same benchmark that says `cache`, `requests`, `memory_share` and how lengths
    are drawn."""
    date: str
    """ISO; of the measurement, else of when it was seen."""


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """Efficiencies that explain some of these rows, and how well.

    The errors are shares of measured tokens a second: `median`, `most` and `worst` of each row by a
    fit without its fold; the same of `model` by a fit without all rows of its model, None where
    there is but one; of `all` without fold as well, with the rows that are in no fit and without
    any factor for a date.
    """

    key: str
    engine: str
    experts: bool
    """For models with experts, or without."""
    gpus: list[str]
    """Keys of the accelerators of its rows."""
    most_gpus: int
    """That held one copy in its rows."""
    weights: list[Precision]
    mfu: float
    bandwidth: float
    cache: float
    cache_8bit: float
    step_seconds: float
    sequence_seconds: float
    activations: float = 0.0
    """Bytes that a token moves between multiplications, for each number of each layer's width."""
    request_seconds: float = 0.0
    """Of the host for each request, that nothing overlaps. Set."""
    sizes: list[int] = []
    """Parameters of the models of its rows, each size once."""
    smallest_written: int = 0
    """Parameters of the least of them that writes more than one token."""
    shortest_answer: float = 2.0
    """Tokens, in the rows that write more than one."""
    shared_one: float | None = None
    """Most of a prompt that was shared, as a share, in its rows of one-token answers; None: it has
    no such row."""
    shared_written: float = 0.0
    """The same, in its rows of longer answers."""
    shortest_prompt: float = 0.0
    """Tokens computed of a prompt, at least."""
    rows: int
    all_rows: int = 0
    """Of this engine and such models, in a fit or in none."""
    parameters: int
    """That were fitted; the others are set, see docs/costs.md."""
    median: float
    most: float
    """95 of 100 rows are within it."""
    worst: float
    model_median: float | None = None
    model_most: float | None = None
    model_worst: float | None = None
    all_median: float | None = None
    all_worst: float | None = None
    dated: int = 0
    """Of its rows, those that a factor for their date is set for."""
    source: str
    date: str
    """Of the fit, ISO."""


def read_measured() -> dict[str, Measured]:
    """All measurements by key, the user's own among them.

    Raises:
        ConfigError: A line of the user's file is not a row.

    """
    return read_rows("throughput", Measured)


def read_fitted() -> dict[str, Fitted]:
    """All sets of efficiencies by key, the user's own among them.

    Raises:
        ConfigError: A line of the user's file is not a row.

    """
    return read_rows("efficiencies", Fitted)
