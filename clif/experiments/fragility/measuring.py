"""One cell of the grid: networks trained, removals predicted, and checked by every procedure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clif.experiments.fragility.agreement import pearson, spearman, spread
from clif.experiments.fragility.estimates import Trained, newton, predict
from clif.experiments.fragility.minimising import Minimum
from clif.experiments.fragility.networks import Network
from clif.experiments.fragility.problems import Problem, load
from clif.experiments.fragility.procedures import (
    LEAST,
    PROCEDURES,
    REFERENCE,
    by_adam,
    from_optimum,
    from_scratch,
    generator,
    weights_without,
)
from clif.experiments.fragility.settings import Cell, Settings, base_cell

Array = NDArray[np.float64]
Sets = Mapping[int, Sequence[Tensor]]  # by how many points they hold
START, TESTS, SETS, OTHER, GATHERED, BATCHES = range(6)  # what is drawn, each from random numbers of its own
RETRAINING = "retraining"  # the change under REFERENCE, taken as if it had been predicted
GONE = 1e-3  # of an objective without decay: below it the training points are told apart, and no minimum is there
BELOW = 1e-9  # eigenvalues below minus this share of the largest are negative, not rounding


def measure_cell(settings: Settings, cell: Cell) -> dict[str, Any]:
    """How a cell was trained, rows of how well each estimate agrees with each procedure, and points of one repeat."""
    torch.set_num_threads(1)  # for the same bits on any machine; what is multiplied here is small
    data = load(cell.data, settings.points, settings.seed)
    problem = Problem(Network(data.X.shape[1], cell.width, cell.depth, data.classes, cell.activation), data, cell.decay)
    repeats = range(settings.repeats)
    starts = torch.stack([problem.network.start(generator(settings.seed, each, START)) for each in repeats])
    whole = torch.ones(settings.repeats, settings.points, dtype=torch.float64)
    thorough = replace(settings.effort, limit=settings.train_limit, preconditioned=problem.network.parameters)
    minimum = from_scratch(problem, starts, whole, thorough)
    networks = [Trained(problem, minimum.vectors[each], draw_tests(settings, problem, each)) for each in repeats]
    sets = [draw_sets(settings, cell, each) for each in repeats]
    realised = retrain(settings, networks, starts, [[one for some in each.values() for one in some] for each in sets])
    return {
        "training": _training(settings, problem, minimum, networks),
        "rows": _rows(networks, sets, realised, stepped=cell == base_cell(settings, cell.data)),
        "points": {
            "predicted": predict(networks[0], sets[0][1])["exact"].tolist(),
            "realised": {name: found.changes[0][:, : settings.points].tolist() for name, found in realised.items()},
        },
    }


def draw_tests(settings: Settings, problem: Problem, repeat: int) -> Tensor:
    """The test points of a repeat."""
    return torch.randperm(len(problem.data.test_y), generator=generator(settings.seed, repeat, TESTS))[: settings.tests]


def draw_sets(settings: Settings, cell: Cell, repeat: int) -> Sets:
    """What is removed in a repeat: every point once, and in the base cells random sets of several."""
    sets: dict[int, Sequence[Tensor]] = {1: torch.split(torch.arange(settings.points), 1)}
    if cell == base_cell(settings, cell.data):
        for size in settings.sizes:
            draws = generator(settings.seed, repeat, SETS, size)
            sets[size] = [torch.randperm(settings.points, generator=draws)[:size] for _ in range(settings.groups)]
    return sets


class Realised:
    """What a procedure made of the r networks: changes of the test losses, by removal and by removing nothing.

    changes    r matrices (m, sets); `controls` (m, controls) likewise
    gradients  norms of the gradients (r, k) that were left
    """

    def __init__(self, networks: Sequence[Trained], vectors: Tensor, weights: Tensor, controls: int) -> None:
        changes = [(each.measure(some) - each.measures).T for each, some in zip(networks, vectors, strict=True)]
        self.changes: list[Array] = [each[:, :-controls].numpy() for each in changes]
        self.controls: list[Array] = [each[:, -controls:].numpy() for each in changes]
        problem = networks[0].problem
        parts = [problem.slopes(some, theirs)[1].norm(dim=1) for some, theirs in zip(vectors, weights, strict=True)]
        self.gradients: Array = torch.stack(parts).numpy()


def retrain(
    settings: Settings, networks: Sequence[Trained], starts: Tensor, sets: Sequence[Sequence[Tensor]]
) -> dict[str, Realised]:
    """The networks retrained without each of their sets, and some times without removing anything, by each procedure.

    starts   parameters (r, p) that the training of the networks began with
    sets     as many for each network
    """
    problem, effort, repeats = networks[0].problem, settings.effort, range(len(networks))
    nothing = [torch.tensor([], dtype=torch.int64)] * settings.controls
    weights = torch.stack([weights_without([*some, *nothing], problem.points) for some in sets])
    flat, k = weights.flatten(0, 1), weights.shape[1]
    optima = torch.stack([each.vector for each in networks])
    inverses = torch.stack([each.positive_inverse(LEAST) for each in networks])

    def drawn(purpose: int) -> list[torch.Generator]:
        return [generator(settings.seed, repeat, purpose) for repeat in repeats]

    vectors = {REFERENCE: from_optimum(problem, optima, inverses, weights, effort)}
    few, all_steps, _ = by_adam(problem, optima, weights, effort, drawn(BATCHES), rate=effort.rate)
    vectors |= {"adam-few": few, "adam-fresh": all_steps}
    whole = torch.ones(len(networks), 1, problem.points, dtype=torch.float64)
    _, _, moments = by_adam(problem, optima, whole, effort, drawn(GATHERED), rate=0.0)
    kept = by_adam(problem, optima, weights, effort, drawn(BATCHES), rate=effort.rate, moments=moments)
    vectors["adam-kept"] = kept[1]
    same = starts.repeat_interleave(k, 0)
    draws = [generator(settings.seed, repeat, OTHER, row) for repeat in repeats for row in range(k)]
    other = torch.stack([problem.network.start(each) for each in draws])
    vectors["scratch-same"] = from_scratch(problem, same, flat, effort).vectors.view(len(networks), k, -1)
    vectors["scratch-other"] = from_scratch(problem, other, flat, effort).vectors.view(len(networks), k, -1)
    return {name: Realised(networks, vectors[name], weights, settings.controls) for name in PROCEDURES}


def _training(settings: Settings, problem: Problem, minimum: Minimum, networks: Sequence[Trained]) -> dict[str, Any]:
    least, largest = (np.array([float(each.bends[end]) for each in networks]) for end in (0, -1))
    return {
        "parameters": problem.network.parameters,
        "objective": float(minimum.values.median()),
        "separated": float((minimum.values < GONE).double().mean()) if not problem.decay else 0.0,
        "gradient": float(minimum.gradients.median()),
        "gradient_worst": float(minimum.gradients.max()),
        "converged": float((minimum.gradients <= settings.tolerance).double().mean()),
        "least_eigenvalue": float(np.median(least)),
        "indefinite": float(np.mean(least < -BELOW * largest)),
        "train_accuracy": float(problem.accuracy(minimum.vectors, test=False).median()),
        "test_accuracy": float(problem.accuracy(minimum.vectors, test=True).median()),
    }


def _rows(
    networks: Sequence[Trained], sets: Sequence[Sets], realised: Mapping[str, Realised], *, stepped: bool
) -> list[dict[str, Any]]:
    """A row for each procedure, size of sets and estimate: the distribution over repeats and test points."""
    agreement: dict[tuple[str, int, str], list[tuple[Array, Array]]] = defaultdict(list)
    moved: dict[tuple[str, int], list[Array]] = defaultdict(list)
    for repeat, (network, by_size) in enumerate(zip(networks, sets, strict=True)):
        at = 0
        for size, members in by_size.items():
            part = slice(at, at + len(members))
            at = part.stop
            predicted = {name: values.numpy() for name, values in predict(network, members).items()}
            if stepped:
                predicted["newton"] = newton(network, members).numpy()
            for procedure, found in realised.items():
                y = found.changes[repeat][:, part]
                moved[procedure, size].append(np.abs(y))
                for name, x in predicted.items():
                    agreement[procedure, size, name].append((spearman(x, y), pearson(x, y)))
                if procedure != REFERENCE:
                    x = realised[REFERENCE].changes[repeat][:, part]
                    agreement[procedure, size, RETRAINING].append((spearman(x, y), pearson(x, y)))
    rows = []
    for (procedure, size, estimate), pairs in agreement.items():
        ranks, values = (np.concatenate(each) for each in zip(*pairs, strict=True))
        some = ranks[np.isfinite(ranks)]
        rows.append(
            {
                "procedure": procedure,
                "removed": size,
                "estimate": estimate,
                "n": len(some),
                "undefined": len(ranks) - len(some),
                **spread(ranks, "spearman"),
                "spearman_mean": float(some.mean()) if len(some) else None,
                "spearman_sd": float(some.std(ddof=1)) if len(some) > 1 else None,
                **spread(values, "pearson"),
                "moved": float(np.median(np.concatenate(moved[procedure, size]))),
                "control": float(np.median(np.abs(np.concatenate(realised[procedure].controls)))),
                "gradient": float(np.median(realised[procedure].gradients)),
            }
        )
    return rows
