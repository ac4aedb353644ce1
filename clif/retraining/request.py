"""What a retraining is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clif.errors import UsageError
from clif.influence.adaptive import ADAPTIVE
from clif.influence.methods import find_method
from clif.objectives import MEASURES
from clif.retraining.caps import Cap
from clif.retraining.edits import GOALS
from clif.retraining.goals import Goal
from clif.retraining.holdout import HOLDOUTS
from clif.retraining.keeping import Keep
from clif.retraining.units import check_similarity

ZERO = "zero"


@dataclass(frozen=True)
class Request:
    """How to edit the corpus, by which list, and how often to train; checked before anything is computed.

    `remove` is a number of documents, or "zero" for the number at which the prediction is nearest zero; `until` is what
    the bias shall come to, and the number is searched for; `amplify` documents get `copies` further copies. `method`,
    `measure` and `damping` are those of the newest ranking if left out. `holdout` words are halved `halves` times (see
    `split_halves`), and each half chooses documents of its own. `keep` names what shall stay within a tolerance, `cap`
    what may lose a share at most, and near-duplicates from that similarity on go together (see `limits`); `by` are
    fields of the documents whose losses are reported.

    Raises
    ------
    UsageError
        An option makes no sense, by itself or beside another.

    """

    remove: int | str | None = None
    until: str | float | None = None
    amplify: int | None = None
    copies: int = 1
    goal: str | None = None
    ranking: Path | None = None
    method: str | None = None
    measure: str | None = None
    damping: float | None = None
    seeds: int = 3
    controls: int = 3
    protect: Path | None = None
    holdout: str | None = None
    halves: int = 1
    processes: int | None = None
    keep: tuple[str, ...] = ()
    cap: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    near_duplicates: float | None = None

    def __post_init__(self) -> None:
        for name in ("ranking", "protect"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, Path(getattr(self, name)))
        for name in ("keep", "cap", "by"):
            object.__setattr__(self, name, _several(getattr(self, name)))
        if sum(each is not None for each in (self.remove, self.until, self.amplify)) != 1:
            raise UsageError(
                "say what to do with the top documents",
                where="clif retrain",
                next="Give one of --remove-top-k K, --until GOAL and --amplify-top-k K.",
            )
        if self.until is not None:
            self._check_until()
        if isinstance(self.remove, str) and self.remove != ZERO:
            raise UsageError(
                f"{self.remove!r} is not a number of documents",
                where="--remove-top-k",
                next=f"Give a whole number, or {ZERO!r} for the number at which the prediction is nearest zero.",
            )
        if self.copies != 1 and self.amplify is None:
            raise UsageError(
                "removed documents have no copies",
                where="--copies",
                next="Leave it out, or repeat documents with --amplify-top-k K.",
            )
        self._check_numbers()
        self._check_names()
        if self.holdout and self.ranking:
            raise UsageError(
                "a ranking from a file was made with all words, so none can be held out",
                where="--ranking, --holdout-words",
                next="Leave out one of the two options.",
            )
        if self.halves > 1 and not self.holdout:
            raise UsageError(
                "there are no halves where no words are held out",
                where="--halves",
                next="Say which words are halved, by --holdout-words targets, attributes or both.",
            )

        self._check_limits()

    def _check_limits(self) -> None:
        """Parse what limits the choice, and refuse what it cannot be limited beside."""
        _ = self.keeps, self.caps
        if self.near_duplicates is not None:
            check_similarity(self.near_duplicates)
        if self.limited and self.amplify is not None:
            raise UsageError(
                "only removals can be limited",
                where="--amplify-top-k",
                next="Leave out --keep, --cap and --near-duplicates, or remove documents.",
            )
        if not self.keep:
            return
        given = {"--ranking": self.ranking, "--holdout-words": self.holdout, "--goal": self.goal}
        found = [name for name, value in given.items() if value not in (None, "reduce")]
        if found:
            raise UsageError(
                "documents are chosen anew, by all words, so that the bias falls and what is kept stays",
                where=f"--keep, {', '.join(found)}",
                next=f"Leave out {' and '.join(found)}.",
            )
        self._check_adaptive("--keep")

    def _check_until(self) -> None:
        Goal.parse(str(self.until))
        given = {"--ranking": self.ranking, "--holdout-words": self.holdout, "--goal": self.goal}
        found = [name for name, value in given.items() if value is not None]
        if found:
            raise UsageError(
                "documents are chosen anew, by all words, until the bias is down",
                where=f"--until, {', '.join(found)}",
                next=f"Leave out {' and '.join(found)}.",
            )
        self._check_adaptive("--until")

    def _check_adaptive(self, option: str) -> None:
        if self.method is not None and self.method not in ADAPTIVE:
            raise UsageError(
                f"{self.method} does not estimate influences anew after each chunk",
                where=f"{option}, --method",
                next=f"Choose one of: {', '.join(ADAPTIVE)}.",
            )

    @property
    def keeps(self) -> list[Keep]:
        """What shall be kept."""
        return [Keep.parse(text) for text in self.keep]

    @property
    def caps(self) -> list[Cap]:
        """What may lose a share at most."""
        return [Cap.parse(text) for text in self.cap]

    @property
    def limited(self) -> bool:
        """Whether not every document may be chosen beside every other."""
        return bool(self.keep or self.cap) or self.near_duplicates is not None

    @property
    def aim(self) -> str:
        """What should happen to |T|: by default removal reduces it and repetition increases it."""
        return self.goal or ("reduce" if self.amplify is None else "increase")

    def _check_numbers(self) -> None:
        least = {
            "--copies": (self.copies, 1),
            "--seeds": (self.seeds, 1),
            "--controls": (self.controls, 0),
            "--halves": (self.halves, 1),
            "--processes": (self.processes, 1),
        }
        for name, (value, bound) in least.items():
            if value is not None and value < bound:
                raise UsageError(f"must be at least {bound}, got {value}", where=name, next=f"Give {bound} or more.")

    def _check_names(self) -> None:
        choices = {
            "goal": (self.goal, GOALS, "--goal"),
            "measure": (self.measure, MEASURES, "--measure"),
            "kind of words": (self.holdout, tuple(HOLDOUTS), "--holdout-words"),
        }
        for what, (value, known, where) in choices.items():
            if value is not None and value not in known:
                raise UsageError(f"unknown {what} {value!r}", where=where, next=f"Choose one of: {', '.join(known)}.")
        if self.method is not None:
            find_method(self.method)


def _several(values: Any) -> tuple[str, ...]:
    """One text or several as a tuple, each once, in order."""
    return tuple(dict.fromkeys([values] if isinstance(values, str) else values))
