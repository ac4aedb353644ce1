"""Output vectors for input vectors that came without them: the minimum of the training loss in C, U held fixed.

Given U the loss separates over the output words, and for each word c it is convex in its vector:

    L_c(c) = sum_w [ N_wc softplus(-x_w) + k (N_w - N_wc) q_c softplus(x_w) ] + (ridge / 2) |c|^2,     x_w = u_w . c

Training does not reach that minimum. It starts from c = 0 with learning rates that sum to tau. On a quadratic loss,
gradient descent has then come to within 30% of where a ridge of 1/tau ends: so ridge = 1/tau, as for damping.

The sum over the pairs that occur is exact. The noise, k q_c sum_w N_w softplus(x_w), takes in all w for every c: up to
EXACT words they are all taken, beyond that the SAMPLE most frequent ones and as many of the others, drawn and weighted
(`NoiseSample`). Gradient, with the same weights:

    g_c = sum_w N_wc (sigma(x_w) - 1 - k q_c sigma(x_w)) u_w + k q_c sum_w N_w sigma(x_w) u_w + ridge c

Each word has its own L-BFGS (Nocedal 1980), all words of a block in step, so that the noise is a product of matrices.
The first scaling is (b_c S + ridge)^-1 with S = sum_w N_w u_w u_w^T / N and b_c the curvature at c = 0. A step is taken
if the slope along it has not turned to more than half of what it was, else it is cut by the secant; with a convex loss
that needs no values of the loss, whose rounding would be larger than what the last steps gain. A word is done when its
gradient is `tolerance` of that at c = 0; as L_c is strongly convex, |c - minimum| <= |g_c| / ridge.

Scale. U and a U, C and C / a say the same, but for the ridge, and published vectors are often normalised. Training that
starts near zero leaves U^T U = C^T C but for its noise, as gradient flow keeps the difference. So U is multiplied by
the one a for which |a U| = |C|, found on SOME of the output words.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from clif.compiling import Fixed, compiled, number
from clif.counts import count_pairs
from clif.noise_sample import NoiseSample

if TYPE_CHECKING:
    from clif.corpus.encoding import Corpus
    from clif.settings import TrainingSettings
    from clif.vocabulary import Vocabulary

Matrix = NDArray[Any]

EXACT = 2048  # words up to which nothing is sampled, and the minimum is found in double precision
SAMPLE = 2000
FINE, COARSE = 1e-6, 3e-3  # tolerances, exact and sampled
BLOCK = 256  # output words in step
MEMORY = 6  # steps that L-BFGS knows
MOST = 500  # steps
CUTS = 10  # of one step
SOME = 1000  # output words that the scale is found on
ROUNDS = 6


@dataclass(frozen=True, eq=False)
class Fitted:
    """Output vectors C (V, d), and the largest gradient of a word that is left, as a share of that at c = 0."""

    C: Matrix
    gradient: float


def count_outputs(
    corpus: Corpus, vocabulary: Vocabulary, settings: TrainingSettings, documents: NDArray[np.int64] | None = None
) -> csr_array:
    """Expected pair counts N (V, V) of the whole corpus or of some documents, sparse, in both directions."""
    tokens, offsets = corpus.tokens, corpus.offsets
    if documents is not None:
        parts = [tokens[offsets[z] : offsets[z + 1]] for z in documents]
        tokens, offsets = np.concatenate([tokens[:0], *parts]), np.cumsum([0, *map(len, parts)])
    pairs = count_pairs(tokens, offsets, vocabulary.keep_probabilities(settings.sample), settings.window)
    size = len(vocabulary)
    upper = csr_array((pairs.weight, pairs.column, pairs.start), shape=(size, size))
    return csr_array(upper + upper.T)  # a pair of one word with itself is formed in both directions


@dataclass(frozen=True, eq=False)
class OutputLoss:
    """The training loss as a function of C alone.

    `U` (V, d); `counts` (V, V), sparse, N_wc by output word; `kq` (V,) is k q_c. Precision is that of U.
    """

    U: Matrix
    counts: csr_array
    kq: NDArray[np.float64]
    ridge: float

    @classmethod
    def of(
        cls, U: Matrix, counts: csr_array, vocabulary: Vocabulary, settings: TrainingSettings, scale: float = 1.0
    ) -> OutputLoss:
        """The loss of a U with those settings, in double precision where the minimum is found exactly."""
        precise = np.float64 if len(U) <= EXACT else np.float32
        kq = settings.negative * vocabulary.noise(settings.ns_exponent)
        return cls(np.ascontiguousarray(U * scale, dtype=precise), counts, kq, 1.0 / settings.tau)

    @cached_property
    def totals(self) -> NDArray[np.float64]:
        """N_w, (V,)."""
        return np.asarray(self.counts.sum(1), dtype=np.float64)

    def gradient(self, words: NDArray[np.int64], C: Matrix) -> Matrix:
        """g_c of the output `words` (n,) at C (n, d)."""
        inputs, weights = self._noise
        sigma = C @ inputs.T
        with np.errstate(over="ignore"):  # exp of a very negative score: sigma is 0, as it should be
            np.exp(np.negative(sigma, out=sigma), out=sigma)
        sigma += 1.0
        np.divide(weights, sigma, out=sigma)
        result: Matrix = sigma @ inputs
        kq = self.kq[words].astype(C.dtype)
        result *= kq[:, None]
        result += self.U.dtype.type(self.ridge) * C
        _add_pairs(*self._pairs, words, self.U, C, kq, result, Fixed(self.U.shape[1]))
        return result

    def scaled(self, words: NDArray[np.int64], vectors: Matrix) -> Matrix:
        """(b_c S + ridge)^-1 times the vectors (n, d) of the output `words`."""
        values, axes = self._axes
        curvature = 0.25 * (self.totals[words] * (1.0 - self.kq[words]) + self.kq[words] * self.totals.sum())
        inverse = (1.0 / (np.maximum(curvature, 0.0)[:, None] * values + self.ridge)).astype(self.U.dtype)
        return np.asarray(((vectors @ axes) * inverse) @ axes.T)

    @cached_property
    def _noise(self) -> tuple[Matrix, Matrix]:
        """Input vectors (m, d) that stand for all, and the N_w that each stands for."""
        share = self.totals / self.totals.sum()
        sample = NoiseSample.draw(share, SAMPLE, SAMPLE if len(share) > EXACT else len(share))
        return self.U[sample.words], (self.totals[sample.words] * sample.weights).astype(self.U.dtype)

    @cached_property
    def _pairs(self) -> tuple[Matrix, Matrix, Matrix]:
        return self.counts.indptr.astype(np.int64), self.counts.indices, self.counts.data.astype(self.U.dtype)

    @cached_property
    def _axes(self) -> tuple[NDArray[np.float64], Matrix]:
        """Eigenvalues and vectors of S."""
        gram = (self.U.T * (self.totals / self.totals.sum())) @ self.U.astype(np.float64)
        values, axes = np.linalg.eigh(gram)
        return np.maximum(values, 0.0), axes.astype(self.U.dtype)


def fit_outputs(
    loss: OutputLoss,
    start: Matrix | None = None,
    tolerance: float | None = None,
    seen: Callable[[int], None] | None = None,
) -> Fitted:
    """The C that minimises the loss, from `start` (V, d) or from zero; `seen(words)` is told how many are done.

    `tolerance` is FINE or COARSE, by whether anything is sampled, unless given. The same bytes for the same input.
    """
    size = len(loss.U)
    if tolerance is None:
        tolerance = FINE if size <= EXACT else COARSE
    C = np.zeros_like(loss.U) if start is None else start.astype(loss.U.dtype)
    worst = 0.0
    for first in range(0, size, BLOCK):
        words = np.arange(first, min(size, first + BLOCK))
        C[words], left = _fit(loss, words, C[words], tolerance)
        worst = max(worst, left)
        if seen:
            seen(int(words[-1]) + 1)
    return Fitted(C, worst)


def find_scale(loss: OutputLoss) -> float:
    """The a for which |a U| = |C|, C fitted to a U: to within the tolerance and the choice of the output words."""
    some = np.linspace(0, len(loss.U) - 1, min(SOME, len(loss.U))).astype(np.int64)
    length = float(np.linalg.norm(loss.U)) or 1.0
    scale = 1.0
    for _ in range(ROUNDS):
        scaled = replace(loss, U=loss.U * loss.U.dtype.type(scale))
        parts = [
            _fit(scaled, words, np.zeros((len(words), loss.U.shape[1]), loss.U.dtype), COARSE)[0]
            for words in np.array_split(some, -(-len(some) // BLOCK))
        ]
        outputs = math.sqrt(sum(float(np.vdot(C, C)) for C in parts) * len(loss.U) / len(some))
        # C shrinks about as a grows, or less: with half of the step in logarithms the rest at least halves.
        scale = math.sqrt(scale * max(outputs, 1e-6 * length) / length)
    return scale


def _fit(loss: OutputLoss, words: NDArray[np.int64], C: Matrix, tolerance: float) -> tuple[Matrix, float]:
    """The minima of the output `words` from C (n, d), and the largest relative gradient that is left."""
    done = np.empty_like(C)
    scale = _lengths(loss.gradient(words, np.zeros_like(C)))
    # A word that nothing pulls at is at its minimum at once: its gradient is the ridge alone.
    scale[scale == 0.0] = 1.0
    left = np.zeros(len(words))
    going = np.arange(len(words))
    gradient = loss.gradient(words, C)
    steps: list[Matrix] = []
    turns: list[Matrix] = []
    for _ in range(MOST):
        left[going] = _lengths(gradient) / scale[going]
        open_ = left[going] > tolerance
        if not open_.all():
            done[going[~open_]] = C[~open_]
            going, C, gradient = going[open_], C[open_], gradient[open_]
            steps, turns = [s[open_] for s in steps], [t[open_] for t in turns]
        if not len(going):
            break
        direction = _direction(gradient, steps, turns, partial(loss.scaled, words[going]))
        moved, new = _step(loss, words[going], C, gradient, direction)
        steps, turns = [*steps[1 - MEMORY :], moved - C], [*turns[1 - MEMORY :], new - gradient]
        C, gradient = moved, new
    done[going] = C
    return done, float(left.max())


def _step(
    loss: OutputLoss, words: NDArray[np.int64], C: Matrix, gradient: Matrix, direction: Matrix
) -> tuple[Matrix, Matrix]:
    """C and the gradient after a step along `direction`, cut for those words that it takes too far."""
    falls = -_dots(gradient, direction)
    moved = C + direction
    new = loss.gradient(words, moved)
    share = np.ones(len(words), dtype=C.dtype)
    for _ in range(CUTS):
        slope = _dots(new, direction)
        far = np.flatnonzero(slope > 0.5 * falls)
        if not len(far):
            break
        share[far] *= np.clip(falls[far] / (falls[far] + slope[far]), 0.1, 0.9)
        moved[far] = C[far] + share[far, None] * direction[far]
        new[far] = loss.gradient(words[far], moved[far])
    return moved, new


def _direction(
    gradient: Matrix, steps: list[Matrix], turns: list[Matrix], scaled: Callable[[Matrix], Matrix]
) -> Matrix:
    """-H^-1 gradient, H^-1 as L-BFGS has learnt it from the last steps and the turns of the gradient over them."""
    tiny = np.finfo(gradient.dtype).tiny
    curves = [np.maximum(_dots(s, t), tiny) for s, t in zip(steps, turns, strict=True)]
    rest, shares = gradient.copy(), []
    for step, turn, curve in zip(steps[::-1], turns[::-1], curves[::-1], strict=True):
        share = _dots(step, rest) / curve
        shares.append(share)
        rest -= share[:, None] * turn
    rest = scaled(rest)
    if steps:
        rest *= (curves[-1] / np.maximum(_dots(turns[-1], scaled(turns[-1])), tiny))[:, None]
    for step, turn, curve, share in zip(steps, turns, curves, shares[::-1], strict=True):
        rest += (share - _dots(turn, rest) / curve)[:, None] * step
    return -rest


@compiled
def _add_pairs(start, word, weight, outputs, U, C, kq, result, fixed):  # type: ignore[no-untyped-def]
    """Add sum_w N_wc (sigma(x) - 1 - k q_c sigma(x)) u_w, w the partners of outputs[n], to result[n].

    Row c of the counts is word[start[c]:start[c + 1]] with its `weight`; C, kq and result go by n; fixed is Fixed(d).
    """
    dim = number(fixed)
    one = U.dtype.type(1)
    pull = np.empty(dim, dtype=U.dtype)
    for n in range(len(outputs)):
        for i in range(dim):
            pull[i] = 0
        for e in range(start[outputs[n]], start[outputs[n] + 1]):
            w = word[e]
            x = U.dtype.type(0)
            for i in range(dim):
                x += U[w, i] * C[n, i]
            sigma = one / (one + math.exp(-x))
            g = weight[e] * (sigma - one - kq[n] * sigma)
            for i in range(dim):
                pull[i] += g * U[w, i]
        for i in range(dim):
            result[n, i] += pull[i]


def _dots(a: Matrix, b: Matrix) -> Matrix:
    return np.asarray(np.einsum("nd,nd->n", a, b))


def _lengths(vectors: Matrix) -> Matrix:
    return np.sqrt(_dots(vectors, vectors))
