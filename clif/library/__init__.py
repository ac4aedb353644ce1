"""clif for notebooks and scripts: the verbs on typed objects, with corpora and vectors in memory where files are."""

from clif.library.model import Model
from clif.library.others import by_field, experiment, export_vectors, run_all
from clif.library.retrainings import retrain, tradeoff, verify
from clif.library.training import import_model, load_model, train
from clif.library.verbs import audit, explain, plot, rank, report

__all__ = [
    "Model",
    "audit",
    "by_field",
    "experiment",
    "explain",
    "export_vectors",
    "import_model",
    "load_model",
    "plot",
    "rank",
    "report",
    "retrain",
    "run_all",
    "tradeoff",
    "train",
    "verify",
]
