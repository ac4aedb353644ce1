"""What corpora of a billion tokens and more need, from rates that were measured; see docs/large-corpora.md."""

from __future__ import annotations

import json
import resource
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
    the exponent of its growth with the tokens from a quarter of the corpus to the whole. `look` counts around the words
    of the test, `count` all pairs; `product` is seconds for a million pairs in one product with the curvature.
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
    encode_here: float
    look: float
    count: float
    train: float
    score_block: float
    score_clif: float
    product: float
    bytes_tokens: float
    bytes_beside: float
    bytes_packed: float


WIKINEWS = Rates(
    corpus="wikinews.jsonl.gz",
    tokens=5_872_363,
    documents=19_277,
    words=31_405,
    words_exponent=0.51,
    types=91_862,
    types_exponent=0.49,
    pairs=7_961_549,
    pairs_exponent=0.70,
    encode=0.537,
    encode_here=0.230,
    look=0.0047,
    count=0.433,
    train=1.074,
    score_block=0.0070,
    score_clif=0.907,
    product=0.1772,
    bytes_tokens=4.0,
    bytes_beside=0.75,
    bytes_packed=2.45,
)

SIZES = (10**9, 10**10, 10**12)
DIM, EPOCHS, PRODUCTS = 100, 5, 13  # products: of the solve for weat6 on that corpus
TRAININGS = 14  # of one `clif retrain`: two further seeds, three without the chosen documents, nine controls
PAIR = 8 + 2 * 10  # bytes: a count, and twice its place and slope
ID = 80  # bytes a document: its id as a Python string, its offset, its length
TYPE = 120  # bytes a word while encoding: itself, and its place in a dictionary
CORES, SPEED = 64, 1e9  # cores of a cluster; bytes a second from a disk or a network
HOUR, GB = 3600.0, 1e9


@dataclass(frozen=True)
class Needs:
    """What a corpus of so many tokens needs; hours are those of one core, bytes as they are."""

    tokens: int
    words: float
    pairs: float
    documents: float
    types: float
    source: float
    run: float
    encoding: float
    model: float
    training_memory: float
    clif_memory: float
    encode: float
    encode_divided: float
    train: float
    block: float
    clif_divided: float
    solve: float
    retrain: float


def needs(tokens: int, rates: Rates) -> Needs:
    """Rates times tokens; words and pairs grow as they grew in the corpus that was measured, which is a guess."""
    larger, million = tokens / rates.tokens, tokens / 1e6
    words = rates.words * larger**rates.words_exponent
    pairs = rates.pairs * larger**rates.pairs_exponent
    types = rates.types * larger**rates.types_exponent
    documents = rates.documents * larger
    model = 2 * words * DIM * 4
    train = EPOCHS * million * rates.train / HOUR
    return Needs(
        tokens=tokens,
        words=words,
        pairs=pairs,
        documents=documents,
        types=types,
        source=tokens * rates.bytes_packed,
        run=tokens * (rates.bytes_tokens + rates.bytes_beside) + EPOCHS * model,
        encoding=tokens * (2 * rates.bytes_tokens + rates.bytes_beside),
        model=model,
        training_memory=model + documents * ID + types * TYPE,
        clif_memory=pairs * PAIR + 8 * model,
        encode=million * rates.encode / HOUR,
        encode_divided=million * rates.encode_here / HOUR,
        train=train,
        block=million * (rates.look + rates.score_block) / HOUR,
        clif_divided=million * (rates.count + rates.score_clif) / HOUR,
        solve=PRODUCTS * pairs / 1e6 * rates.product / HOUR,
        retrain=TRAININGS * train,
    )


