"""Influence across losses for any torch module: what it was trained with is one function, what is asked is another.

A user writes a `Task`: the training loss of each sample, the penalty, and what is measured. From it come

    influence      the predicted change of each measure when each sample is removed, by the solver asked for
    predict_set    the same for a set of samples, by one Newton step, the measure re-evaluated
    fit            what really comes of it: the objective minimised again, from the model as it is, with other weights
    hessian, product, objective

All is computed in double precision at the parameters of the model; those that do not require a gradient stay as they
are. Buffers must not change either: put a model with batch normalisation or dropout in evaluation mode.
"""

from clif.crossloss.curvature import hessian, product
from clif.crossloss.fitting import Fit, fit
from clif.crossloss.influences import DECAY, SCALE, SOLVERS, Influence, influence
from clif.crossloss.sets import predict_set
from clif.crossloss.task import Flat, Task, objective, squared_norm

__all__ = [
    "DECAY",
    "SCALE",
    "SOLVERS",
    "Fit",
    "Flat",
    "Influence",
    "Task",
    "fit",
    "hessian",
    "influence",
    "objective",
    "predict_set",
    "product",
    "squared_norm",
]
