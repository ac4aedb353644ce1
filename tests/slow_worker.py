"""Preloaded by the workers of the tests: what they do takes a while, and a file says that they are at it.

So a test can end a worker in the middle of its work. Files are named by what is done and by whom, in $BUSY.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clif.influence import divided
from clif.training import elsewhere

PAUSE = 0.3  # seconds


def slowly(module: Any, name: str) -> None:
    """Let this function of a module take longer; tasks name it by module and name, so this is what they call."""
    function: Callable[..., Any] = getattr(module, name)

    @functools.wraps(function)
    def slow(*arguments: Any) -> Any:
        (Path(os.environ["BUSY"]) / f"{name}.{os.getpid()}").touch()
        time.sleep(PAUSE)
        return function(*arguments)

    setattr(module, name, slow)


slowly(divided, "_score_part")
slowly(elsewhere, "_train")
