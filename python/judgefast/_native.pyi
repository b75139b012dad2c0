from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from judgefast.batches.cache import CacheSettings
from judgefast.batches.columns import PlanColumns
from judgefast.batches.trie import Segments
from judgefast.verdicts.columns import VerdictColumns

_Bytes: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.int64]]

__all__ = [
    "BUILD_PROFILE",
    "CacheSimulator",
    "Parser",
    "PoissonSums",
    "RequestIndex",
    "__version__",
    "bootstrap_paths",
    "check_lines",
    "cluster_histogram",
    "cluster_id64",
    "cluster_moments",
    "frame_completions",
    "frame_lines",
    "ideal_tokens",
    "item_hash",
    "limit_keys",
    "measure_prompts",
    "order_prompts",
    "plan_requests",
    "prompts_json",
    "question_cluster",
    "read_completions",
    "reconcile",
    "replicate_means",
    "sampling_seeds",
    "shuffle_keys",
    "take_in",
    "text_column",
    "text_hash",
    "value_bytes",
]

__version__: str
BUILD_PROFILE: str

def cluster_id64(clusters: Sequence[str], /) -> NDArray[np.uint64]: ...
def limit_keys(item_ids: Sequence[str], seed: int, /) -> NDArray[np.uint64]: ...
def prompts_json(
    prompts: Sequence[NDArray[np.int32]], vocabulary: int, before: bytes, after: bytes, /
) -> bytes: ...
def shuffle_keys(clusters: Sequence[str], seed: int, /) -> NDArray[np.uint64]: ...
def item_hash(item: object, other: Callable[[Any], bytes], /) -> bytes: ...
def question_cluster(question_sha256: bytes, reference_sha256: bytes, /) -> str: ...
def value_bytes(value: object, other: Callable[[Any], bytes], /) -> bytes: ...
def text_hash(text: str, /) -> bytes: ...
def text_column(
    values: Sequence[str | None], /
) -> tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.uint8] | None] | None: ...
def sampling_seeds(keys: bytes, /) -> list[int]: ...

class _ItemHashes(Protocol):
    @property
    def item_ids(self) -> list[str]: ...
    @property
    def question_sha256(self) -> _Bytes: ...
    @property
    def reference_sha256(self) -> _Bytes: ...
    @property
    def answer_sha256(self) -> _Bytes: ...
    @property
    def answer_offsets(self) -> NDArray[np.int64]: ...
    @property
    def baseline(self) -> NDArray[np.int64]: ...
    @property
    def base(self) -> int: ...

def plan_requests(
    items: _ItemHashes,
    *,
    mode: str,
    orders: str,
    pairs: str,
    repeats: int,
    seed: int,
    judge: str,
    prompt_hashes: Sequence[str],
    aspects: Sequence[str],
) -> tuple[
    NDArray[np.uint32],
    NDArray[np.uint16],
    NDArray[np.uint16],
    NDArray[np.uint16],
    NDArray[np.int64],
    NDArray[np.uint8],
    NDArray[np.uint16],
    NDArray[np.uint16],
    NDArray[np.uint8],
    NDArray[np.uint64],
]: ...
def order_prompts(segments: Segments, /) -> NDArray[np.uint32]: ...
def ideal_tokens(segments: Segments, /) -> int: ...
def measure_prompts(segments: Segments, /) -> tuple[NDArray[np.uint8], NDArray[np.int32]]: ...

@final
class CacheSimulator:
    def __new__(cls, settings: CacheSettings, /) -> CacheSimulator: ...
    def add(self, segments: Segments, order: NDArray[np.uint32], /) -> NDArray[np.uint32]: ...
    @property
    def head_tokens(self) -> int: ...
    @property
    def preemptions(self) -> int: ...
    @property
    def too_large(self) -> int: ...

class _Labels(Protocol):
    @property
    def choice(self) -> NDArray[np.uint8]: ...
    @property
    def score(self) -> NDArray[np.float64]: ...
    @property
    def strong(self) -> NDArray[np.uint8]: ...
    @property
    def graded(self) -> bool: ...

def reconcile(
    plan: PlanColumns,
    verdicts: VerdictColumns,
    labels: _Labels,
    baseline: NDArray[np.uint16] | None,
    *,
    mode: str,
    rule: str,
    one_failed: str,
) -> tuple[
    tuple[NDArray[np.uint32], NDArray[np.uint16], NDArray[np.uint16]],
    tuple[NDArray[np.uint16], NDArray[np.int64], NDArray[np.uint8]],
    tuple[NDArray[np.uint8], NDArray[np.uint8]],
    tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    tuple[NDArray[np.float32], NDArray[np.uint32], NDArray[np.uint32]],
]: ...

