from collections.abc import Sequence

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__version__: str
BUILD_PROFILE: str

def cluster_id64(clusters: Sequence[str], /) -> NDArray[np.uint64]: ...
def limit_keys(item_ids: Sequence[str], seed: int, /) -> NDArray[np.uint64]: ...
def shuffle_keys(clusters: Sequence[str], seed: int, /) -> NDArray[np.uint64]: ...

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
