"""What the papers say, and what came out here: sentences made from the figures."""

from __future__ import annotations

from collections.abc import Iterable

from clif.experiments.fragility.measuring import RETRAINING
from clif.experiments.fragility.networks import KINKED
from clif.experiments.fragility.procedures import PROCEDURES, REFERENCE
from clif.experiments.fragility.settings import Cell
from clif.experiments.fragility.tables import NAMES, Results, middle
from clif.experiments.outcome import Claim

BASU = "Basu, Pope and Feizi 2021, Influence Functions in Deep Learning Are Fragile (arXiv 2006.14651)"
EPIFANO = "Epifano et al. 2023, Revisiting the Fragility of Influence Functions (arXiv 2303.12922)"
ACCURATE = 0.97  # median Spearman from which estimates are called accurate here
LOST = 0.1  # fall of a median Spearman that counts
CHECKS = [procedure for procedure in PROCEDURES if procedure != REFERENCE]
OTHER = "scratch-other"


def make_claims(results: Results) -> list[Claim]:
    """The claims of both papers in the order of their argument, and one about sets."""
    claims = [_shallow(results), _deep(results), _decay(results), _tests(results), _check(results)]
    return [*claims, _sets(results)] if results.settings.sizes else claims


def _shallow(results: Results) -> Claim:
    base = results.base("iris")
    row = results.row(base, REFERENCE)
    checks = _each((results.spearman(base, procedure), procedure) for procedure in CHECKS)
    return Claim(
        source=BASU,
        says="Influence estimates are fairly accurate for shallow networks.",
        found=f"{_where(base)}: median Spearman {_number(row['spearman'], 3)} (quartiles "
        f"{_number(row['spearman_low'], 3)} and {_number(row['spearman_high'], 3)} of {row['n']} test losses) against "
        f"retraining from the optimum to convergence. The same estimates under weaker checks: "
        f"{_named(results, checks)}.",
        holds=None if row["spearman"] is None else row["spearman"] >= ACCURATE,
    )


def _deep(results: Results) -> Claim:
    parts, fell = [], []
    for data in results.settings.data:
        cells = results.plane(data, results.settings.decay)
        ends = (cells[0], cells[-1])
        before, after = (results.spearman(cell, REFERENCE) for cell in ends)
        if before is not None and after is not None:
            fell.append(before - after > LOST)
        parts.append(
            f"{NAMES[data]} with decay, {ends[0].depth} to {ends[1].depth} hidden layers: {_number(before)} to "
            f"{_number(after)} against the converged retraining, "
            f"{_fall(results.spearman(cell, OTHER) for cell in ends)} against other starts, where that retraining "
            f"itself agrees at {_fall(results.spearman(cell, OTHER, 1, RETRAINING) for cell in ends)}."
        )
    return Claim(
        source=BASU,
        says="For deeper networks the estimates are often erroneous.",
        found=" ".join(parts) + f" (It holds here if the first of them falls by more than {LOST}.)",
        holds=all(fell) if fell else None,
    )


def _decay(results: Results) -> Claim:
    parts, low = [], []
    for data in results.settings.data:
        planes = {decay: results.plane(data, decay) for decay in (results.settings.decay, 0.0)}
        with_decay, without = (middle(results.spearman(cell, REFERENCE) for cell in each) for each in planes.values())
        gone = [results.measured[cell]["training"]["separated"] for cell in planes[0.0]]
        rows = [results.row(cell, REFERENCE) for cell in planes[0.0]]
        defined, total = sum(row["n"] for row in rows), sum(row["n"] + row["undefined"] for row in rows)
        low.append(with_decay is not None and (without is None or without < with_decay - LOST))
        parts.append(
            f"{NAMES[data]}, median over the depths: {_number(with_decay)} with decay, {_number(without)} without, "
            f"where in {sum(gone) / len(gone):.0%} of the networks the loss runs to zero, so that there is no minimum, "
            f"and Spearman is defined for only {defined} of {total} test losses."
        )
    base = results.base("iris")
    if results.settings.decays:
        cell = min((cell for cell in results.measured if _weakened(cell, base)), key=lambda cell: cell.decay)
        parts.append(
            f"A decay of {cell.decay:g} gives {_number(results.spearman(cell, REFERENCE))} ({_where(base)} otherwise), "
            f"but {_number(results.spearman(cell, OTHER))} against other starts."
        )
    return Claim(
        source=BASU,
        says="Training with weight decay is important to get good estimates.",
        found=" ".join(parts),
        holds=all(low),
    )


