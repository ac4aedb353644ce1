"""How much influences differ between models, and of which documents the mean can be told from zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def spread(influence: Values) -> tuple[Values, Values]:
    """Standard error of the mean, and share of the models that agree with its sign, from (models, documents)."""
    stderr = influence.std(axis=0, ddof=1) / np.sqrt(len(influence))
    agreement = (np.sign(influence) == np.sign(influence.mean(axis=0))).mean(axis=0)
    return stderr, agreement


def is_sure(influence: Values, stderr: Values, models: int, confidence: float) -> NDArray[np.bool_]:
    """Where Student's t test of the models' influences against zero, two-sided, rejects at that confidence.

    |influence| > stderr x t((1 + confidence) / 2, models - 1), `influence` being the mean over the models.
    """
    from scipy.special import stdtrit

    return np.asarray(np.abs(influence) > stderr * stdtrit(models - 1, (1 + confidence) / 2))
