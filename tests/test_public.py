"""The names that `import clif` offers."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from dataclasses import is_dataclass

import pytest

import clif
from clif.library.accepting import fields_of, keywords_of
from clif.ranking import rank_many
from clif.retraining import Request as RetrainRequest
from clif.tradeoffs import Request as TradeoffRequest
from clif.verification import Request as VerifyRequest

VERBS = ("audit", "rank", "explain", "retrain", "verify", "tradeoff", "report", "plot", "by_field")
OPTIONS = {
    "train": [name for kind in (clif.TrainingSettings, clif.ReadOptions, clif.Tokeniser) for name in fields_of(kind)],
    "rank": [name for name in keywords_of(rank_many) if name != "half"],
    "retrain": fields_of(RetrainRequest),
    "verify": fields_of(VerifyRequest),
    "tradeoff": fields_of(TradeoffRequest),
}


def test_public_names_are_sorted_and_all_there():
    assert clif.__all__ == sorted(clif.__all__)
    assert set(clif.__all__) == set(clif._HOMES)
    for name in clif.__all__:
        assert getattr(clif, name).__name__ == name


def test_importing_clif_imports_nothing_heavy():
    code = "import sys, clif; print([m for m in ('numpy', 'torch', 'gensim', 'numba', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def functions():
    return [name for name in clif.__all__ if inspect.isfunction(getattr(clif, name))]


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_in_the_help(name):
    said = inspect.getdoc(getattr(clif, name))
    assert not [option for option in OPTIONS[name] if not re.search(rf"\b{option}\b", said)]


def test_every_function_says_what_it_raises():
    for name in functions():
        said = inspect.getdoc(getattr(clif, name))
        assert re.search(r"Raises\n-|raises |Errors are|errors\.", said), name


def test_functions_and_methods_have_the_same_parameters():
    for name in VERBS:
        function, method = (inspect.signature(getattr(home, name)) for home in (clif, clif.Model))
        own = [each for each in method.parameters.values() if each.name != "self"]
        given = [each for each in function.parameters.values() if each.name != "model"]
        assert own == given, name
        assert getattr(clif.Model, name).__doc__ == getattr(clif, name).__doc__


def test_every_result_is_a_frozen_dataclass_that_shows_itself():
    from clif.explaining import Explanation
    from clif.objectives import Audit
    from clif.ranking import Groups, Ranking
    from clif.reporting import Pictures, Report
    from clif.retraining import RetrainResult
    from clif.tradeoffs import TradeoffResult
    from clif.verification import VerifyResult

    tables = (Audit, Ranking, Groups, Explanation, RetrainResult, VerifyResult, TradeoffResult)
    for kind in (*tables, clif.Model, Report, Pictures):
        assert is_dataclass(kind)
        assert kind.__dataclass_params__.frozen
        assert callable(kind.to_dict)
        assert kind.view is not kind.__mro__[1].view
        assert kind.__repr__ is kind.__mro__[1].__repr__
    for kind in tables:
        assert callable(kind.to_frame)


def test_no_public_name_is_left_out_of_the_help():
    assert set(functions()) >= set(VERBS) | {"train", "load_model", "import_model"}
    assert "model.rank" in clif.__doc__