def _weakened(cell: Cell, base: Cell) -> bool:
    same = (cell.data, cell.depth, cell.width, cell.activation) == (base.data, base.depth, base.width, base.activation)
    return same and cell.decay not in (0.0, base.decay)


def _tests(results: Results) -> Claim:
    cells = results.plane("iris", results.settings.decay)
    parts = []
    for cell in dict.fromkeys((cells[0], cells[-1])):
        spans = []
        for procedure in (REFERENCE, OTHER):
            row = results.row(cell, procedure)
            about = results.settings.effort.about(procedure)
            spans.append(f"{_number(row['spearman_low'])} to {_number(row['spearman_high'])} ({about})")
        parts.append(f"depth {cell.depth}: {', '.join(spans)}")
    return Claim(
        source=BASU,
        says="The accuracy of the estimates varies significantly with the test point.",
        found=f"Quartiles of Spearman over test points and seeds, Iris with decay. {'; '.join(parts)}.",
    )


def _check(results: Results) -> Claim:
    """Which part is larger, in cells that have a minimum to come back to, under every check but the reference."""
    cells = [cell for cell in results.measured if cell.decay and cell.activation not in KINKED]
    pairs = []
    for cell in cells:
        estimate = results.spearman(cell, REFERENCE)
        checks = [results.spearman(cell, procedure, 1, RETRAINING) for procedure in CHECKS]
        pairs += [(check, estimate) for check in checks if check is not None and estimate is not None]
    worse = sum(check < estimate for check, estimate in pairs)
    reach = _each(
        (middle(results.spearman(cell, procedure, 1, RETRAINING) for cell in cells), procedure) for procedure in CHECKS
    )
    return Claim(
        source=EPIFANO,
        says="The validation procedures may cause the fragility that was observed.",
        found=f"In cells with decay and a smooth activation, influence agrees with the converged retraining at "
        f"{_number(middle(results.spearman(cell, REFERENCE) for cell in cells))} (median Spearman); that retraining "
        f"agrees with weaker checks at: {_named(results, reach)}. The check loses more than the estimate in {worse} of "
        f"{len(pairs)} pairs of cell and check; from other starts, removing nothing changes test losses "
        f"{_number(middle(results.noise(cell, OTHER) for cell in cells))} times as much as removing a point.",
        holds=worse > len(pairs) / 2 if pairs else None,
    )


def _sets(results: Results) -> Claim:
    base, parts = results.base("iris"), []
    for size in (1, *results.settings.sizes):
        exact, newton = (_number(results.spearman(base, REFERENCE, size, name)) for name in ("exact", "newton"))
        adam = _number(results.spearman(base, "adam-fresh", size))
        parts.append(f"{size} removed: {exact}, by a Newton step {newton}, under Adam {adam}")
    return Claim(
        source="clif",
        says="Sets of points stand out of the noise of a check, but influence added up over them is less exact.",
        found=f"{_where(base)}, median Spearman of influence with the converged retraining. {'; '.join(parts)} "
        f"(influence after {results.settings.steps} steps).",
    )


def _where(cell: Cell) -> str:
    return f"{NAMES[cell.data]}, depth {cell.depth}, width {cell.width}, {cell.activation}, decay {cell.decay:g}"


def _number(value: float | None, places: int = 2) -> str:
    return "undefined" if value is None else f"{value:.{places}f}"


def _fall(values: Iterable[float | None]) -> str:
    return " to ".join(map(_number, values))


def _each(pairs: Iterable[tuple[float | None, str]]) -> list[tuple[str, str]]:
    return [(_number(value), procedure) for value, procedure in pairs]


def _named(results: Results, pairs: list[tuple[str, str]]) -> str:
    return "; ".join(f"{value} {results.settings.effort.about(procedure)}" for value, procedure in pairs)
