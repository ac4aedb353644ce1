"""Tests of other kinds than WEAT in every command, and plug-ins in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from plug_ins import HEAD, install

import clif as package
from clif.errors import UsageError
from clif.influence.groups import predict_value, removal
from clif.objectives import KINDS, OTHERS, PACKAGED, BiasTest, load_tests
from clif.ranking import make_problem, rank, rank_many

CODE = "import sys; from clif.cli import main; main(sys.argv[1:])"
RANKED = [kind for kind in KINDS.values() if kind.ranked]


def of_kind(planted: BiasTest, kind: str, **sets: tuple[str, ...]) -> BiasTest:
    Y = planted.Y if "Y" in (*KINDS[kind].least, *KINDS[kind].optional) else ()
    return replace(planted, name=f"planted-{kind}", kind=kind, **{"Y": Y, **sets})


def write(test: BiasTest) -> str:
    """A file of the test in the current folder."""
    words = "".join(f"{key} = {json.dumps(list(found))}\n" for key, found in test.sets.items() if found)
    path = Path(f"{test.name}.toml")
    path.write_text(f'name = "{test.name}"\nkind = "{test.kind}"\n{words}', "utf-8")
    return str(path)


@pytest.fixture
def planted(workplace: Path) -> BiasTest:
    return BiasTest.from_toml(workplace / "planted.toml")


@pytest.mark.parametrize("kind", RANKED)
def test_influence_is_the_slope_of_the_prediction(kind, opened, planted) -> None:
    test = of_kind(planted, kind.name)
    for measure in kind.measures:
        ranking = rank(opened, test, measure=measure)
        problem = make_problem(opened, test, measure)
        assert ranking.about["value"] == problem.value
        step = 1e-4
        for place in (0, 1, -1):
            z = opened.corpus.number[ranking.doc_ids[place]]
            ways = [step * removal(problem, np.array([z])), -step * removal(problem, np.array([z]))]
            up, down = (predict_value(problem, times) for times in ways)
            assert ranking.influence[place] == pytest.approx((up - down) / (2 * step), rel=1e-4, abs=1e-9)
        signed = np.sign(problem.value) * ranking.influence
        assert (np.diff(signed) >= 0).all()
        assert ranking.about["effect_size"] == (problem.objective.value(problem.E, "effect_size") if
                                                "effect_size" in kind.measures else None)  # fmt: skip


def test_tests_of_several_kinds_are_ranked_for_at_once(opened, planted) -> None:
    tests = [planted, of_kind(planted, "ripa"), of_kind(planted, "direct")]
    together = rank_many(opened, tests, cache=False)
    assert [each.about["measure"] for each in together] == ["effect_size", "ripa", "direct"]
    for test, ranking in zip(tests, together, strict=True):
        alone = rank(opened, test, cache=False)
        np.testing.assert_allclose(alone.influence, ranking.influence, rtol=1e-12, atol=1e-15)
    with pytest.raises(UsageError, match="unknown measure 'ripa' for a test of kind 'weat'"):
        rank_many(opened, tests, measure="ripa")
    assert rank_many(opened, tests[:2], ensemble=None)[1].reused


def test_an_ensemble_asks_each_test_by_its_own_measure(opened, planted, quick_verification) -> None:
    pair = rank_many(opened, [planted, of_kind(planted, "rnd")], ensemble=2)
    assert [each.about["measure"] for each in pair] == ["effect_size", "rnd"]
    alone = rank(opened, of_kind(planted, "rnd"), ensemble=2, cache=False)
    assert alone.about["ensemble"]["values"] == pair[1].about["ensemble"]["values"]


def test_the_commands_take_a_test_of_another_kind(clif, planted, quick_retraining) -> None:
    path = write(of_kind(planted, "ripa"))
    audit = clif("audit", "clif-run", "--test", path, "--test", "planted.toml")
    assert audit.code == 0
    assert "planted-ripa (ripa). Positive: X with A" in audit.out.replace("\n", " ")
    assert "--test planted.toml" in audit.err  # the bias that WEAT shows comes first
    clif("export", "vectors.txt")
    assert "Next: clif import vectors.txt CORPUS" in clif("audit", "vectors.txt", "--test", path).err
    assert ", Y " not in clif("rank", "--test", path).out.replace("\n", " ")  # it has no Y
    ranked = clif("rank", "--test", path, "--json").json()
    assert (ranked["measure"], ranked["effect_size"]) == ("ripa", None)
    explained = clif("explain", "planted-00001")
    assert "Inner product of a word with the direction from B to A" in explained.out
    again = clif("explain", "planted-00001", "--json").json()
    assert (again["measure"], again["kind"]) == ("ripa", "ripa")
    assert {each["set"] for each in again["associations"]} == {"X"}
    done = clif("retrain", "--remove-top-k", "20", "--seeds", "1", "--controls", "1", "--json").json()
    assert (done["kind"], done["measure"], done["test"]) == ("ripa", "ripa", "planted-ripa")
    assert done["tests"]["planted-ripa"]["before"]["mean"] == done["before"]["mean"] == pytest.approx(ranked["value"])
    assert done["realised"] < 0
    shown = clif("retrain", "--remove-top-k", "20", "--seeds", "1", "--controls", "1")
    assert "effect sizes; planted-ripa: by its own measure" in shown.out
    held = ["--holdout-words", "attributes", "--remove-top-k", "10", "--seeds", "1", "--controls", "0", "--json"]
    used = clif("retrain", *held).json()["definitions"]["used"]
    assert dict(zip(used["A"], used["B"], strict=True)).items() <= dict(zip(planted.A, planted.B, strict=True)).items()


def test_a_goal_is_a_size_and_never_a_p_value_of_other_kinds(clif, planted, quick_retraining) -> None:
    path = write(of_kind(planted, "same"))
    refused = clif("retrain", "--test", path, "--measure", "skew", "--until", "p>0.05", "--seeds", "1")
    assert refused.code == 2
    assert "a test of kind 'same' has no p-value" in refused.err
    before = clif("audit", "clif-run", "--test", path, "--json").json()["results"][0]["measures"]["skew"]
    goal = f"{before / 2:.4f}"
    asked = ["--test", path, "--measure", "skew", "--until", goal, "--seeds", "1", "--controls", "0"]
    done = clif("retrain", *asked, "--json").json()
    assert done["until"]["reached"]
    assert abs(done["after"]["mean"]) <= float(goal)
    assert {trial["p_value"] for trial in done["until"]["trials"]} == {None}
    assert clif("retrain", *asked).code == 0


def test_a_verification_measures_by_the_kind(clif, planted, quick_verification) -> None:
    path = write(of_kind(planted, "direct"))
    asked = ["--sizes", "20", "--subsets", "0", "--random-sets", "1", "--seeds", "1", "--json"]
    found = clif("verify", "--test", path, "--measure", "projection", *asked).json()
    assert found["measure"] == "projection"
    chosen = [one for one in found["sets"] if one["kind"] in ("reduce", "increase")]
    assert len(chosen) == 2
    assert all(np.sign(one["predicted"]) == np.sign(one["realised"]) for one in chosen)
    both = clif("verify", "--test", path, "--test", "planted.toml", *asked)
    assert both.code == 2
    assert "tests of the kinds direct, weat have no measure in common" in both.err.replace("\n", " ")


@pytest.mark.parametrize("kind", ["rnsb", "ect"])
def test_kinds_for_audits_are_refused_elsewhere(kind, clif, planted) -> None:
    path = write(of_kind(planted, kind))
    assert clif("audit", "clif-run", "--test", path).code == 0
    for command in (["rank"], ["explain", "planted-00001"], ["retrain", "--remove-top-k", "5"], ["verify"]):
        refused = clif(*command, "--test", path)
        assert refused.code == 2
        assert f"a test of kind '{kind}' has no gradient" in refused.err


def test_an_audit_over_seeds_adds_what_models_of_other_seeds_say(clif, opened, planted, quick_verification) -> None:
    path = write(of_kind(planted, "mac"))
    found = clif("audit", "clif-run", "--test", "planted.toml", "--test", path, "--seeds", "3", "--json").json()
    plain = clif("audit", "clif-run", "--test", "planted.toml", "--test", path, "--json").json()
    assert len(quick_verification) == 2
    own = rank(opened, planted, ensemble=3).about["ensemble"]
    assert len(quick_verification) == 2  # an ensemble takes the same models
    for one, alone in zip(found["results"], plain["results"], strict=True):
        assert {key: one[key] for key in alone} == alone
        runs = np.array(one["runs"])
        assert (one["seeds"], runs[0]) == ([1, 2, 3], alone["value"])
        assert one["mean"] == pytest.approx(runs.mean())
        assert one["sd"] == pytest.approx(runs.std(ddof=1))
        half = 4.302652729911275 * one["sd"] / np.sqrt(3)  # t at .975 with 2 degrees of freedom
        assert one["ci95"] == pytest.approx([one["mean"] - half, one["mean"] + half])
    assert found["results"][0]["runs"] == pytest.approx(own["values"])
    shown = clif("audit", "clif-run", "--test", "planted.toml", "--seeds", "3")
    assert "Over seeds" in shown.out
    assert clif("audit", "clif-run", "--seeds", "0").code == 2


def test_a_list_of_tests_kinds_and_plug_ins(clif, monkeypatch, tmp_path) -> None:
    found = clif("audit", "--list", "--json").json()
    assert [one["test"] for one in found["tests"]] == [*PACKAGED, *OTHERS]
    assert [one["kind"] for one in found["kinds"]] == list(KINDS)
    shown = clif("audit", "--list")
    assert shown.code == 0
    assert all(f"\n{kind.name}: " in shown.out for kind in KINDS.values())


def test_a_plug_in_from_another_package_is_listed_and_ranked_for(planted, workplace, tmp_path, opened) -> None:
    site = tmp_path / "site"
    mark = "from pathlib import Path\nPath('imported').touch()\n"
    install(
        site, "spread", mark + HEAD + "KIND = Kind('', '', '', ('skew',), Skew, test=Path(__file__).parent / 't.toml')"
    )
    test = of_kind(planted, "same")
    (site / "t.toml").write_text(
        Path(write(test)).read_text("utf-8").replace('"same"', '"spread"').replace("planted-same", "spread-words"),
        "utf-8",
    )
    root = str(Path(package.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([root, str(site)])}

    def run(*args: str) -> dict:
        done = subprocess.run(
            [sys.executable, "-c", CODE, *args, "--json"], env=env, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    assert run("audit", "--list")["plugins"] == [{"kind": "spread", "package": "clif-spread", "version": "1.2"}]
    assert not Path("imported").exists()
    said = subprocess.run(
        [sys.executable, "-c", CODE, "audit", "clif-run", "--test", "spread"], env=env, capture_output=True, text=True
    )
    assert said.stderr.strip().endswith("--test spread")
    ranked = run("rank", "--test", "spread")
    assert Path("imported").exists()
    own = rank(opened, test, measure="skew")
    assert ranked["value"] == pytest.approx(own.about["value"], abs=1e-12)
    assert ranked["zero_crossing"] == own.about["zero_crossing"]
    about = site / "clif_spread-1.2.dist-info" / "METADATA"
    about.write_text(about.read_text("utf-8").replace("1.2", "1.3"), "utf-8")
    assert not run("rank", "--test", "spread")["reused"]  # another version may measure otherwise
    # Without the plug-in the stored list says what it is of, and other tests are not disturbed.
    assert load_tests(["weat6"])
    assert rank(opened, planted).about["test"] == "planted"
    with pytest.raises(UsageError, match="unknown kind of test 'spread'"):
        rank(opened, str(site / "t.toml"))
