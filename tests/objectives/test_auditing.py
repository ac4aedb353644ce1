"""The audit: what it reports, what it skips and why, and what it does not import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import clif
from clif.errors import CoverageError, InputError, UsageError
from clif.model import SkipGram
from clif.objectives import (
    PACKAGED,
    SETS,
    WEAT,
    BiasTest,
    audit,
    cover,
    find_kind,
    load_tests,
    measurable_of,
    permutation_p_values,
)

KEYS = {
    *("test", "effect_size", "statistic", "ddof", "p_value", "p_value_two_sided", "p_value_kind"),
    *("p_value_standard_error", "partitions", "missing", "words", "labels", "source", "frequency", "warnings"),
    *("kind", "measure", "value", "measures", "published", "positive", "ranked"),
}


def model_of(*names: str, lower: bool = True, leave_out: tuple[str, ...] = ()) -> SkipGram:
    words = dict.fromkeys(word for test in load_tests(names) for set_ in test.sets.values() for word in set_)
    held = list(dict.fromkeys(word.lower() if lower else word for word in words if word not in leave_out))
    U = np.random.default_rng(5).normal(size=(len(held), 12)).astype(np.float32)
    return SkipGram(held, U, source="vectors.txt")


def test_all_packaged_tests_with_a_vocabulary_in_lower_case() -> None:
    result = audit(model_of("weat"), load_tests(["weat"]))
    assert [one.test for one in result.results] == list(PACKAGED)
    assert result.skipped == ()
    kinds = {one.test: one.p_value_kind for one in result.results}
    assert {name for name, kind in kinds.items() if kind == "sampled"} == {"weat1", "weat2", "weat3"}
    assert result.results[2].words["X"][0] == "adam"


def test_numbers_are_those_of_the_parts() -> None:
    model, tests = model_of("gender-career"), load_tests(["gender-career"])
    (one,) = audit(model, tests, ddof=1).results
    weat = WEAT(cover(tests[0], model.index), ddof=1)
    E = model.U[weat.rows].astype(np.float64)
    p = permutation_p_values(weat.associations(E), weat.n_X)
    assert one.effect_size == weat.value(E)
    assert one.statistic == weat.value(E, "mean_difference")
    assert (one.ddof, one.p_value, one.p_value_two_sided) == (1, p.one_sided, p.two_sided)
    assert one.labels["X"] == "career words"
    assert (one.kind, one.measure, one.value, one.published) == (
        "weat",
        "effect_size",
        one.effect_size,
        one.effect_size,
    )
    assert one.measures == {"effect_size": one.effect_size, "mean_difference": one.statistic}

    import torch

    assert weat.torch_value(torch.tensor(E)).item() == pytest.approx(one.effect_size, abs=1e-12)


def test_json_holds_the_agreed_keys_and_plain_values() -> None:
    model = model_of("weat6", leave_out=("John",))
    found = json.loads(json.dumps(audit(model, load_tests(["weat6", "weat7"])).to_dict()))
    assert found["model"] == "vectors.txt"
    (one,), (skipped,) = found["results"], found["skipped"]
    assert set(one) == KEYS
    assert set(one["words"]) == set(one["missing"]) == set(SETS)
    assert one["missing"]["X"] == ["John"]
    assert len(one["words"]["X"]) == 7
    assert skipped["test"] == "weat7"
    assert "keeps 0 of its 8 words" in skipped["reason"]
    assert skipped["missing"]["X"][0] == "math"


def test_frame_has_one_row_a_test_and_the_reason() -> None:
    frame = audit(model_of("weat6"), load_tests(["weat6", "weat7"])).to_frame()
    assert frame["test"].tolist() == ["weat6", "weat7"]
    assert frame["effect_size"].isna().tolist() == [False, True]
    assert frame["reason"].isna().tolist() == [True, False]
    assert frame["words_X"][0].startswith("john paul")
    assert frame["missing_Y"][1].startswith("poetry")


def test_no_covered_test_is_an_error_that_names_the_words() -> None:
    with pytest.raises(CoverageError, match="covers none of the tests asked for") as error:
        audit(model_of("weat6"), load_tests(["weat7", "weat9"]))
    assert error.value.where == "vectors.txt"
    assert "algebra" in str(error.value)


def test_unusable_vectors_are_skipped_with_the_reason() -> None:
    model, tests = model_of("weat6", "weat7"), load_tests(["weat6", "weat7"])
    model.U[model.index["john"]] = 0
    result = audit(model, tests)
    assert [one.test for one in result.results] == ["weat7"]
    assert "vector of 'john' is zero" in result.skipped[0].reason
    with pytest.raises(InputError, match="vector of 'john' is zero"):
        audit(model, tests[:1])


def test_wrong_use_is_refused() -> None:
    with pytest.raises(UsageError, match="no test"):
        audit(model_of("weat6"), [])
    with pytest.raises(UsageError, match="degrees of freedom"):
        audit(model_of("weat6"), load_tests(["weat6"]), ddof=16)


def test_an_audit_imports_neither_torch_nor_scipy_nor_pandas() -> None:
    code = (
        "import sys; import numpy as np; from clif.model import SkipGram; from clif.objectives import *\n"
        "test, = load_tests(['weat6']); words = [w for ws in test.sets.values() for w in ws]\n"
        "audit(SkipGram(words, np.random.default_rng(0).normal(size=(32, 5))), [test])\n"
        "print(*{'torch', 'scipy', 'pandas'} & set(sys.modules))"
    )
    root = str(Path(clif.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


def test_tests_are_audited_by_name_too(made):
    from clif.run import open_run

    model = open_run(made.run).model
    by_name = audit(model, str(made.test))
    assert by_name.to_dict() == audit(model, [BiasTest.from_toml(made.test)]).to_dict()


OF_KINDS = {
    "sc-weat": "effect_size", "ripa": "ripa", "direct": "direct", "same": "same", "rnd": "rnd", "mac": "one_minus_mac",
    "rnsb": "rnsb", "ect": "one_minus_ect",
}  # fmt: skip


def test_other_kinds_have_a_value_and_no_p_value() -> None:
    six = load_tests(["weat6"])[0]
    tests = [BiasTest(kind, six.X, (), six.A, six.B, kind=kind) for kind in OF_KINDS]
    model = model_of("weat6")
    found = audit(model, [six, *tests]).results
    assert {one.kind: one.measure for one in found[1:]} == OF_KINDS
    for test, one in zip(tests, found[1:], strict=True):
        made = measurable_of(cover(test, model.index))
        E = model.U[made.rows].astype(np.float64)
        assert one.measures == {measure: made.value(E, measure) for measure in find_kind(one.kind).measures}
        assert one.value == one.measures[one.measure]
        assert one.published == (1 - one.value if one.kind in ("mac", "ect") else one.value)
        lacking = (one.effect_size, one.statistic, one.p_value, one.p_value_two_sided, one.p_value_kind, one.partitions)
        assert lacking == (None,) * 6
        assert one.ranked == (one.kind not in ("rnsb", "ect"))
        assert json.loads(json.dumps(one.to_dict()))["words"]["Y"] == []
    assert found[0].positive == "male names with career words, female names with family words"
    assert found[1].positive == "X with A"


def test_a_measure_that_is_not_defined_is_none() -> None:
    six = load_tests(["weat6"])[0]
    model = model_of("weat6")
    for word in six.X:
        model.U[model.index[word.lower()]] = model.U[model.index["john"]]
    one, sc = audit(model, [six, BiasTest("sc", six.X, (), six.A, six.B, kind="sc-weat")], ddof=1).results
    assert one.value is not None
    assert (one.ddof, sc.ddof) == (1, 1)
    model.U[:] = np.abs(model.U[model.index["john"]])
    with pytest.raises(InputError, match="do not differ"):
        audit(model, [six])
