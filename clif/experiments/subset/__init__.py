"""Is a set of documents better chosen one after the other than from the top of a list?

Hu et al. 2024 ("Most Influential Subset Selection: Challenges, Promises, and Beyond") ask which k documents move a
model most when they go together. Two ways to choose them for a bias test:

greedy     the first k of one ranking by influence
adaptive   a few at a time; after each the model is minimised again without them, and influences are estimated anew

Both use the exact trainer, the exact Hessian, and influences that are derivatives there, so what is compared is the
choice alone. Every k is then measured by what really came of it: the loss is minimised again without the documents,
from where the model was before the last ones went. A case is a corpus, a test, a measure and the seed of the start;
adaptive wins at a k where its documents bring T further down (towards zero and on, in one direction) than greedy's.

`choosing` is one case, `comparing` says who won, `drawing` shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from clif.errors import InputError, UsageError
from clif.experiments.corpora import CORPORA, open_ground
from clif.experiments.folder import Pieces
from clif.experiments.outcome import Outcome
from clif.experiments.subset.choosing import WAYS, Case, deal_out
from clif.experiments.subset.comparing import compare
from clif.objectives import MEASURES
from clif.progress import Progress
from clif.threads import one_thread


@dataclass(frozen=True)
class Settings:
    """What is chosen from and how often; configs/subset.toml says what each setting does."""

    corpora: tuple[str, ...] = CORPORA
    planted: str = ""
    every: int = 10
    words: int = 2000
    dim: int = 12
    l2: float = 60.0
    tolerance: float = 1e-6
    residual: float = 1e-3
    most: int = 100
    steps: tuple[int, ...] = (1, 25)
    seeds: tuple[int, ...] = (1, 1)
    dealt: int = 2
    measures: tuple[str, ...] = ("mean_difference", "effect_size")

    def __post_init__(self) -> None:
        for name in ("corpora", "measures"):
            if not getattr(self, name):
                raise _wrong(name, "must not be empty")
        for name in ("steps", "seeds"):
            given = getattr(self, name)
            if len(given) != len(self.corpora) or any(value < 1 for value in given):
                raise _wrong(name, f"needs a number, 1 or more, for each of the corpora {', '.join(self.corpora)}")
        if unknown := [name for name in self.measures if name not in MEASURES]:
            raise _wrong("measures", f"cannot hold {unknown[0]!r}; known are {', '.join(MEASURES)}")
        for name in ("every", "words", "dim", "most"):
            if getattr(self, name) < 1:
                raise _wrong(name, f"must be 1 or more, got {getattr(self, name)}")
        if any(self.most % step for step in self.steps):
            raise _wrong("most", f"must be a multiple of each of the steps {list(self.steps)}, got {self.most}")
        if not 0 < self.residual < 1:
            raise _wrong("residual", f"must be between 0 and 1, got {self.residual}")
        if self.dealt < 0:
            raise _wrong("dealt", f"must be 0 or more, got {self.dealt}")


def _wrong(name: str, why: str) -> UsageError:
    return UsageError(f"{name} {why}", where="clif experiment subset", next="configs/subset.toml shows how.")


def examine(settings: Settings, pieces: Pieces, progress: Progress) -> Outcome:
    """Choose documents in both ways in every case, and compare what came of it.

    Raises
    ------
    UsageError
        A corpus is unknown, or a setting is refused by the trainer.
    InputError
        The planted corpus is missing, or there are fewer documents than are to be chosen.
    CoverageError
        The words of a test are not among the most frequent ones.

    """
    found: list[tuple[Case, dict[str, Any]]] = []
    with one_thread():
        for case in _cases(settings):
            progress("choose", 0, None, case.name)
            at_start = f"{case.ground.name}.start-{case.seed}"
            start = np.array(pieces.get(at_start, partial(_listed, case)))
            ways = {way: pieces.get(f"{case.name}.{way}", partial(case.follow, way, start, progress)) for way in WAYS}
            found.append((case, ways))
    return compare(found)


def _listed(case: Case) -> list[Any]:
    """The minimum for the whole corpus, as a piece holds it."""
    found: list[Any] = case.fit(case.ground.corpus).tolist()
    return found


def _cases(settings: Settings) -> Iterator[Case]:
    for corpus, seeds, step in zip(settings.corpora, settings.seeds, settings.steps, strict=True):
        ground = open_ground(corpus, planted=settings.planted, every=settings.every, words=settings.words)
        if settings.most >= len(ground.corpus):
            raise InputError(
                f"{settings.most} documents cannot be chosen from {len(ground.corpus)}",
                where=f"the corpus {corpus}",
                next="Give a smaller number: --set most=10.",
            )
        tests = [
            *ground.tests,
            *(deal_out(ground.tests[0], n) for n in range(settings.dealt if corpus == "planted" else 0)),
        ]
        for seed in range(1, 1 + seeds):
            for test in tests:
                for measure in settings.measures:
                    yield Case(ground, test, measure, seed, step, settings)