def cluster_moments(
    cluster_id64: NDArray[np.uint64],
    value: NDArray[np.int64],
    weight: NDArray[np.uint8],
    slice: NDArray[np.uint32],
    num_slices: int,
    /,
) -> list[tuple[int, int, int, int, int, int, int, bool]]: ...
def cluster_histogram(
    cluster_id64: NDArray[np.uint64],
    value: NDArray[np.int64],
    weight: NDArray[np.uint8],
    slice: NDArray[np.uint32],
    num_slices: int,
    /,
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]: ...
def bootstrap_paths() -> list[str]: ...
def replicate_means(
    cluster_id64: NDArray[np.uint64],
    value: NDArray[np.int64],
    weight: NDArray[np.uint8],
    slice: NDArray[np.uint32],
    num_slices: int,
    wanted: NDArray[np.uint32],
    seed: int,
    replicates: int,
    /,
    *,
    path: str | None = None,
) -> NDArray[np.float64]: ...
@final
class PoissonSums:
    def __new__(
        cls, num_slices: int, replicates: int, seed: int, /, *, path: str | None = None
    ) -> PoissonSums: ...
    def add(
        self,
        cluster_id64: NDArray[np.uint64],
        value: NDArray[np.int64],
        weight: NDArray[np.uint8],
        slice: NDArray[np.uint32],
        /,
    ) -> None: ...
    def add_shard(
        self,
        cluster_id64: NDArray[np.uint64],
        value: NDArray[np.int64],
        weight: NDArray[np.uint8],
        slice: NDArray[np.uint32],
        /,
    ) -> None: ...
    def merge(self, other: PoissonSums, /) -> None: ...
    def means(self) -> NDArray[np.float64]: ...

def frame_lines(lines: bytes, /) -> bytes: ...
def frame_completions(lines: bytes, /) -> bytes | None: ...

_TextColumn: TypeAlias = tuple[NDArray[np.int32], NDArray[np.uint8], NDArray[np.uint8] | None]
_NameColumn: TypeAlias = tuple[NDArray[np.int32], list[str]]

def read_completions(
    segment: bytes, spans: NDArray[np.uintp], /
) -> (
    tuple[
        tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int32]],
        tuple[_TextColumn, _NameColumn],
        tuple[NDArray[np.int32], NDArray[np.uint16], NDArray[np.int32], NDArray[np.float32]],
        list[NDArray[np.int32]],
        tuple[NDArray[np.float64], NDArray[np.float64]],
        tuple[_NameColumn, _TextColumn, NDArray[np.int32]],
        _TextColumn,
    ]
    | None
): ...

class _Held(Protocol):
    @property
    def attempts(self) -> NDArray[np.int32]: ...
    @property
    def failures(self) -> NDArray[np.int32]: ...
    @property
    def final_attempts(self) -> NDArray[np.int32]: ...
    @property
    def launches(self) -> NDArray[np.int32]: ...
    @property
    def places(self) -> NDArray[np.int64]: ...

class _Came(Protocol):
    @property
    def attempts(self) -> NDArray[np.int32]: ...
    @property
    def outcomes(self) -> NDArray[np.uint8]: ...
    @property
    def places(self) -> NDArray[np.int64]: ...

def take_in(
    held: _Held,
    came: _Came,
    rows: NDArray[np.int64],
    launches: NDArray[np.int32],
    ranks: NDArray[np.int32],
    /,
) -> tuple[int, int, int, int]: ...
def check_lines(segment: bytes, /) -> tuple[NDArray[np.uintp], int, bool]: ...

@final
class RequestIndex:
    def __new__(
        cls, request_ids: NDArray[np.uint8], asked_by: NDArray[np.uint32], /
    ) -> RequestIndex: ...
    def rows(self, request_ids: NDArray[np.uint8], /) -> NDArray[np.int64]: ...
    def __len__(self) -> int: ...

@final
class Parser:
    def __new__(cls, spec: dict[str, Any], /) -> Parser: ...
    def parse(
        self, texts: Sequence[str], cut: NDArray[np.uint8], /
    ) -> tuple[
        NDArray[np.uint8],
        NDArray[np.uint8],
        NDArray[np.float64],
        NDArray[np.float64],
        NDArray[np.uint32],
        NDArray[np.uint8],
    ]: ...
