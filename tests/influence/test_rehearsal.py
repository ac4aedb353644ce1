"""After the rehearsal of a method nothing is left to compile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
# In a process of its own, where no other test has compiled anything.
CODE = """
import sys
sys.path.insert(0, sys.argv[1])
from helpers import random_problem
from clif import counts, pairs
from clif.influence import kernels
from clif.influence.joint import SolveSettings
from clif.influence.listing import top_contexts, top_pairs, top_sentences
from clif.influence.methods import METHODS
from clif.influence.rehearsal import rehearse
from clif.influence.scores import score_documents


def compiled():
    found = [(m.__name__, n, f) for m in (kernels, pairs, counts) for n, f in vars(m).items()]
    return {(module, name): f.signatures for module, name, f in found if hasattr(f, "signatures")}


for name in sys.argv[2:]:
    problem = random_problem(0, documents=20)
    problem.corpus.tokens.setflags(write=False)  # as those of a run are
    rehearse(problem, METHODS[name])
    before = {key: list(signatures) for key, signatures in compiled().items()}
    scores = score_documents(problem, METHODS[name], SolveSettings("exact"))
    if scores.attribution.pairs is not None:
        for top in (top_contexts, top_pairs, top_sentences):
            top(problem, scores.pairs, 5)
    after = compiled()
    assert any(after.values())
    for key in after:
        assert after[key] == before[key], (name, key)
"""


@pytest.mark.parametrize("methods", [("kfac",), ("block", "source", "clif", "mirrored", "lissa-released")], ids=str)
def test_nothing_compiles_while_the_clock_runs(methods):
    done = subprocess.run([sys.executable, "-c", CODE, TESTS, *methods], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
