from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__version__: str
BUILD_PROFILE: str

def cluster_id64(clusters: Sequence[str], /) -> NDArray[np.uint64]: ...
def limit_keys(item_ids: Sequence[str], seed: int, /) -> NDArray[np.uint64]: ...
def shuffle_keys(clusters: Sequence[str], seed: int, /) -> NDArray[np.uint64]: ...
def cluster_moments(
    cluster_id64: NDArray[np.uint64],
    value: NDArray[np.int64],
    weight: NDArray[np.uint8],
    slice: NDArray[np.uint32],
    num_slices: int,
    /,
) -> list[tuple[int, int, int, int, int, int, int, bool]]: ...
