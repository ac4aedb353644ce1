"""The setting in which theory holds: one smooth objective, minimised, with a penalty and an exact Hessian."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from clif.crossloss import Flat, fit
from clif.experiments.mog.clustering import Network, Points, draw_points, make_task
from clif.experiments.mog.comparing import Record, compare
from clif.progress import Progress

if TYPE_CHECKING:
    from clif.experiments.mog import Settings

SCALE = 5.0  # brings the points to the size of one


def examine_smooth(settings: Settings, seed: int, column: str, progress: Progress) -> Record:
    """Train a column of one seed to its minimum, and again without each point from there; predict, and compare.

    The clustering loss has a fixed target, that of the pretrained network, so the objective is one function,
    sum_i loss_i + decay/2 |theta|^2, with and without a point.
    """
    points, tests = draw_points(settings.points, settings.tests, seed)
    model = pretrained(settings, points, seed)
    task = make_task(column, model, points, tests, settings.decay)
    full = fit(task, model, tolerance=settings.tolerance)
    Flat(model).load(full.vectors[0])
    without = 1.0 - torch.eye(task.n, dtype=torch.float64)
    left = fit(task, model, without, tolerance=settings.tolerance, progress=progress)
    with torch.no_grad():
        realised = (left.measures(task, model) - task.measure(model)).T
    record = compare(task, model, realised, damping=0.0, seed=seed)
    return {**record, "gradient": max(float(full.gradients.max()), float(left.gradients.max()))}


def pretrained(settings: Settings, points: Points, seed: int) -> Network:
    """A network pretrained as Xie et al. do: the encoder as half of an autoencoder, the centres by k-means."""
    model = Network(settings.hidden, settings.embedding, nn.Tanh(), SCALE, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        decoder = nn.Linear(settings.embedding, 2, dtype=torch.float64)
    optimiser = torch.optim.Adam([*model.encoder.parameters(), *decoder.parameters()], lr=settings.pretrain_rate)
    for _ in range(settings.pretrain_steps):
        optimiser.zero_grad()
        ((decoder(model.encode(points.at)) - points.at / SCALE) ** 2).sum(1).mean().backward()
        optimiser.step()
    model.find_centres(points, seed)
    return model
