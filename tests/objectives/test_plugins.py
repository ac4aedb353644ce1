"""Kinds that other packages bring: found without being imported, tried out, and blamed by name."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from plug_ins import HEAD, install

from clif.errors import CoverageError, InputError, UsageError
from clif.objectives import BiasTest, cover, find_kind, installed, load_tests, objective_of
from clif.objectives.probing import probe

GOOD = HEAD + "KIND = Kind('', 'made for tests', 'nowhere', ('skew',), Skew, towards=1)\n"
WORDS = {"X": ("x0", "x1", "x2"), "A": ("a0", "a1"), "B": ("b0", "b1")}
INDEX = {word: row for row, word in enumerate(word for words in WORDS.values() for word in words)}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def coverage_for(name: str, **sets: tuple[str, ...]):
    return cover(BiasTest("mine", kind=name, **{**WORDS, **sets}), INDEX)


def test_a_plug_in_is_listed_without_being_imported(site: Path) -> None:
    install(site, "listed", "raise RuntimeError('imported')")
    assert [(each.name, each.package, each.version) for each in installed()] == [("listed", "clif-listed", "1.2")]
    assert "plug_listed" not in sys.modules


def test_an_objective_in_torch_is_that_of_the_package(site: Path) -> None:
    install(site, "skewed", GOOD)
    made, own = objective_of(coverage_for("skewed")), objective_of(coverage_for("same"))
    E = np.random.default_rng(0).normal(size=(7, 5))
    assert find_kind("skewed").name == "skewed"
    assert made.value(E, "skew") == pytest.approx(own.value(E, "skew"), abs=1e-14)
    np.testing.assert_allclose(made.gradient(E, "skew"), own.gradient(E, "skew"), atol=1e-13)
    np.testing.assert_allclose(made.part_gradients(E), own.part_gradients(E), atol=1e-13)
    with pytest.raises(UsageError, match="unknown measure 'cohen'"):
        made.value(E, "cohen")
    with pytest.raises(CoverageError, match="keeps 2 of its 3 words"):
        objective_of(coverage_for("skewed", X=("x0", "x1", "unknown")))


FAULTS = {
    "broken": ("raise ValueError('no such thing')", "cannot be imported: ValueError: no such thing"),
    "absent": ("import not_there_at_all", "cannot be imported: ModuleNotFoundError"),
    "nameless": ("OTHER = 1", "cannot be imported: AttributeError"),
    "classy": (HEAD + "KIND = Skew", "gives the class 'Skew', not a clif.objectives.Kind"),
    "unmeasured": (HEAD + "KIND = Kind('', '', '', (), Skew)", "names no measures"),
    "lettered": (HEAD + "KIND = Kind('', '', '', 'skew', Skew)", "gives 'skew' as its measures, not a tuple"),
    "tested": (HEAD + "KIND = Kind('', '', '', ('m',), Skew, test=3)", "brings 'int' as its test"),
    "raising": (
        HEAD + "def make(c): 1 / 0\nKIND = Kind('', '', '', ('m',), make)",
        "cannot make an objective: ZeroDiv",
    ),
    "bare": (HEAD + "KIND = Kind('', '', '', ('m',), lambda c: 3)", "makes 'int', which lacks coverage, rows, value"),
    "rows": (
        HEAD + "class S(Skew):\n    rows = np.array([0, 0])\nKIND = Kind('', '', '', ('m',), S)",
        "has rows that are not words of the test, each once",
    ),
    "parts": (
        HEAD + "class S(Skew):\n    parts = 9\nKIND = Kind('', '', '', ('m',), S)",
        "associations has shape (3,), expected (9,)",
    ),
    "slope": (
        HEAD + "class S(Skew):\n    def gradient(self, E, m): return 2 * super().gradient(E, m)\n"
        "KIND = Kind('', '', '', ('m',), S)",
        "gradient gives a slope of",
    ),
    "infinite": (
        HEAD + "class S(Skew):\n    def value(self, E, m): return float('inf')\nKIND = Kind('', '', '', ('m',), S)",
        "measure 'm' gives inf, not a finite number",
    ),
    "apart": (
        HEAD + "class S(Skew):\n    def value(self, E, m): return 1 + super().value(E, m)\n"
        "KIND = Kind('', '', '', ('m',), S)",
        "but join of its parts",
    ),
    "failing": (
        HEAD + "class S(Skew):\n    def torch_join(self, s, m): return s.no_such()\nKIND = Kind('', '', '', ('m',), S)",
        "fails when it is tried out: AttributeError",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_with_a_plug_in_is_said_with_its_name(site: Path, name: str) -> None:
    module, says = FAULTS[name]
    install(site, name, module)
    with pytest.raises(InputError) as error:
        objective_of(coverage_for(name))
    assert error.value.where == f"plug-in '{name}' of clif-{name} 1.2"
    assert says in error.value.what
    assert "uninstall" in error.value.next


def test_what_fails_on_real_vectors_is_blamed_too(site: Path) -> None:
    body = """class S(Skew):
    def value(self, E, m):
        T = super().value(E, m)
        return T if E.shape[1] == 12 else float("nan") if E.shape[1] == 5 else 1 / 0
