"""How long work says how far it is: one function, given by whoever is watching."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called now and then with a stage, how much of it is done, of how much, and a few words."""

    def __call__(self, stage: str, done: float, total: float | None, note: str = "") -> None:
        """Take notice."""


def silent(stage: str, done: float, total: float | None, note: str = "") -> None:
    """Progress that nobody watches."""
