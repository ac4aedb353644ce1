"""What a training gives, whoever trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Trained:
    """Both matrices (V, d) after training, and what it cost: CPU seconds of the training alone."""

    U: NDArray[np.float32]
    C: NDArray[np.float32]
    cpu_seconds: float
