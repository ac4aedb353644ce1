"""What a verification can be asked, and what it refuses before anything is computed."""

from __future__ import annotations

import pytest

from clif.errors import UsageError
from clif.influence.methods import METHODS, RECOMMENDED
from clif.verification import Request


def test_one_value_will_do_where_several_may_be_given():
    request = Request(method="clif", alpha=0.9, gate="lds=.5", sizes=7)
    assert (request.methods, request.alpha, request.sizes) == (("clif",), (0.9,), (7,))
    assert [gate.figure for gate in request.gates] == ["lds"]
    assert Request(method=["clif", "block", "clif"], sizes=[30, 10, 30]).methods == ("clif", "block")
    assert Request(sizes=[30, 10, 30]).sizes == (10, 30)


def test_the_recommended_method_is_asked_by_default_and_comes_first_of_all():
    assert Request().methods == (RECOMMENDED,)
    every = Request(method="all")
    assert every.methods[0] == RECOMMENDED
    assert sorted(every.methods) == sorted(METHODS)
    assert every.every_method
    named = Request(method=["gradient", "all"])
    assert named.methods[0] == "gradient"
    assert sorted(named.methods) == sorted(METHODS)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("20m", 1200), ("2h", 7200), ("1.5H", 5400), (" .5m ", 30), (None, None)]
)
def test_lengths_of_time(text, seconds):
    assert Request(budget=text).seconds == seconds


@pytest.mark.parametrize(
    ("options", "says", "where"),
    [
        ({"seeds": 0}, "at least 1", "--seeds"),
        ({"seeds": -2}, "at least 1, got -2", "--seeds"),
        ({"subsets": -1}, "at least 0", "--subsets"),
        ({"random_sets": -1}, "at least 0", "--random-sets"),
        ({"processes": 0}, "at least 1", "--processes"),
        ({"sizes": [10, 0]}, "at least 1, got 0", "--sizes"),
        ({"alpha": 0}, "between 0 and 1", "--alpha"),
        ({"alpha": [0.5, 1.0]}, "between 0 and 1, got 1", "--alpha"),
        ({"alpha": -0.5}, "between 0 and 1", "--alpha"),
        ({"random_shares": [0.01, 1.5]}, "between 0 and 1, got 1.5", "--random-shares"),
        ({"steps": 0}, "0 steps", "--steps"),
        ({"damping": 0.0}, "positive", "--damping"),
        ({"damping": float("nan")}, "positive", "--damping"),
        ({"method": "blok"}, "unknown method 'blok'", "--method"),
        ({"choose": "blok"}, "unknown method 'blok'", "--method"),
        ({"budget": "20"}, "no length of time", "--budget"),
        ({"budget": "0m"}, "no length of time", "--budget"),
        ({"budget": "soon"}, "no length of time", "--budget"),
        ({"gate": "pearson"}, "no value", "--gate pearson"),
        ({"gate": "mse=.1"}, "unknown gate", "--gate mse=.1"),
        ({"gate": "lds=.5", "subsets": 0}, "switched off", "--gate lds=.5"),
        ({"gate": "pearson=.5", "sizes": []}, "switched off", "--gate pearson=.5"),
        ({"gate": "random.pearson=.5", "random_sets": 0}, "switched off", "--gate random.pearson=.5"),
        ({"sizes": [], "subsets": 0}, "no set of documents", "clif verify"),
        ({"sizes": [], "alpha": []}, "no set of documents", "clif verify"),
        ({"sizes": [], "subsets": 0, "random_shares": 0.1, "random_sets": 0}, "no set of documents", "clif verify"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(options, says, where):
    with pytest.raises(UsageError, match=says) as caught:
        Request(**options)
    assert caught.value.where == where
    assert caught.value.next
