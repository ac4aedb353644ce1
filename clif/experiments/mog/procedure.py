"""The procedure of the released code: two steps that alternate, and training that ends long before a minimum.

github.com/CORE-Robotics-Lab/Cross_Loss_Influence_Functions, runfiles/mog_demo.py: the encoder is random and has
rectified units, the centres come from k-means with noise, and all points are one batch of each epoch of Adam. The
clustering loss takes its target anew from the assignments and then holds it fixed for a step. Nothing is penalised.
Two things differ: labels are first matched to clusters, and each column is retrained with its own loss, where the
released code retrains both columns with labels; that comparison is made as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.func import grad, vmap

from clif.crossloss import DECAY, SCALE, Flat
from clif.experiments.mog.clustering import (
    Likelihood,
    Network,
    Points,
    divergence,
    draw_points,
    make_task,
    target,
    unlikelihood,
)
from clif.experiments.mog.comparing import COLUMNS, Record, compare

if TYPE_CHECKING:
    from clif.experiments.mog import Settings

HIDDEN, EMBEDDING = 12, 12
NOISE = 0.5  # deviation of what is added to the centres


def examine_procedure(settings: Settings, seed: int) -> dict[str, Record]:
    """Train both columns of one seed, and again without each point from the same start; predict, and compare.

    Influence is computed at the model where training ended, with the target held fixed there. The damping is what
    the released recursion amounts to, SCALE x DECAY for a mean of losses: the Hessian alone is indefinite.
    `released` is the clustering column's predictions beside what retraining with labels does.
    """
    points, tests = draw_points(settings.points, settings.tests, seed)
    records = {}
    for column in COLUMNS:
        model = started(points, seed)
        vectors = train(settings, column, model, points)
        Flat(model).load(vectors[0])
        task = make_task(column, model, points, tests, decay=0.0)
        records[column] = compare(task, model, changes(task, model, vectors), SCALE * DECAY * task.n, seed)
    return records | {"released": {**records["cross"], "realised": records["matched"]["realised"]}}


def started(points: Points, seed: int) -> Network:
    """The network that every training of a seed starts from."""
    model = Network(HIDDEN, EMBEDDING, nn.ReLU(), 1.0, seed)
    model.find_centres(points, seed)
    noise = torch.randn(model.centres.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        model.centres.add_(NOISE * noise)
    return model


def train(settings: Settings, column: str, model: Network, points: Points) -> Tensor:
    """Parameters (1 + n, p) after training on all points, and on all but each; the model is not changed.

    Adam moves each parameter by itself, so that the models can be trained as one long vector.
    """
    flat, n = Flat(model), len(points)
    weights = torch.cat([torch.ones(1, n), 1.0 - torch.eye(n)]).double()
    vectors = nn.Parameter(flat.vector.repeat(n + 1, 1))
    optimiser = torch.optim.Adam([vectors], lr=settings.rate)
    assign = vmap(flat.at(lambda held: held(points.at)))

    def loss(vector: Tensor, weight: Tensor, p: Tensor) -> Tensor:
        q = flat.at(lambda held: held(points.at))(vector)
        losses = unlikelihood(q, points.classes) if column == "matched" else divergence(p, q)
        return weight @ losses / weight.sum()

    slope = vmap(grad(loss))
    for epoch in range(settings.epochs):
        at = vectors.detach()
        if epoch % settings.refresh == 0:
            p = vmap(target)(assign(at), weights)
        vectors.grad = slope(at, weights, p)
        optimiser.step()
    return vectors.detach()


def changes(task: Likelihood, model: Network, vectors: Tensor) -> Tensor:
    """Change of each measure (tests, n) when each point is left out, from the vectors of `train`."""
    with torch.no_grad():
        measured = vmap(Flat(model).at(task.measure))(vectors)
    return (measured[1:] - measured[0]).T
