"""What the experiment is made of: its settings, and the cells of its grid."""

from __future__ import annotations

from dataclasses import dataclass, replace

from clif.errors import UsageError
from clif.experiments.fragility.networks import ACTIVATIONS
from clif.experiments.fragility.problems import DATASETS
from clif.experiments.fragility.procedures import Effort

LARGEST = 100  # training points: Iris has 150 in all


@dataclass(frozen=True)
class Settings:
    """Which networks, how they are trained and retrained; configs/fragility.toml says what each setting does."""

    data: tuple[str, ...] = DATASETS
    depths: tuple[int, ...] = (1, 2, 4, 8)
    widths: tuple[int, ...] = (5, 15, 50)
    digits_widths: tuple[int, ...] = (5, 15)
    activations: tuple[str, ...] = ("tanh", "relu", "selu", "softplus")
    decay: float = 0.3
    decays: tuple[float, ...] = (0.03, 0.003)
    points: int = 60
    repeats: int = 20
    tests: int = 8
    sizes: tuple[int, ...] = (5, 10)
    groups: int = 20
    controls: int = 3
    tolerance: float = 1e-8
    train_limit: int = 1000
    limit: int = 200
    plain: int = 100
    renew: int = 20
    preconditioned: int = 150
    few: int = 30
    steps: int = 300
    batch: int = 12
    rate: float = 1e-3
    seed: int = 1
    processes: int = 2

    def __post_init__(self) -> None:
        for name in ("repeats", "tests", "controls", "train_limit", "limit", "renew", "few", "batch", "processes"):
            if getattr(self, name) < 1:
                raise _wrong(f"{name} must be at least 1, got {getattr(self, name)}", "Give 1 or more.")
        for name in ("seed", "plain", "preconditioned"):
            if getattr(self, name) < 0:
                raise _wrong(f"{name} must not be negative, got {getattr(self, name)}", "Give 0 or more.")
        for name in ("decay", "tolerance", "rate"):
            if not getattr(self, name) > 0:
                raise _wrong(f"{name} must be above 0, got {getattr(self, name)}", "Give a positive number.")
        for name in ("data", "depths", "widths", "digits_widths", "activations", "decays", "sizes"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise _wrong(f"{name} must name each value once, got {list(values)}", "Leave out what is there twice.")
            if not values and name not in ("decays", "sizes"):
                raise _wrong(f"{name} must not be empty", "Name one at least.")
        for name in ("depths", "widths", "digits_widths", "sizes"):
            if any(value < 1 for value in getattr(self, name)):
                raise _wrong(f"{name} must be 1 or more, got {list(getattr(self, name))}", "Give 1 or more.")
        if any(decay <= 0 for decay in self.decays):
            raise _wrong(f"decays must be above 0, got {list(self.decays)}", "None at all is in the grid anyway.")
        if "iris" not in self.data or not set(self.data) <= set(DATASETS):
            raise _wrong(f"unknown data {list(self.data)}", "Name iris, or iris and digits.")
        for name in self.activations:
            if name not in ACTIVATIONS:
                raise _wrong(f"unknown activation {name!r}", f"Choose from: {', '.join(ACTIVATIONS)}.")
        if not 10 <= self.points <= LARGEST:
            raise _wrong(f"points must be from 10 to {LARGEST}, got {self.points}", "Iris has 150, some are for tests.")
        if self.tests > 150 - self.points:
            raise _wrong(f"{self.tests} tests are more than Iris has left", f"Give {150 - self.points} at most.")
        if self.batch > self.points:
            raise _wrong(f"a batch of {self.batch} is more than all points", f"Give {self.points} at most.")
        if any(size in (1, self.points) or size > self.points for size in self.sizes):
            raise _wrong(
                f"sizes must be from 2 to {self.points - 1}, got {list(self.sizes)}", "Single points are there."
            )
        if self.sizes and self.groups < 2:
            raise _wrong(f"groups must be at least 2, got {self.groups}", "A correlation needs some.")
        if self.steps < self.few:
            raise _wrong(f"steps must be at least few, {self.few}, got {self.steps}", "Give more steps.")

    @property
    def effort(self) -> Effort:
        """How networks are retrained."""
        return Effort(
            tolerance=self.tolerance,
            limit=self.limit,
            after=self.plain,
            every=self.renew,
            preconditioned=self.preconditioned,
            few=self.few,
            steps=self.steps,
            batch=self.batch,
            rate=self.rate,
        )


def _wrong(what: str, then: str) -> UsageError:
    return UsageError(what, where="clif experiment fragility", next=then)


@dataclass(frozen=True)
class Cell:
    """One kind of network on one data set."""

    data: str
    depth: int
    width: int
    decay: float
    activation: str

    @property
    def name(self) -> str:
        """As pieces are called."""
        return f"{self.data}-depth{self.depth}-width{self.width}-decay{self.decay:g}-{self.activation}"


def base_cell(settings: Settings, data: str) -> Cell:
    """The cell that the others depart from by one factor: the first depth, width and activation, with decay."""
    return Cell(data, settings.depths[0], _widths(settings, data)[0], settings.decay, settings.activations[0])


def make_cells(settings: Settings) -> list[Cell]:
    """The grid: depth by decay, with it and none; from the base cell each width, on Iris each decay and activation."""
    cells = []
    for data in settings.data:
        base = base_cell(settings, data)
        cells += [
            replace(base, depth=depth, decay=decay) for decay in (settings.decay, 0.0) for depth in settings.depths
        ]
        cells += [replace(base, width=width) for width in _widths(settings, data)]
    base = base_cell(settings, "iris")
    cells += [replace(base, decay=decay) for decay in settings.decays]
    cells += [replace(base, activation=name) for name in settings.activations]
    return list(dict.fromkeys(cells))


def _widths(settings: Settings, data: str) -> tuple[int, ...]:
    return settings.widths if data == "iris" else settings.digits_widths
