"""The names that `import clif` offers."""

from __future__ import annotations

import subprocess
import sys

import clif


def test_public_names_are_sorted_and_all_there():
    assert clif.__all__ == sorted(clif.__all__)
    assert set(clif.__all__) == set(clif._HOMES)
    for name in clif.__all__:
        assert getattr(clif, name).__name__ == name


def test_importing_clif_imports_nothing_heavy():
    code = "import sys, clif; print([m for m in ('numpy', 'torch', 'gensim', 'numba', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
