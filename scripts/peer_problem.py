"""The problem that scripts/peers.py puts to every library, as arrays, as a torch module, and solved exactly.

A training sample is a document, the training loss is the expected loss that clif takes, and the measured function is
the WEAT effect size. What a library is given as parameters: `U and C`; `U` with C a constant; or the `rows` of U that
the test reads, and then the pairs whose input is no word of the test are left out, too, as clif does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize, softplus

TEST = {
    "X": ["president", "minister", "police", "firefighters", "spokesman", "leader", "residents", "tourists"],
    "Y": ["sydney", "melbourne", "pakistan", "india", "africa", "queensland", "hobart", "kabul"],
    "A": ["attack", "war", "killed", "forces", "military", "fire", "died", "explosives"],
    "B": ["race", "test", "team", "play", "cup", "win", "final", "yacht"],
}
GIVEN = ("U and C", "U", "rows")
PAIRS = ("document", "input", "output", "weight")
Sample = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Data:
    """A model and the expected pairs of its documents, one entry of `document`, `input`, `output`, `weight` each."""

    U: np.ndarray
    C: np.ndarray
    noise: np.ndarray
    negative: int
    damp: float
    rows: np.ndarray  # of the test's words: X, Y, A, B
    sizes: np.ndarray  # of X, Y, A, B
    documents: int
    document: np.ndarray
    input: np.ndarray
    output: np.ndarray
    weight: np.ndarray

    def head(self, documents: int) -> Data:
        """The first documents alone, with the same model."""
        kept = self.document < documents
        return replace(self, documents=documents, **{name: getattr(self, name)[kept] for name in PAIRS})


class SkipGram(torch.nn.Module):
    """The model with the parameters that are asked for; everything else is a buffer."""

    def __init__(self, data: Data, parameters: str) -> None:
        super().__init__()
        U, C = torch.tensor(data.U), torch.tensor(data.C)
        self.rows_only = parameters == "rows"
        self.negative, self.sizes = data.negative, data.sizes.tolist()
        self.U = torch.nn.Parameter(U[data.rows] if self.rows_only else U)
        if parameters == "U and C":
            self.C = torch.nn.Parameter(C)
        else:
            self.register_buffer("C", C)
        self.register_buffer("noise", torch.tensor(data.noise, dtype=C.dtype))
        self.register_buffer("rows", torch.arange(len(data.rows)) if self.rows_only else torch.tensor(data.rows))

    def samples(self, data: Data) -> list[Sample]:
        """The arguments of `loss` for each document."""
        place = np.arange(len(data.U))
        if self.rows_only:
            place = np.full(len(data.U), -1)
            place[data.rows] = np.arange(len(data.rows))
        found = []
        for z in range(data.documents):
            mine = (data.document == z) & (place[data.input] >= 0)
            words, slot = np.unique(place[data.input[mine]], return_inverse=True)
            cells, pair = np.unique(slot * len(data.C) + data.output[mine], return_inverse=True)
            totals, weights = np.bincount(slot, data.weight[mine]), np.bincount(pair, data.weight[mine])
            found.append((words, totals, cells, weights))
        return found

    def whole(self, data: Data) -> tuple[Tensor, ...]:
        """All documents as one sample: the loss is linear in the pairs."""
        return padded(self.samples(replace(data, documents=1, document=np.zeros_like(data.document))))

    def loss(self, words: Tensor, totals: Tensor, cells: Tensor, weights: Tensor) -> Tensor:
        """sum_wc n_wc softplus(-x) + k (n_w - n_wc) q_c softplus(x), x = u_w . c_c, over any leading dimensions.

        `totals` are n_w of `words`; `weights` are n_wc at `cells`, flat places in (words, V).
        """
        x = self.U[words] @ self.C.T
        pairs = x.flatten(-2).gather(-1, cells)
        noise = self.noise[cells % len(self.C)]
        near = weights * (softplus(-pairs) - self.negative * noise * softplus(pairs))
        far = self.negative * totals * (softplus(x) @ self.noise)
        return near.sum(-1) + far.sum(-1)

    def effect_size(self) -> Tensor:
        """WEAT effect size."""
        X, Y, A, B = normalize(self.U[self.rows], dim=1).split(self.sizes)
        axis = A.mean(0) - B.mean(0)
        x, y = X @ axis, Y @ axis
        return (x.mean() - y.mean()) / torch.cat([x, y]).std(correction=0)

    def forward(self, *sample: Tensor) -> Tensor:
        """The loss of a sample; the effect size without one."""
        return self.loss(*sample) if sample else self.effect_size()


def tensors(sample: Sample) -> tuple[Tensor, ...]:
    """Words and cells as integers, totals and weights in single precision."""
    return tuple(torch.tensor(part, dtype=torch.float32 if part.dtype.kind == "f" else torch.int64) for part in sample)


def padded(samples: list[Sample]) -> tuple[Tensor, ...]:
    """Samples one below the other, filled up with words and pairs of weight 0."""
    columns = zip(*map(tensors, samples), strict=True)
    return tuple(torch.nn.utils.rnn.pad_sequence(list(column), batch_first=True) for column in columns)


def called(model: SkipGram, parameters: dict[str, Tensor], sample: tuple[Tensor, ...] = ()) -> Tensor:
    """The model with other parameters, as torch.func wants it."""
    return torch.func.functional_call(model, parameters, sample)


def make_problem(folder: Path, documents: int, epochs: int) -> Path:
    """Train on the first documents; the run, the test and its numbers go into a folder of their own."""
    from gensim.test.utils import datapath

    import clif
    from clif.pairs import stream_contexts
    from clif.ranking import make_problem

    place = folder / f"{documents}-{epochs}"
    place.mkdir()
    lines = Path(datapath("lee_background.cor")).read_text(encoding="utf-8").splitlines()[:documents]
    (place / "corpus.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sets = "".join(f"{key} = {json.dumps(words)}\n" for key, words in TEST.items())
    (place / "test.toml").write_text(f'name = "lee"\n{sets}', encoding="utf-8")
    settings = clif.TrainingSettings(trainer="gensim", dim=50, min_count=2, epochs=epochs)
    run = clif.train(place / "corpus.txt", place / "run", settings).run
    problem = make_problem(run, clif.load_tests([str(place / "test.toml")])[0], "effect_size")
    contexts = list(stream_contexts(run.corpus.tokens, run.corpus.offsets, problem.keep, settings.window))
    np.savez(
        place / "data.npz",
        U=problem.U, C=problem.C, noise=run.vocabulary.noise(settings.ns_exponent), negative=settings.negative,
        damp=problem.damp, rows=problem.rows, sizes=[len(words) for words in TEST.values()], documents=len(run.corpus),
        **{name: np.concatenate([getattr(part, name) for part in contexts]) for name in PAIRS},
    )  # fmt: skip
    return place


def load(place: Path) -> Data:
    """The numbers of a problem."""
    with np.load(place / "data.npz") as file:
        return Data(**{name: file[name] if file[name].ndim else file[name].item() for name in file.files})


def reference(data: Data) -> np.ndarray:
    """Influence by the exact solve, in double precision and without clif: (G + damp I)^-1 grad T over U and C.

    G is the Gauss-Newton matrix of the training loss, dense, with (2 V d)^2 entries: too many to store, so it is
    applied by its factors, and the solve is by conjugate gradients to a relative residual of 1e-10.
    """
    U, C, k, q = data.U.astype(float), data.C.astype(float), data.negative, data.noise
    counts = np.zeros((len(U), len(C)))
    np.add.at(counts, (data.input, data.output), data.weight)
    sigma = 1 / (1 + np.exp(-(U @ C.T)))
    curvature = (counts + k * (counts.sum(1, keepdims=True) - counts) * q) * sigma * (1 - sigma)

    def product(P: np.ndarray) -> np.ndarray:
        along = curvature * (P[0] @ C.T + U @ P[1].T)
        return np.stack([along @ C, along.T @ U]) + data.damp * P

    model = SkipGram(data, "U").double()
    (gradient,) = torch.autograd.grad(model.effect_size(), model.U)
    step = rest = np.stack([gradient.numpy(), np.zeros_like(C)])
    s = np.zeros_like(rest)
    size = first = (rest**2).sum()
    while size > 1e-20 * first:
        applied = product(step)
        length = size / (step * applied).sum()
        s, rest = s + length * step, rest - length * applied
        before, size = size, (rest**2).sum()
        step = rest + size / before * step
    moved = s[0] @ C.T + U @ s[1].T
    negatives = k * sigma * q * moved
    each = -(1 - sigma) * moved - negatives + negatives.sum(1, keepdims=True)
    return np.bincount(data.document, data.weight * each[data.input, data.output], minlength=data.documents)
