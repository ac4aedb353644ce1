"""What a retraining is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clif.retraining.caps import Cap
from clif.retraining.checking import check_request
from clif.retraining.edits import AMPLIFY, REMOVE, SENTENCES, SWAP, WEIGHT
from clif.retraining.keeping import Keep


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
        An option makes no sense, by itself or beside another (see `checking`).

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
        check_request(self)

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


def _several(values: Any) -> tuple[str, ...]:
    """One text or several as a tuple, each once, in order."""
    return tuple(dict.fromkeys([values] if isinstance(values, str) else values))
