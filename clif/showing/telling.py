"""What a retraining did to a corpus, in words, from its result; the same on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DIGITS = {"effect_size": 2, "loss": 4}  # behind the point, by measure, where it is not 3 or 4
VERBS = {
    "remove": "removed", "weight": "weighted", "amplify": "repeated", "sentences": "removed", "swap": "swapped",
}  # fmt: skip


def done_to(values: Mapping[str, Any]) -> str:
    """What was done to the documents or sentences."""
    return VERBS[values["edit"]]


def done_how(values: Mapping[str, Any]) -> str:
    """The same, with the weight that they were given."""
    return f"weighted by {values['weight']:g}" if values["edit"] == "weight" else done_to(values)


def edited(values: Mapping[str, Any]) -> str:
    """How many documents, or sentences, and what was done to them."""
    return f"{plural(values['edited'], values['unit'])} {done_how(values)}"


def done_until(until: Mapping[str, Any]) -> str:
    """What went on the way to a goal, and how; results of earlier versions do not say what: documents, removed."""
    weight = until.get("weight")
    return f"{until.get('unit', 'document')}s {f'weighted by {weight:g}' if weight else 'removed'}"


def what_was_edited(values: Mapping[str, Any]) -> str:
    """How many documents, or sentences, of how many, what was done to them, and how much text that is."""
    tokens, halves = values["edited_tokens"], len(values["halves"])
    many = f", means over {halves} halves" if halves > 1 else ""
    return (
        f"{values['edited']:,} of {plural(values['units'], values['unit'])} {done_how(values)} "
        f"({tokens:,} {'words' if values['edit'] == 'swap' else 'tokens'}, {tokens / values['tokens']:.2%}{many})"
    )


def may_change(kept: Mapping[str, Any]) -> str:
    """How far what was kept may go: agreement with judgements may rise, a loss may fall, a test may go neither way."""
    return f"{ {'spearman': '-', 'loss': '+'}.get(kept['measure'], '±') }{kept['tolerance']:g}"


def plural(count: int, unit: str) -> str:
    """So many documents, or sentences, or whatever else takes an s."""
    return f"{count:,} {unit}{'s' * (count != 1)}"