KIND = Kind('', '', '', ('m',), S)"""
    install(site, "late", HEAD + body)
    made = objective_of(coverage_for("late"))
    for dim, says in ((5, "gives nan, not a finite number"), (6, "fails in value: ZeroDivisionError")):
        with pytest.raises(InputError) as error:
            made.value(np.random.default_rng(0).normal(size=(7, dim)), "m")
        assert (error.value.where, says in error.value.what) == ("plug-in 'late' of clif-late 1.2", True)


def test_a_test_from_python_is_checked_when_it_is_used(site: Path) -> None:
    install(site, "couples", HEAD + "KIND = Kind('', '', '', ('m',), Skew, paired=True)")
    with pytest.raises(UsageError, match="A has 2 words and B 1"):
        coverage_for("couples", B=("b0",))


def test_a_gradient_that_is_only_wrong_in_its_parts_is_found(site: Path) -> None:
    class Doubled:
        """The score of the package, with slopes of parts that are twice too large."""

        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def part_gradients(self, E):
            return 2 * self.inner.part_gradients(E)

    coverage = coverage_for("same")
    good = objective_of(coverage)
    assert probe(good, find_kind("same"), coverage) is None
    assert "part_gradients and join_gradient gives a slope" in probe(Doubled(good), find_kind("same"), coverage)


def test_two_packages_for_one_name_are_both_named(site: Path) -> None:
    install(site, "twice", GOOD)
    install(site, "twice", GOOD, package="clif-other")
    with pytest.raises(InputError, match=r"clif-other 1\.2 and clif-twice 1\.2 both bring it"):
        find_kind("twice")


def test_a_plug_in_with_a_test_of_its_own_is_asked_for_by_name(site: Path) -> None:
    words = 'X = ["x0", "x1"]\nA = ["a0", "a1"]\nB = ["b0"]\n'
    (site / "own.toml").write_text(f'name = "owned-words"\nkind = "owned"\n{words}', "utf-8")
    by_path = f"KIND = Kind('', '', '', ('skew',), Skew, test={str(site / 'own.toml')!r})"
    install(site, "owned", HEAD + by_path)
    (test,) = load_tests(["owned"])
    assert (test.name, test.kind, test.B) == ("owned-words", "owned", ("b0",))
    install(site, "homeless", GOOD)
    with pytest.raises(UsageError, match="brings no test of its own"):
        load_tests(["homeless"])
    install(site, "foreign", HEAD + by_path)
    with pytest.raises(UsageError, match="is of kind 'owned'"):
        load_tests(["foreign"])


def test_sets_are_those_that_the_plug_in_asks_for(site: Path) -> None:
    install(site, "lone", HEAD + "KIND = Kind('', '', '', ('m',), Skew, least={'X': 2, 'A': 1, 'B': 1})")
    path = site / "mine.toml"
    path.write_text('name = "mine"\nkind = "lone"\nX = ["x0"]\nA = ["a0"]\nB = ["b0"]\n', "utf-8")
    with pytest.raises(UsageError, match="set X has 1 word, at least 2 are needed"):
        load_tests([str(path)])
    path.write_text('name = "mine"\nkind = "lone"\nX = ["x0", "x1"]\nA = ["a0"]\n', "utf-8")
    with pytest.raises(UsageError, match="missing 'B'"):
        load_tests([str(path)])
