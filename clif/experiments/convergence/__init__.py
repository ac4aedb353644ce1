"""Where the theory of influence functions holds, and what each of its assumptions is worth.

Influence functions answer how the minimum of a loss moves when documents leave it. So the experiment begins where that
is the very question: the exact trainer, at a minimum, with a penalty, and the exact Hessian of the whole loss; sets of
1 to 30 documents, held against minimising again from where the model is. Then one assumption after the other is given
up, and the five gaps of Bae et al. 2022 ("If influence functions are the answer, then what is the question?"), with
three more, are seen one at a time:

warm start        retrained from the start of the seed; or judged by the minimum that another seed found
proximity         a damping, besides the penalty, that the retraining does not have
non-convergence   the prediction is made where training was stopped, at a share of the first gradient
linearisation     influences added up instead of a step on what remains; sets of 100 and 300
solver            the solve is stopped after some products with the Hessian

curvature         Gauss-Newton instead of the Hessian; each test word's own block, the output vectors held fixed
penalty           hardly any: without one the loss has no single minimum
stochastic        all at once: the paired trainer, which samples, stops early, and retrains from the start with the same
                  random numbers; predicted by its default method, `block`, or by its own derivative, `unrolled`

`relaxing` lists them, `study` does the trainings and predictions of one corpus, `reporting` says what came out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clif.errors import UsageError
from clif.experiments.convergence.relaxing import relaxations
from clif.experiments.convergence.reporting import report
from clif.experiments.convergence.study import Study
from clif.experiments.convergence.training import Trainings
from clif.experiments.corpora import CORPORA, open_ground
from clif.experiments.folder import Pieces
from clif.experiments.outcome import Outcome
from clif.progress import Progress
from clif.threads import one_thread


@dataclass(frozen=True)
class Settings:
    """What is trained and how far each assumption is relaxed; configs/convergence.toml says what each setting does."""

    corpora: tuple[str, ...] = CORPORA
    planted: str = ""
    every: int = 10
    words: int = 2000
    dim: int = 12
    l2: float = 60.0
    tolerance: float = 1e-8
    seed: int = 1
    sizes: tuple[int, ...] = (1, 3, 10, 30)
    large: tuple[int, ...] = (100, 300)
    random: tuple[int, ...] = (8, 4)
    few: tuple[int, ...] = (4, 2)
    residual: float = 1e-6
    products: tuple[int, ...] = (10, 3, 1)
    dampings: tuple[float, ...] = (16.0, 160.0)
    gradients: tuple[float, ...] = (0.01, 0.1, 0.5)
    penalties: tuple[float, ...] = (10.0, 1.0)
    epochs: int = 5

    def __post_init__(self) -> None:
        for name in ("corpora", "sizes", "random", "few"):
            if not getattr(self, name):
                raise _wrong(name, "must not be empty")
        for name in ("sizes", "large", "random", "few", "products"):
            if any(value < 1 for value in getattr(self, name)):
                raise _wrong(name, f"must be 1 or more, got {list(getattr(self, name))}")
        for name in ("random", "few"):
            if len(getattr(self, name)) != len(self.corpora):
                raise _wrong(name, f"needs a number for each of the corpora {', '.join(self.corpora)}")
        if any(few > random for few, random in zip(self.few, self.random, strict=True)):
            raise _wrong("few", f"must not be more than random, {list(self.random)}")
        for name, shares in (("gradients", self.gradients), ("residual", (self.residual,))):
            if any(not 0 < value < 1 for value in shares):
                raise _wrong(name, f"must be between 0 and 1, got {list(shares)}")
        for name in ("dampings", "penalties"):
            if any(not value > 0 for value in getattr(self, name)):
                raise _wrong(name, f"must be above 0, got {list(getattr(self, name))}")
        for name in ("every", "words", "dim", "epochs"):
            if getattr(self, name) < 1:
                raise _wrong(name, f"must be 1 or more, got {getattr(self, name)}")


def _wrong(name: str, why: str) -> UsageError:
    return UsageError(f"{name} {why}", where="clif experiment convergence", next="configs/convergence.toml shows how.")


def examine(settings: Settings, pieces: Pieces, progress: Progress) -> Outcome:
    """Train, predict and retrain on each corpus, and compare.

    Raises
    ------
    UsageError
        A corpus is unknown, or a setting is refused by the trainer.
    InputError
        The planted corpus is missing, or too small for the sets.
    CoverageError
        The words of a test are not among the most frequent ones.

    """
    found: list[dict[str, Any]] = []
    asked = list(relaxations(settings))
    with one_thread():
        for name, random, few in zip(settings.corpora, settings.random, settings.few, strict=True):
            ground = open_ground(name, planted=settings.planted, every=settings.every, words=settings.words)
            study = Study(Trainings(ground, settings, pieces), random, few)
            for relaxation in asked:
                note = f"{name}, {relaxation.gap}: {relaxation.name}"
                progress("examine", len(found), len(asked) * len(settings.corpora), note)
                found.append(study.compare(relaxation))
    return report(found)
