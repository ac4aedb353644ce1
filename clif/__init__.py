"""clif: which documents put the bias into a word embedding.

The verbs of the command line as functions: `train`, `audit`, `rank`, `explain`, `retrain`, `verify`, `tradeoff`,
`report`, `plot`, `run_all`, `experiment`, `import_model`, `export_vectors`; with what they take and give. Each is
imported when it is first used, so `import clif` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "BiasTest": "clif.objectives",
    "ClifError": "clif.errors",
    "ReadOptions": "clif.corpus.reading",
    "Tokeniser": "clif.corpus.tokenising",
    "TrainingSettings": "clif.settings",
    "audit": "clif.objectives",
    "by_field": "clif.ranking",
    "experiment": "clif.experiments",
    "explain": "clif.explaining",
    "export_vectors": "clif.formats",
    "import_model": "clif.training.importing",
    "load_config": "clif.config",
    "load_tests": "clif.objectives",
    "load_vectors": "clif.formats",
    "open_run": "clif.run",
    "plot": "clif.reporting",
    "rank": "clif.ranking",
    "report": "clif.reporting",
    "retrain": "clif.retraining",
    "run_all": "clif.pipeline",
    "tradeoff": "clif.tradeoffs",
    "train": "clif.training",
    "verify": "clif.verification",
}

__all__ = [
    "BiasTest",
    "ClifError",
    "ReadOptions",
    "Tokeniser",
    "TrainingSettings",
    "audit",
    "by_field",
    "experiment",
    "explain",
    "export_vectors",
    "import_model",
    "load_config",
    "load_tests",
    "load_vectors",
    "open_run",
    "plot",
    "rank",
    "report",
    "retrain",
    "run_all",
    "tradeoff",
    "train",
    "verify",
]

if TYPE_CHECKING:
    from clif.config import load_config
    from clif.corpus.reading import ReadOptions
    from clif.corpus.tokenising import Tokeniser
    from clif.errors import ClifError
    from clif.experiments import experiment
    from clif.explaining import explain
    from clif.formats import export_vectors, load_vectors
    from clif.objectives import BiasTest, audit, load_tests
    from clif.pipeline import run_all
    from clif.ranking import by_field, rank
    from clif.reporting import plot, report
    from clif.retraining import retrain
    from clif.run import open_run
    from clif.settings import TrainingSettings
    from clif.tradeoffs import tradeoff
    from clif.training import train
    from clif.training.importing import import_model
    from clif.verification import verify


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'clif' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
