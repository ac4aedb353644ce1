"""Three clouds of points, and deep embedded clustering, which finds them (Xie, Girshick and Farhadi 2016)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from clif.crossloss import Task, squared_norm

MEANS = ((0.0, 0.0), (5.0, 5.0), (5.0, -5.0))
SPREAD = 1.25
CLASSES = len(MEANS)


@dataclass(frozen=True, eq=False)
class Points:
    """Where points are, (n, 2), and which of the Gaussians each was drawn from, (n,)."""

    at: Tensor
    classes: Tensor

    def __len__(self) -> int:
        return len(self.classes)


def draw_points(size: int, tests: int, seed: int) -> tuple[Points, Points]:
    """`size` points of each Gaussian to train with, and `tests` others to measure at."""
    rng = np.random.default_rng(seed)

    def draw(count: int) -> Points:
        at = np.concatenate([rng.normal(mean, SPREAD, (count, 2)) for mean in MEANS])
        return Points(torch.from_numpy(at), torch.arange(CLASSES).repeat_interleave(count))

    return draw(size), draw(tests)


class Network(nn.Module):
    """Maps points to soft assignments (n, clusters): Student's t with one degree of freedom around centres.

        q_ik = (1 + |z_i - mu_k|^2)^-1 / sum_l (1 + |z_i - mu_l|^2)^-1        z = encoder of x / scale

    The centres mu are parameters like the weights of the encoder, a network with one hidden layer.
    """

    def __init__(self, hidden: int, embedding: int, activation: nn.Module, scale: float, seed: int) -> None:
        super().__init__()
        self.scale = scale
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = nn.Sequential(
                nn.Linear(2, hidden, dtype=torch.float64),
                activation,
                nn.Linear(hidden, embedding, dtype=torch.float64),
            )
        self.centres = nn.Parameter(torch.zeros(CLASSES, embedding, dtype=torch.float64))

    def encode(self, at: Tensor) -> Tensor:
        """Embeddings z of points."""
        embedded: Tensor = self.encoder(at / self.scale)
        return embedded

    def forward(self, at: Tensor) -> Tensor:
        """Assignments q of points."""
        near = 1.0 / (1.0 + ((self.encode(at)[:, None] - self.centres) ** 2).sum(2))
        return near / near.sum(1, keepdim=True)

    def find_centres(self, points: Points, seed: int) -> None:
        """Put the centres where k-means finds them among the embeddings, in the order of the classes that they hold."""
        from scipy.optimize import linear_sum_assignment
        from sklearn.cluster import KMeans

        with torch.no_grad():
            embedded = self.encode(points.at)
            found = KMeans(CLASSES, n_init=10, random_state=seed).fit(embedded.numpy())
            shared = np.zeros((CLASSES, CLASSES))
            np.add.at(shared, (points.classes.numpy(), found.labels_), 1.0)
            _, order = linear_sum_assignment(-shared)
            self.centres.copy_(torch.from_numpy(found.cluster_centers_[order]))

    def accuracy(self, points: Points) -> float:
        """Share of points whose likeliest cluster is their class."""
        with torch.no_grad():
            return float((self(points.at).argmax(1) == points.classes).double().mean())


def target(q: Tensor, weights: Tensor | None = None) -> Tensor:
    """The distribution p (n, clusters) that assignments q are drawn towards: q squared over the size of the cluster.

    p_ik = (q_ik^2 / f_k) / sum_l (q_il^2 / f_l)        f_k = sum_i w_i q_ik
    """
    sizes = q.sum(0) if weights is None else weights @ q
    sharp = q**2 / sizes
    return sharp / sharp.sum(1, keepdim=True)


def divergence(p: Tensor, q: Tensor) -> Tensor:
    """KL(p_i || q_i) of each point: the clustering loss."""
    return (p * (p.log() - q.log())).sum(1)


def unlikelihood(q: Tensor, classes: Tensor) -> Tensor:
    """-log q_i of the class of each point: the loss with labels."""
    return -q.gather(1, classes[:, None])[:, 0].log()


class Likelihood(Task):
    """What both columns measure, the log-likelihood of the class of each test point, and their penalty."""

    def __init__(self, points: Points, tests: Points, decay: float) -> None:
        self.points, self.tests, self.decay = points, tests, decay
        self.n = len(points)

    def penalty(self, model: Network) -> Tensor:
        """decay/2 |theta|^2."""
        return self.decay / 2 * squared_norm(model)

    def measure(self, model: Network) -> Tensor:
        """Log-likelihood of the class of each test point."""
        return -unlikelihood(model(self.tests.at), self.tests.classes)


class Cross(Likelihood):
    """Trained to cluster, without labels, towards a fixed p; measured by labels."""

    def __init__(self, points: Points, tests: Points, decay: float, p: Tensor) -> None:
        super().__init__(points, tests, decay)
        self.p = p

    def losses(self, model: Network, samples: Tensor) -> Tensor:
        """KL(p || q) of each."""
        return divergence(self.p[samples], model(self.points.at[samples]))


class Matched(Likelihood):
    """Trained with the labels by which it is measured."""

    def losses(self, model: Network, samples: Tensor) -> Tensor:
        """Minus the log-likelihood of the class of each."""
        return unlikelihood(model(self.points.at[samples]), self.points.classes[samples])


def make_task(column: str, model: Network, points: Points, tests: Points, decay: float) -> Likelihood:
    """The task of a column, "cross" with the target that the model gives as it is, or "matched"."""
    if column == "matched":
        return Matched(points, tests, decay)
    with torch.no_grad():
        return Cross(points, tests, decay, target(model(points.at)))
