"""What a retraining is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clif.errors import UsageError
from clif.influence.adaptive import ADAPTIVE
from clif.influence.methods import find_method
from clif.retraining.caps import Cap
from clif.retraining.duplicates import check_similarity
from clif.retraining.edits import AMPLIFY, GOALS, REMOVE, SENTENCES, SWAP, WEIGHT
from clif.retraining.goals import Goal
from clif.retraining.holdout import HOLDOUTS
from clif.retraining.keeping import Keep

ZERO = "zero"
UNITS = ("document", "sentence")


@dataclass(frozen=True)
class Request:
    """How to edit the corpus, by which list, and how often to train; checked before anything is computed.

    `remove` is a number of documents, or "zero" for the number at which the prediction is nearest zero; `until` is what
    the bias shall come to, and the number is searched for; `amplify` documents get `copies` further copies; in `swap`
    documents words become their partners in the list `pairs`. With a `weight` above 0 documents are not removed, but
    count for so much; with the `unit` "sentence" sentences are removed, and their documents stay. `method`,
    `measure` (one of the test's kind) and `damping` are those of the newest ranking if left out. `holdout` words are
    halved `halves` times (see `split_halves`), and each half chooses documents of its own. `keep` names what shall stay
    within a tolerance, `cap` what may lose a share at most, and near-duplicates from that similarity on go together
    (see `limits`); `by` are fields of the documents whose losses are reported.

    Raises
    ------
    UsageError
        An option makes no sense, by itself or beside another.

    """

    remove: int | str | None = None
    until: str | float | None = None
    amplify: int | None = None
    copies: int = 1
    swap: int | None = None
    pairs: Path | None = None
    weight: float = 0
    unit: str = "document"
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
        for name in ("ranking", "protect", "pairs"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, Path(getattr(self, name)))
        for name in ("keep", "cap", "by"):
            object.__setattr__(self, name, _several(getattr(self, name)))
        if sum(each is not None for each in (self.remove, self.until, self.amplify, self.swap)) != 1:
            raise UsageError(
                "say what to do with the top documents",
                where="clif retrain",
                next="Give one of --remove-top-k K, --until GOAL, --amplify-top-k K and --swap-top-k K.",
            )
        self._check_edit()
        if self.until is not None:
            self._check_until()
        if isinstance(self.remove, str) and self.remove != ZERO:
            raise UsageError(
                f"{self.remove!r} is not a number of documents",
                where="--remove-top-k",
                next=f"Give a whole number, or {ZERO!r} for the number at which the prediction is nearest zero.",
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

    def _check_edit(self) -> None:
        if not 0 <= self.weight < 1:
            raise UsageError(
                f"a weight is a number from 0, which removes, to below 1, got {self.weight:g}",
                where="--weight",
                next="Give .5, say. For documents that shall count for more there is --amplify-top-k K.",
            )
        if self.copies != 1 and self.amplify is None:
            raise UsageError(
                "removed documents have no copies" if self.swap is None else "swapped documents have no copies",
                where="--copies",
                next="Leave it out, or repeat documents with --amplify-top-k K.",
            )
        if self.weight and (self.remove is None or self.unit != "document"):
            raise UsageError(
                "only documents that would be removed can be given a weight instead",
                where="--weight",
                next="Use it with --remove-top-k K and whole documents, or leave it out.",
            )
        if self.unit != "document" and self.remove is None and self.until is None:
            raise UsageError(
                "sentences can only be removed",
                where="--unit",
                next="Use it with --remove-top-k K or --until GOAL, or leave it out.",
            )
        if self.pairs is not None and self.swap is None:
            raise UsageError("nothing is swapped", where="--pairs", next="Use it with --swap-top-k K, or leave it out.")

    def _check_limits(self) -> None:
        """Parse what limits the choice, and refuse what it cannot be limited beside."""
        _ = self.keeps, self.caps
        if self.near_duplicates is not None:
            check_similarity(self.near_duplicates)
        if self.limited and self.edit != REMOVE:
            raise UsageError(
                "only the removal of whole documents can be limited",
                where="--keep, --cap, --near-duplicates",
                next="Leave these out, or use --remove-top-k or --until by themselves.",
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
    def edit(self) -> str:
        """What is done to the corpus, one of KINDS (see `edits`)."""
        if self.swap is not None:
            return SWAP
        if self.amplify is not None:
            return AMPLIFY
        return SENTENCES if self.unit == "sentence" else WEIGHT if self.weight else REMOVE

    @property
    def stand(self) -> float:
        """How often the chosen documents stand in the edited corpus, where documents are edited as a whole."""
        return 1 + self.copies if self.amplify is not None else self.weight or 0

    @property
    def option(self) -> str:
        """The option that asks for the edit."""
        return {AMPLIFY: "--amplify-top-k", SWAP: "--swap-top-k"}.get(self.edit, "--remove-top-k")

    @property
    def number(self) -> int | None:
        """How many documents or sentences, if the request says a number."""
        asked = next((each for each in (self.amplify, self.swap, self.remove) if each is not None), None)
        return asked if isinstance(asked, int) else None

    @property
    def from_head(self) -> bool:
        """Whether they come from the head of the ranking: that is what reduces |T| when it is removed."""
        return (self.amplify is None) == (self.aim == "reduce")

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
        """What should happen to |T|: by default repetition increases it, and all else reduces it."""
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
        if self.damping is not None and not 0 < self.damping < float("inf"):
            raise UsageError(
                f"the damping must be positive and finite, got {self.damping:g}",
                where="--damping",
                next="Leave it out for that of the newest ranking, else 1 / (sum of the learning rates).",
            )

    def _check_names(self) -> None:
        choices = {
            "goal": (self.goal, GOALS, "--goal"),
            "unit": (self.unit, UNITS, "--unit"),
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
