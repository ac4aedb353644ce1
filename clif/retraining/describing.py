"""What a plan says of itself: what is edited, what is predicted and how, what it costs, and what to beware of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clif.objectives import Coverage
from clif.ranking import costs_of
from clif.retraining.asking import Asked, predicting_method
from clif.retraining.choosing import Choice
from clif.retraining.edits import AMPLIFY, REMOVE, SENTENCES, WEIGHT
from clif.retraining.request import Request
from clif.run import Run


def edit_report(run: Run, request: Request, choices: Sequence[Choice]) -> dict[str, Any]:
    """The name of the result, what is edited, and by which words; numbers are means over halves."""
    kind = request.edit
    k = round(float(np.mean([choice.edit.size for choice in choices])))
    tokens = round(float(np.mean([choice.edit.tokens(run.corpus) for choice in choices])))
    name = choices[0].split[0].name
    if len(choices) > 1:
        name = f"{name.removesuffix('.used')}.{len(choices)}-halves"
    return {
        "name": f"{name}.{kind}{f'-{request.weight:g}' if kind == WEIGHT else ''}-{k}",
        "edit": kind,
        "unit": request.unit,
        "asked": request.number if request.until is None and request.number is not None else request.remove,
        "edited": k,
        "removed": k if kind == REMOVE else 0,
        "amplified": k if kind == AMPLIFY else 0,
        "sentences": k if kind == SENTENCES else 0,
        "copies": request.copies if kind == AMPLIFY else None,
        "weight": request.weight if kind == WEIGHT else None,
        "removed_tokens": tokens if kind in (REMOVE, SENTENCES) else 0,
        "edited_tokens": tokens,
        "definitions": choices[0].definitions() if len(choices) == 1 else {"used": None, "held_out": None},
    }


def predicted_by(asked: Asked, request: Request) -> str:
    """How the change is predicted: by a "newton" step on what remains, or in the way of the method of this name."""
    method = predicting_method(asked, request)
    return method.name if method and method.finds_sets else "newton"


def predictions(choices: Sequence[Choice], signs: Sequence[float]) -> dict[str, Any]:
    """Predictions, means over halves."""
    sums = [choice.predicted_sum for choice in choices if choice.predicted_sum is not None]
    return {
        "zero_crossing": choices[0].crossing if len(choices) == 1 else None,
        "value": float(np.dot(signs, [choice.value for choice in choices])) / len(choices),
        "predicted": float(np.dot(signs, [choice.predicted for choice in choices])) / len(choices),
        "predicted_sum": float(np.dot(signs, sums)) / len(choices) if sums else None,
    }


def cost_report(run: Run, request: Request, coverage: Coverage, choices: Sequence[Choice]) -> dict[str, Any] | None:
    """What the choice costs others; None of several halves, whose choices are for judging only."""
    if len(choices) > 1:
        return None
    return costs_of(run, choices[0].edit.change(run.corpus), coverage, request.by).to_dict()


def warnings_of(choices: Sequence[Choice], signs: Sequence[float]) -> list[str]:
    """What is said of each choice, with its half where there are several."""
    several = len(choices) > 1
    said = [
        f"half {number}: {warning}" if several else warning
        for number, choice in enumerate(choices, 1)
        for warning in choice.warnings
    ]
    turned = [str(number) for number, sign in enumerate(signs, 1) if sign < 0]
    if turned:
        said.append(
            f"the words that half {', '.join(turned)} uses have a bias of the other sign than the whole test: in what "
            "is pooled over halves, X and Y change places there"
        )
    return said
