"""Which parts of a long document to show."""

from __future__ import annotations

from clif.explaining.explanation import Explanation

AROUND = 8  # tokens on either side of a context
SLIGHT = 0.1  # of the strongest context: what is weaker opens no passage


def choose_passages(explanation: Explanation, *, most: int = 5, tokens: int = 400) -> list[tuple[int, int]]:
    """Parts of a document around its strongest contexts, as begin and end in tokens, in the order of the text.

    At most `most` parts that hold `tokens` tokens together; the whole document if it is no longer than that, and its
    beginning if no context has an influence.
    """
    length = len(explanation.text.words)
    if length <= tokens:
        return [(0, length)] if length else []
    frame = explanation.to_frame()
    strength = frame["influence"].abs()
    frame = frame[(strength > 0) & (strength >= SLIGHT * strength.max())]
    order = frame["influence"].abs().sort_values(ascending=False, kind="stable").index
    chosen: list[tuple[int, int]] = []
    for position, distance in zip(frame["position"][order], frame["distance"][order], strict=True):
        first, last = sorted((int(position), int(position + distance)))
        wider = _with(chosen, max(0, first - AROUND), min(length, last + AROUND + 1))
        if len(wider) <= most and sum(end - start for start, end in wider) <= tokens:
            chosen = wider
    return chosen or [(0, tokens)]


def _with(passages: list[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """The passages with one more, joined with those that it meets."""
    apart = [(first, last) for first, last in passages if last < start or first > end]
    met = [(first, last) for first, last in passages if not (last < start or first > end)]
    joined = min([start, *(first for first, _ in met)]), max([end, *(last for _, last in met)])
    return sorted([*apart, joined])
