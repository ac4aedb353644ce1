"""clif: which documents put the bias into a word embedding.

    import clif

    model = clif.train(corpus, out="my-run")      # paths, a data frame, a dataset, a list of texts
    model.audit("weat6")                          # how biased is it?
    ranking = model.rank("weat6")                 # which documents put it there?
    model.explain(ranking.doc_ids[0])             # by which words?
    model.retrain(ranking, remove=100)            # what happens without them?

Each method is also a function of this module, which takes a model, a Run or the path of a run: `clif.rank("my-run")`.
Results are frozen dataclasses with `to_dict()` and `to_frame()`, and show themselves in a notebook. Each name is
imported when it is first used, so `import clif` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "BiasTest": "clif.objectives",
    "ClifError": "clif.errors",
    "Document": "clif.corpus.documents",
    "Model": "clif.library",
    "ReadOptions": "clif.corpus.reading",
    "Tokeniser": "clif.corpus.tokenising",
    "TrainingSettings": "clif.settings",
    "audit": "clif.library",
    "by_field": "clif.library",
    "experiment": "clif.library",
    "explain": "clif.library",
    "export_vectors": "clif.library",
    "import_model": "clif.library",
    "load_config": "clif.config",
    "load_model": "clif.library",
    "load_tests": "clif.objectives",
    "load_vectors": "clif.formats",
    "memory_limit": "clif.room",
    "on_cluster": "clif.cluster",
    "open_run": "clif.run",
    "plot": "clif.library",
    "rank": "clif.library",
    "report": "clif.library",
    "retrain": "clif.library",
    "run_all": "clif.library",
    "tradeoff": "clif.library",
    "train": "clif.library",
    "verify": "clif.library",
}

__all__ = [
    "BiasTest",
    "ClifError",
    "Document",
    "Model",
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
    "load_model",
    "load_tests",
    "load_vectors",
    "memory_limit",
    "on_cluster",
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
    from clif.cluster import on_cluster
    from clif.config import load_config
    from clif.corpus.documents import Document
    from clif.corpus.reading import ReadOptions
    from clif.corpus.tokenising import Tokeniser
    from clif.errors import ClifError
    from clif.formats import load_vectors
    from clif.library import (
        Model,
        audit,
        by_field,
        experiment,
        explain,
        export_vectors,
        import_model,
        load_model,
        plot,
        rank,
        report,
        retrain,
        run_all,
        tradeoff,
        train,
        verify,
    )
    from clif.objectives import BiasTest, load_tests
    from clif.room import memory_limit
    from clif.run import open_run
    from clif.settings import TrainingSettings


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'clif' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
