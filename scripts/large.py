"""What corpora of a billion tokens and more need, from rates that were measured; see docs/large-corpora.md."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np


@dataclass(frozen=True)
class Rates:
    """Of one corpus, dim 100 and one core; seconds are CPU seconds for a million tokens, bytes are for a token.

    `pairs` are different pairs of words, `words` those of the vocabulary (min-count 5), `types` all words, each with
    the exponent of its growth with the tokens from a quarter of the corpus to the whole. `product` is seconds for a
    million pairs in one product with the curvature.
    """

    corpus: str
    tokens: int
    documents: int
    words: int
    words_exponent: float
    types: int
    types_exponent: float
    pairs: int
    pairs_exponent: float
    encode: float
    count: float
    train: float
    score_block: float
    score_clif: float
    product: float
    bytes_tokens: float
    bytes_beside: float
    bytes_packed: float


MEASURED: dict[str, Rates] = {}


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call gives, and its CPU seconds."""
    began = time.process_time()
    found = call()
    return found, time.process_time() - began


def measure(corpus: Path, test: str) -> Rates:
    """The rates of a corpus."""
    from threadpoolctl import threadpool_limits

    from clif.corpus.encoding import encode
    from clif.corpus.reading import ReadOptions, read_documents
    from clif.corpus.tokenising import Tokeniser
    from clif.counts import count_pairs
    from clif.influence.attribution import JointPairs, PairTable
    from clif.influence.methods import METHODS
    from clif.influence.problem import Problem
    from clif.influence.rehearsal import rehearse
    from clif.influence.scores import document_influence
    from clif.objectives import cover, load_tests, objective_of
    from clif.settings import TrainingSettings
    from clif.training.paired import train_paired
    from clif.vocabulary import Vocabulary, vocabulary_size

    settings = TrainingSettings(epochs=1)
    with tempfile.TemporaryDirectory() as name, threadpool_limits(1):
        folder = Path(name)
        found, encoding = timed(lambda: encode(read_documents([corpus], ReadOptions()), Tokeniser(), folder))
        sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
        tokens, n = found.tokens, len(found.tokens)
        size = vocabulary_size(found.counts, settings.min_count, "corpus")
        vocabulary = Vocabulary(list(found.types[:size]), found.counts[:size])
        trained = train_paired(found, vocabulary, settings)
        objective = objective_of(cover(load_tests([test])[0], vocabulary.index))
        problem = Problem(found, vocabulary, settings, trained.U, trained.C, objective)
        for method in ("block", "clif"):
            rehearse(problem, METHODS[method])
        last = int(np.searchsorted(found.offsets, n // 4))
        offsets = found.offsets[: last + 1]
        part = np.bincount(tokens[: offsets[-1]], minlength=len(found.counts))
        pairs, counting = timed(lambda: count_pairs(tokens, found.offsets, problem.keep, settings.window))
        fewer = count_pairs(tokens, offsets, problem.keep, settings.window)
        problem.__dict__["_of_corpus"] = {"pairs": pairs}
        block = PairTable(problem, np.ones((len(problem.rows), size)))
        least = min(timed(lambda: document_influence(block, 1))[1] for _ in range(3))
        s = np.stack([trained.U, trained.C])
        _, scoring = timed(lambda: document_influence(JointPairs.of_solve(problem, s), 1))
        curvature = problem.curvature()
        curvature.product(s, problem.damp)
        _, product = timed(lambda: curvature.product(s, problem.damp))
    million, growth = n / 1e6, np.log(n / offsets[-1])
    return Rates(
        corpus=corpus.name,
        tokens=n,
        documents=len(found),
        words=size,
        words_exponent=round(float(np.log(size / (part >= settings.min_count).sum()) / growth), 2),
        types=len(found.counts),
        types_exponent=round(float(np.log(len(found.counts) / (part > 0).sum()) / growth), 2),
        pairs=len(pairs),
        pairs_exponent=round(float(np.log(len(pairs) / len(fewer)) / growth), 2),
        encode=round(encoding / million, 3),
        count=round(counting / million, 3),
        train=round(trained.cpu_seconds / million, 3),
        score_block=round(least / million, 4),
        score_clif=round(scoring / million, 3),
        product=round(product / (len(pairs) / 1e6), 4),
        bytes_tokens=round(sizes.pop("tokens.npy") / n, 2),
        bytes_beside=round(sum(sizes.values()) / n, 2),
        bytes_packed=round(corpus.stat().st_size / n, 2),
    )


@click.command()
@click.option("--measure", "corpus", type=click.Path(exists=True, path_type=Path))
@click.option("--test", default="weat6", show_default=True)
def command(corpus: Path | None, test: str) -> None:
    """Print the tables, or the rates of a corpus."""
    if corpus:
        click.echo(json.dumps(asdict(measure(corpus, test)), indent=2))


if __name__ == "__main__":
    command()
