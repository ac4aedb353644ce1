"""Small corpora and models, and slow, plain versions of what the package computes fast.

What is differentiated here is differentiated by torch, from the loss and the objective as they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import scipy.linalg  # noqa: F401 (it brings its own BLAS)
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from clif.corpus.encoding import Corpus
from clif.influence.problem import Problem
from clif.manifest import MANIFEST, file_sha256
from clif.objectives import WEAT, BiasTest, cover
from clif.settings import TrainingSettings
from clif.storage.files import read_json, write_json
from clif.storage.seals import CHECKSUMS
from clif.vocabulary import Vocabulary

# The matrices of tests are small: threads would mostly wait for one another.
torch.set_num_threads(1)
threadpool_limits(1)


def corpus_of(documents: Sequence[Sequence[int]], types: int | None = None, prefix: str = "d") -> Corpus:
    """A corpus in memory from documents of word numbers, named d0, d1, and so on."""
    lengths = [len(document) for document in documents]
    tokens = np.array([token for document in documents for token in document], dtype=np.uint32)
    size = int(tokens.max(initial=0)) + 1 if types is None else types
    return Corpus(
        doc_ids=[f"{prefix}{z}" for z in range(len(documents))],
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        tokens=tokens,
        types=[f"w{token}" for token in range(size)],
        counts=np.bincount(tokens, minlength=size),
        content_hash="made",
    )


def slow_weights(tokens: Sequence[int], keep: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Expected weight of the pair at each two positions of one document, with the whole Poisson-binomial kept."""
    weights = np.zeros((len(tokens), len(tokens)))
    inside = [position for position, token in enumerate(tokens) if token < len(keep)]
    for place, i in enumerate(inside):
        between = np.ones(1)  # probability of 0, 1, ... kept tokens strictly between i and j
        for j in inside[place + 1 :]:
            reach = sum(chance * max(0, window - g) for g, chance in enumerate(between))
            weights[i, j] = weights[j, i] = keep[tokens[i]] * keep[tokens[j]] * reach / window
            between = np.convolve(between, [1 - keep[tokens[j]], keep[tokens[j]]])
    return weights


