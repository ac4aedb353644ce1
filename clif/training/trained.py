"""What a training gives, whoever trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Trained:
    """Both matrices (V, d) after training, and what it cost: CPU seconds of the training alone.

    The exact trainer gives them in double precision, the others in single. `about` is what else a trainer says.
    """

    U: NDArray[Any]
    C: NDArray[Any]
    cpu_seconds: float
    about: Mapping[str, Any] = field(default_factory=dict)
