"""Which requests make sense: what no option allows by itself, and what two of them do not allow together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clif.errors import UsageError
from clif.influence.adaptive import ADAPTIVE
from clif.influence.methods import find_method
from clif.retraining.duplicates import check_similarity
from clif.retraining.edits import AMPLIFY, GOALS, SWAP
from clif.retraining.goals import Goal
from clif.retraining.holdout import HOLDOUTS

if TYPE_CHECKING:
    from clif.retraining.request import Request

ZERO = "zero"
UNITS = ("document", "sentence")
# Why a choice for these edits has no limits.
UNLIMITED = {
    AMPLIFY: "limits bound what goes, and where documents are repeated nothing goes",
    SWAP: "limits bound what goes, and where words are swapped their documents stay",
}


def check_request(request: Request) -> None:
    """Raise UsageError that says what makes no sense, why, and what does."""
    if sum(each is not None for each in (request.remove, request.until, request.amplify, request.swap)) != 1:
        raise UsageError(
            "say what to do with the top documents",
            where="clif retrain",
            next="Give one of --remove-top-k K, --until GOAL, --amplify-top-k K and --swap-top-k K.",
        )
    _check_edit(request)
    if request.until is not None:
        Goal.parse(str(request.until))
        _check_chosen_anew(request, "--until", "until the bias is down", None)
    if isinstance(request.remove, str) and request.remove != ZERO:
        raise UsageError(
            f"{request.remove!r} is not a number of documents",
            where="--remove-top-k",
            next=f"Give a whole number, or {ZERO!r} for the number at which the prediction is nearest zero.",
        )
    _check_numbers(request)
    _check_names(request)
    if request.holdout and request.ranking:
        raise UsageError(
            "a ranking from a file was made with all words, so none can be held out",
            where="--ranking, --holdout-words",
            next="Leave out one of the two options.",
        )
    if request.halves > 1 and not request.holdout:
        raise UsageError(
            "there are no halves where no words are held out",
            where="--halves",
            next="Say which words are halved, by --holdout-words targets, attributes or both.",
        )
    _check_limits(request)


def _check_edit(request: Request) -> None:
    if not 0 <= request.weight < 1:
        raise UsageError(
            f"a weight is a number from 0, which removes, to below 1, got {request.weight:g}",
            where="--weight",
            next="Give .5, say. For documents that shall count for more there is --amplify-top-k K.",
        )
    if request.copies != 1 and request.amplify is None:
        raise UsageError(
            "removed documents have no copies" if request.swap is None else "swapped documents have no copies",
            where="--copies",
            next="Leave it out, or repeat documents with --amplify-top-k K.",
        )
    goes = request.remove is not None or request.until is not None
    if request.weight and not goes:
        raise UsageError(
            "only documents that would be removed can be given a weight instead",
            where="--weight",
            next="Use it with --remove-top-k K or --until GOAL, or leave it out.",
        )
    if request.weight and request.unit != "document":
        raise UsageError(
            "only whole documents have weights in training: a sentence stands in its document or not",
            where="--weight, --unit",
            next="Leave out one of the two options.",
        )
    if request.unit != "document" and not goes:
        raise UsageError(
            "sentences can only be removed",
            where="--unit",
            next="Use it with --remove-top-k K or --until GOAL, or leave it out.",
        )
    if request.pairs is not None and request.swap is None:
        raise UsageError("nothing is swapped", where="--pairs", next="Use it with --swap-top-k K, or leave it out.")


def _check_limits(request: Request) -> None:
    """Parse what limits the choice, and refuse what it cannot be limited beside."""
    _ = request.keeps, request.caps
    if request.near_duplicates is not None:
        check_similarity(request.near_duplicates)
    if request.limited and request.edit in UNLIMITED:
        raise UsageError(
            UNLIMITED[request.edit],
            where=f"--keep, --cap, --near-duplicates beside {request.option}",
            next="Leave these out, or use --remove-top-k or --until.",
        )
    if request.keep:
        _check_chosen_anew(request, "--keep", "so that the bias falls and what is kept stays", "reduce")


def _check_chosen_anew(request: Request, option: str, aim: str, goal: str | None) -> None:
    """Refuse what says how documents are chosen, where an option chooses them in chunks; `goal` goes without saying."""
    given = {"--ranking": request.ranking, "--holdout-words": request.holdout, "--goal": request.goal}
    found = [name for name, value in given.items() if value is not None and value != goal]
    if found:
        raise UsageError(
            f"{request.unit}s are chosen anew, by all words, {aim}",
            where=f"{option}, {', '.join(found)}",
            next=f"Leave out {' and '.join(found)}.",
        )
    if request.method is not None and request.method not in ADAPTIVE:
        raise UsageError(
            f"{request.method} does not estimate influences anew after each chunk",
            where=f"{option}, --method",
            next=f"Choose one of: {', '.join(ADAPTIVE)}.",
        )


def _check_numbers(request: Request) -> None:
    least = {
        "--copies": (request.copies, 1),
        "--seeds": (request.seeds, 1),
        "--controls": (request.controls, 0),
        "--halves": (request.halves, 1),
        "--processes": (request.processes, 1),
    }
    for name, (value, bound) in least.items():
        if value is not None and value < bound:
            raise UsageError(f"must be at least {bound}, got {value}", where=name, next=f"Give {bound} or more.")
    if request.damping is not None and not 0 < request.damping < float("inf"):
        raise UsageError(
            f"the damping must be positive and finite, got {request.damping:g}",
            where="--damping",
            next="Leave it out for that of the newest ranking, else 1 / (sum of the learning rates).",
        )


def _check_names(request: Request) -> None:
    choices = {
        "goal": (request.goal, GOALS, "--goal"),
        "unit": (request.unit, UNITS, "--unit"),
        "kind of words": (request.holdout, tuple(HOLDOUTS), "--holdout-words"),
    }
    for what, (value, known, where) in choices.items():
        if value is not None and value not in known:
            raise UsageError(f"unknown {what} {value!r}", where=where, next=f"Choose one of: {', '.join(known)}.")
    if request.method is not None:
        find_method(request.method)