def slow_counts(tokens: Sequence[int], keep: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Expected pair counts (V, V) of one document."""
    counts = np.zeros((len(keep), len(keep)))
    weights = slow_weights(tokens, keep, window)
    for i, j in zip(*np.nonzero(weights), strict=True):
        counts[tokens[i], tokens[j]] += weights[i, j]
    return counts


def expected_loss(
    U: torch.Tensor, C: torch.Tensor, counts: torch.Tensor, noise: torch.Tensor, negative: int
) -> torch.Tensor:
    """sum_wc N_wc softplus(-x_wc) + k (N_w - N_wc) q_c softplus(x_wc), x = U C^T."""
    return loss_of_scores(U @ C.T, counts, noise, negative)


def loss_of_scores(x: torch.Tensor, counts: torch.Tensor, noise: torch.Tensor, negative: int) -> torch.Tensor:
    """The same loss as a function of the scores x (V, V)."""
    softplus = torch.nn.functional.softplus
    rest = counts.sum(1, keepdim=True) - counts
    # Above its threshold torch's softplus is the identity, exact to 1e-16 from 40 on.
    return (counts * softplus(-x, threshold=40) + negative * rest * noise * softplus(x, threshold=40)).sum()


def tensor(values: NDArray) -> torch.Tensor:
    """A copy in double precision."""
    return torch.tensor(np.asarray(values), dtype=torch.float64)


def made_test(words: Sequence[str], sizes: Sequence[int]) -> BiasTest:
    """A bias test that takes its sets X, Y, A, B from the head of `words`."""
    ends = np.cumsum(sizes)
    return BiasTest("made", *(tuple(words[end - size : end]) for end, size in zip(ends, sizes, strict=True)))


def random_problem(
    seed: int,
    *,
    size: int = 25,
    dim: int = 4,
    window: int = 3,
    negative: int = 3,
    sample: float = 1e-2,
    documents: int = 8,
    longest: int = 20,
    sizes: Sequence[int] = (2, 2, 2, 2),
    measure: str = "effect_size",
    damping: float | None = None,
    exponent: float = 0.75,
    precision: type[np.floating] = np.float32,
) -> Problem:
    """A random model, corpus and test; some tokens are outside the vocabulary, and some documents are empty."""
    rng = np.random.default_rng(seed)
    words = [f"w{row}" for row in range(size)]
    lengths = rng.integers(0, longest + 1, documents)
    # Squares make low word numbers frequent, as in text; three numbers are beyond the vocabulary.
    texts = [((size + 3) * rng.random(length) ** 2).astype(int).tolist() for length in lengths]
    vocabulary = Vocabulary(words, np.sort(rng.integers(1, 500, size))[::-1].copy())
    test = made_test([words[row] for row in rng.permutation(size)], sizes)
    return Problem(
        corpus=corpus_of(texts, size + 3),
        vocabulary=vocabulary,
        settings=TrainingSettings(
            dim=dim, window=window, negative=negative, sample=sample, seed=seed % 1000, ns_exponent=exponent
        ),
        U=rng.normal(size=(size, dim)).astype(precision),
        C=rng.normal(size=(size, dim)).astype(precision),
        objective=WEAT(cover(test, vocabulary.index, least=2)),
        measure=measure,
        damping=damping,
    )


def documents_of(problem: Problem) -> list[list[int]]:
    """Word numbers of each document of the problem's corpus."""
    offsets = problem.corpus.offsets
    return [problem.corpus.tokens[a:b].tolist() for a, b in pairwise(offsets)]


def document_counts(problem: Problem) -> NDArray[np.float64]:
    """Expected pair counts (documents, V, V), the slow way."""
    keep = problem.keep
    return np.array([slow_counts(tokens, keep, problem.settings.window) for tokens in documents_of(problem)])


def joined(problem: Problem) -> torch.Tensor:
    """U and C as one tensor (2, V, d)."""
    return tensor(np.stack([problem.U, problem.C]))


def objective_gradient(problem: Problem) -> NDArray[np.float64]:
    """dT/d(U, C), (2, V, d)."""
    Z = joined(problem).requires_grad_()
    problem.objective.torch_value(Z[0][torch.as_tensor(problem.rows)], problem.measure).backward()
    return Z.grad.numpy()


def document_gradients(problem: Problem, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gradient (documents, 2, V, d) of each document's expected loss, from `document_counts`."""
    noise, gradients = tensor(problem.noise), []
    for own in counts:
        Z = joined(problem).requires_grad_()
        expected_loss(Z[0], Z[1], tensor(own), noise, problem.negative).backward()
        gradients.append(Z.grad.numpy())
    return np.array(gradients)


def exact_hessian(problem: Problem, total: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hessian (2 V d, 2 V d) of the expected loss of the counts `total` (V, V) in U and C together."""
    noise, counts = tensor(problem.noise), tensor(total)

    def loss(Z: torch.Tensor) -> torch.Tensor:
        return expected_loss(Z[0], Z[1], counts, noise, problem.negative)

    Z = joined(problem)
    return torch.autograd.functional.hessian(loss, Z, vectorize=True).reshape(Z.numel(), Z.numel()).numpy()


def gauss_newton(problem: Problem, total: NDArray[np.float64]) -> NDArray[np.float64]:
    """J^T diag(d2L/dx2) J, (2 V d, 2 V d), with J the derivative of the scores by U and C."""
    Z = joined(problem)
    J = torch.autograd.functional.jacobian(lambda Z: (Z[0] @ Z[1].T).ravel(), Z, vectorize=True).reshape(-1, Z.numel())
    slope = second_derivative(problem, total).ravel()
    return (J.T @ (slope[:, None] * J)).numpy()


def second_derivative(problem: Problem, total: NDArray[np.float64]) -> torch.Tensor:
    """d2L/dx2 of each score, (V, V)."""
    x = tensor(problem.U) @ tensor(problem.C).T
    x.requires_grad_()
    loss = loss_of_scores(x, tensor(total), tensor(problem.noise), problem.negative)
    (first,) = torch.autograd.grad(loss, x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)  # of a sum of functions of one score each
    return second


def assert_close(actual: NDArray, expected: NDArray, rtol: float) -> None:
    """Equal to `rtol`; where large parts cancel, to a hundredth of it in units of the largest."""
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=0.01 * rtol * np.abs(expected).max(initial=0) + 1e-300)


def apart(actual: NDArray, expected: NDArray) -> float:
    """Relative distance |actual - expected| / |expected|; 0 where both are zero."""
    return float(np.linalg.norm(actual - expected) / (np.linalg.norm(expected) or 1.0))


@dataclass(frozen=True)
class Starts:
    """Stands for the file that says where sentences begin."""

    starts: np.ndarray
    path: Path = Path("sentences.npy")

    def read(self) -> np.ndarray:
        return self.starts


def cut(problem: Problem, seed: int = 0) -> Problem:
    """The same with documents cut into sentences, at every document's first token and some others."""
    rng, corpus = np.random.default_rng(seed), problem.corpus
    begins = rng.random(len(corpus.tokens)) < 0.3
    begins[corpus.offsets[:-1][corpus.lengths > 0]] = True
    return replace(problem, corpus=replace(corpus, sentence_file=Starts(np.flatnonzero(begins).astype(np.uint64))))


def reseal(run: Path, change: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
    """Write a run's manifest, changed, with the checksums of its files as they are now."""
    manifest = read_json(run / MANIFEST, "")
    sums = {name: file_sha256(run / name) for name in manifest.get(CHECKSUMS, {}) if (run / name).is_file()}
    change(manifest)
    write_json(run / MANIFEST, {**manifest, CHECKSUMS: sums})
