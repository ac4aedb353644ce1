"""The Gauss-Newton curvature of many networks at once: what their training is preconditioned by."""

from __future__ import annotations

import torch
from torch import Tensor

from clif.experiments.fragility.problems import Problem

ENTRIES = 2**23  # of derivatives that are held at once


def gauss_newton(problem: Problem, vectors: Tensor, weights: Tensor) -> Tensor:
    """sum_i w_i J_i^T (diag(q_i) - q_i q_i^T) J_i + decay I of each network, (k, p, p).

    J_i are the derivatives of the logits at point i, q_i their softmax. vectors (k, p), weights (k, n). Points do not
    meet inside a network, so one backward pass a class gives what each point adds to all layers.
    """
    passed = problem.network.layers(vectors.detach().requires_grad_(), problem.data.X)
    logits = passed[-1][1]
    outs = [out for _, out in passed]
    slopes = []
    for label in range(logits.shape[2]):
        pushes = torch.autograd.grad(logits[..., label].sum(), outs, retain_graph=True)
        parts = []
        for (into, _), push in zip(passed, pushes, strict=True):
            parts += [torch.einsum("kno,kni->knoi", push, into.detach()).flatten(2), push]
        slopes.append(torch.cat(parts, dim=2))
    J = torch.stack(slopes, dim=2)  # (k, n, classes, p)
    q = torch.softmax(logits.detach(), 2)[..., None]
    centred = ((J - (q * J).sum(2, keepdim=True)) * (q * weights[..., None, None]).sqrt()).flatten(1, 2)
    matrix = centred.transpose(1, 2) @ centred
    matrix.diagonal(dim1=1, dim2=2).add_(problem.decay)
    return matrix


def rough_inverse(problem: Problem, vectors: Tensor, weights: Tensor, least: float) -> Tensor:
    """Inverse (k, p, p) of the Gauss-Newton curvature, `least` of (its largest entry + 1) added to the diagonal."""
    rows = problem.points * problem.data.classes
    together = max(1, ENTRIES // (rows * problem.network.parameters))
    inverses = []
    for some, theirs in zip(torch.split(vectors, together), torch.split(weights, together), strict=True):
        matrix = gauss_newton(problem, some, theirs)
        diagonal = matrix.diagonal(dim1=1, dim2=2)
        diagonal.add_(least * (diagonal.amax(1, keepdim=True) + 1))
        inverses.append(torch.cholesky_inverse(torch.linalg.cholesky(matrix)))
    return torch.cat(inverses)
