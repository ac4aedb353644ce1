"""How strongly a word of a document is marked."""

from __future__ import annotations

# Of the document's strongest word, and the signs that a word gets from there on.
LEVELS = ((0.5, 2), (0.1, 1))


def level(influence: float, strongest: float) -> int:
    """-2 to 2: the sign of an influence, by its size beside the strongest of the document."""
    steps = next((steps for share, steps in LEVELS if abs(influence) >= share * strongest > 0), 0)
    return steps if influence > 0 else -steps
