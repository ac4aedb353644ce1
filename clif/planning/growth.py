"""How what grows more slowly than a corpus grows with it: word types, words of the vocabulary, pairs of words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BEND = 0.02  # by which the power falls with each doubling
Growth = tuple[list[int], list[float]]  # rising sizes, and the values there


def extrapolate(sizes: Sequence[float], values: Sequence[float], size: float, bend: float = 0.0) -> float:
    """What a quantity will be at `size`, from its values at rising sizes.

    Between the last two a power law holds, values ~ sizes^b (Heaps 1978). Beyond, b falls by `bend` with each doubling
    that is done, but not below 0.
    """
    if values[-1] <= 0 or size <= 0:
        return 0.0
    doublings = float(np.log2(size / sizes[-1]))
    before, last = max(values[-2], 1e-9), values[-1]
    power = float(np.clip(np.log(last / before) / np.log(sizes[-1] / sizes[-2]), 0.0, 1.0))
    whole = int(max(doublings, 0.0))
    steps = [max(power - bend * n, 0.0) for n in range(whole)]
    total = sum(steps) + (doublings - whole) * max(power - bend * whole, 0.0)
    return float(last * 2.0**total)
