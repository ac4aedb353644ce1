"""Does what a plug-in made keep to the protocol? Tried out with vectors drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from clif.objectives.coverage import Coverage
from clif.objectives.kinds import Kind

_DIM = 12
_STEP, _NEAR = 1e-5, 1e-4
_MEASURED = ("coverage", "rows", "value")
_RANKED = ("bound", "parts", "associations", "part_gradients", "join", "join_gradient", "gradient")


def probe(made: Any, kind: Kind, coverage: Coverage) -> str | None:
    """What is wrong with an objective, in words; None if nothing was found. Its own errors come through.

    Attributes, shapes, finite numbers; for each measure the gradient, by parts and whole, along a random direction,
    against a central difference.
    """
    wanted = (*_MEASURED, *_RANKED) if kind.ranked else _MEASURED
    if missing := [name for name in wanted if not hasattr(made, name)]:
        return f"makes {type(made).__name__!r}, which lacks {', '.join(missing)}; TorchObjective has them all"
    known = np.concatenate(list(coverage.rows.values()))
    rows = np.asarray(made.rows)
    if rows.ndim != 1 or not len(rows) or len(np.unique(rows)) < len(rows) or not np.isin(rows, known).all():
        return "has rows that are not words of the test, each once"
    rng = np.random.default_rng(0)
    E, way = rng.normal(size=(2, len(rows), _DIM))
    for measure in kind.measures:
        if kind.ranked and np.shape(s := made.associations(E)) != (made.parts,):
            return f"associations has shape {np.shape(s)}, expected {(made.parts,)}"
        T = made.value(E, measure)
        if np.shape(T) != () or not np.isfinite(T):
            return f"measure {measure!r} gives {T!r:.60}, not a finite number"
        if kind.ranked and (fault := _gradients(made, measure, E, way)):
            return f"measure {measure!r}: {fault}"
    return None


def _gradients(made: Any, measure: str, E: Any, way: Any) -> str | None:
    s = made.associations(E)
    steps: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
        "part_gradients": (lambda: made.part_gradients(E), (made.parts, *E.shape)),
        "join_gradient": (lambda: made.join_gradient(s, measure), (made.parts,)),
        "gradient": (lambda: made.gradient(E, measure), E.shape),
    }
    found: dict[str, Any] = {}
    for name, (step, shape) in steps.items():
        found[name] = step()
        if np.shape(found[name]) != shape:
            return f"{name} has shape {np.shape(found[name])}, expected {shape}"
    whole, joined = made.value(E, measure), made.join(s, measure)
    if not np.isclose(whole, joined, rtol=1e-6, atol=1e-9):
        return f"value gives {whole:.6g}, but join of its parts {joined:.6g}"
    by_difference = (made.value(E + _STEP * way, measure) - made.value(E - _STEP * way, measure)) / (2 * _STEP)
    by_parts = np.einsum("p,pnd->nd", found["join_gradient"], found["part_gradients"])
    for name, gradient in (("gradient", found["gradient"]), ("part_gradients and join_gradient", by_parts)):
        along = float((gradient * way).sum())
        if not np.isclose(along, by_difference, rtol=_NEAR, atol=_NEAR * float(np.abs(gradient).max())):
            return f"{name} gives a slope of {along:.6g}, finite differences one of {by_difference:.6g}"
    return None