def tables(rates: Rates) -> list[str]:
    """The tables of the page, as Markdown: room, time and traffic."""
    found = [needs(tokens, rates) for tokens in SIZES]

    def table(rows: dict[str, tuple[Callable[[float], str], Callable[[Needs], float]]]) -> str:
        lines = ["| tokens | " + " | ".join(number(n.tokens) for n in found) + " |", "|---" * (len(found) + 1) + "|"]
        for name, (show, value) in rows.items():
            lines.append(f"| {name} | " + " | ".join(show(value(n)) for n in found) + " |")
        return "\n".join(lines)

    room = {
        "documents": (number, lambda n: n.documents),
        "vocabulary": (number, lambda n: n.words),
        "the corpus, packed": (size, lambda n: n.source),
        "the run folder, with a model an epoch": (size, lambda n: n.run),
        "tokens and what stands beside them, while they are encoded": (size, lambda n: n.encoding),
        "a model, both matrices": (size, lambda n: n.model),
        "memory: encoding and training": (size, lambda n: n.training_memory),
        "memory: counts and solve of `clif`": (size, lambda n: n.clif_memory),
    }
    time_ = {
        "encode": (duration, lambda n: n.encode),
        "encode, on as many cores as are of use": (duration, lambda n: n.encode_divided),
        "train one model": (duration, lambda n: n.train),
        "rank by `block`": (duration, lambda n: n.block),
        f"rank by `clif`: count and score, on {CORES} cores": (duration, lambda n: n.clif_divided / CORES),
        f"rank by `clif`: the solve, {PRODUCTS} products": (duration, lambda n: n.solve),
        f"retrain: {TRAININGS} trainings, on one core": (duration, lambda n: n.retrain),
        f"retrain: the same on {TRAININGS} cores": (duration, lambda n: n.train),
    }
    traffic = {
        f"one pass over the tokens, at {SPEED / GB:g} GB/s": (duration, lambda n: n.tokens * 4 / SPEED / HOUR),
        "reads of one document in the epochs of a training": (number, lambda n: EPOCHS * n.documents),
        "a model that comes back from a worker": (size, lambda n: n.model),
        "scores that come back": (size, lambda n: 8 * n.documents),
    }
    return [table(rows) for rows in (room, time_, traffic)]


def size(count: float) -> str:
    """Bytes in words."""
    return next(
        f"{count / unit:.3g} {name}" for name, unit in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)) if count >= unit
    )


def number(count: float) -> str:
    """A count in words."""
    for name, unit in (("trillion", 1e12), ("billion", 1e9), ("million", 1e6)):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count:,.0f}"


def duration(hours: float) -> str:
    """Hours of one core in words."""
    if hours >= 48:
        return f"{hours / 24:,.0f} days"
    if hours >= 1:
        return f"{hours:.2g} h"
    return f"{hours * 60:.2g} min" if hours * 60 >= 1 else f"{hours * 3600:.2g} s"


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call gives, and its CPU seconds in this process."""
    began = time.process_time()
    found = call()
    return found, time.process_time() - began


def timed_encoding(corpus: Path, folder: Path) -> tuple[Any, float, float]:
    """The corpus, CPU seconds of all processes, and of this one, without which nothing goes on."""
    from clif.corpus import numbering
    from clif.corpus.encoding import encode
    from clif.corpus.reading import ReadOptions, read_documents
    from clif.corpus.tokenising import Tokeniser

    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    alone, numbering.ALONE = numbering.ALONE, 0  # the beginning, which is done here, is no share of a long corpus
    found, here = timed(lambda: encode(read_documents([corpus], ReadOptions()), Tokeniser(), folder))
    numbering.ALONE = alone
    return found, here + resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - children, here


def measure(corpus: Path, test: str) -> Rates:
    """The rates of a corpus."""
    from threadpoolctl import threadpool_limits

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
        found, encoding, here = timed_encoding(corpus, folder)
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
        _, looking = timed(problem.count)
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
        encode_here=round(here / million, 3),
        look=round(looking / million, 4),
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
        return
    click.echo("\n\n".join(tables(WIKINEWS)))


if __name__ == "__main__":
    command()
