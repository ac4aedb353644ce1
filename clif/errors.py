"""One tree of errors; each class knows the exit code of the command that raised it.

ClifError                   1   something that the user can mend
├── UsageError              2   an option, argument or configuration file is wrong
├── InputError              1   a file or its contents cannot be used
├── CoverageError           3   no bias test is covered by the vocabulary
├── ConvergenceError        4   a solve stopped above its tolerance, and it was asked to be strict
├── MismatchError           5   files of a run do not belong together
└── GateError               6   a verification fell below its gate

Every message says what is wrong, where, and what to do next.
"""

from __future__ import annotations

import tokenize
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# What the libraries raise when a file is damaged, or made to look so; safetensors and Arrow have errors of their own.
DAMAGE = (
    OSError, ArithmeticError, AttributeError, EOFError, LookupError, RecursionError, SyntaxError, TypeError, ValueError,
    tokenize.TokenError,
)  # fmt: skip


class ClifError(Exception):
    """An error that a user can cause: `what` happened, `where`, and what to do `next`; `details` are a line each."""

    exit_code = 1

    def __init__(self, what: str, *, next: str, where: str | None = None, details: Sequence[str] = ()) -> None:
        self.what = what
        self.where = where
        self.next = next
        self.details = tuple(details)
        super().__init__(what)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """What it says, line by line."""
        place = f"{self.where}: " if self.where else ""
        return [f"{place}{self.what}", *(f"  {detail}" for detail in self.details), f"  next: {self.next}"]

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword arguments would be lost when a worker process raises.
        return (_rebuild, (type(self), self.what, self.where, self.next, self.details))


def _rebuild(kind: type[ClifError], what: str, where: str | None, next_: str, details: tuple[str, ...]) -> ClifError:
    return kind(what, where=where, next=next_, details=details)


class UsageError(ClifError):
    """An option, an argument or a configuration file is wrong."""

    exit_code = 2


class InputError(ClifError):
    """A file or its contents cannot be used."""


class CoverageError(ClifError):
    """No bias test is covered by the vocabulary."""

    exit_code = 3


class ConvergenceError(ClifError):
    """A solve stopped above its tolerance, and it was asked to be strict."""

    exit_code = 4


class MismatchError(ClifError):
    """Files of a run do not belong together, or a run exists with other settings."""

    exit_code = 5


class GateError(ClifError):
    """Predictions agreed less with what came of them than a verification was told to ask for."""

    exit_code = 6
