"""The experiment on how to choose sets, small, from end to end."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from clif.corpus.encoding import Corpus
from clif.errors import InputError, UsageError
from clif.experiments import experiment
from clif.experiments.corpora import open_ground
from clif.experiments.subset import Settings
from clif.experiments.subset.choosing import ADAPTIVE, GREEDY, Case, deal_out, without
from clif.objectives import BiasTest
from clif.training.exact import train_exact

ROOT = Path(__file__).parents[2]
SMALL = {
    "corpora": ("planted",),
    "words": 120,
    "dim": 3,
    "most": 6,
    "steps": (2,),
    "seeds": (1,),
    "dealt": 1,
    "measures": ("mean_difference",),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A smaller planted corpus, with its test beside it."""
    folder = tmp_path_factory.mktemp("planted")
    lines = (ROOT / "data" / "planted.jsonl").read_text("utf-8").splitlines(keepends=True)
    (folder / "planted.jsonl").write_text("".join(lines[:80]), "utf-8")
    (folder / "planted.toml").write_text((ROOT / "data" / "planted.toml").read_text("utf-8"), "utf-8")
    return folder / "planted.jsonl"


@pytest.fixture(scope="module")
def done(planted, tmp_path_factory):
    """The experiment, interrupted once and then finished."""
    out = tmp_path_factory.mktemp("subset") / "out"
    changes = {**SMALL, "planted": str(planted)}
    followed = []
    plain = Case.follow

    def interrupted(self, way, *args):
        followed.append((self.name, way))
        if len(followed) == 2:
            raise KeyboardInterrupt
        return plain(self, way, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Case, "follow", interrupted)
        with pytest.raises(KeyboardInterrupt):
            experiment("subset", changes=changes, out=out)
        outcome = experiment("subset", changes=changes, out=out)
    assert len(followed) == 5, "two cases in two ways, one of them twice"
    assert (out / "subset.svg").is_file()
    return outcome


def test_what_is_reported_is_what_retraining_gives(done, planted):
    ground = open_ground("planted", planted=str(planted), words=120)
    case = Case(ground, ground.tests[0], "mean_difference", 1, 2, Settings(**SMALL))
    start = case.fit(ground.corpus)
    order = np.argsort(np.sign(case.value(start)) * case.influence(ground.corpus, start), kind="stable")
    rows = [row for row in done.tables["steps"] if row["test"] == "planted"]
    assert [row["k"] for row in rows] == [2, 4, 6]
    assert rows[0]["won"] == 0.5, "the first step is the same"
    for row in rows:
        weights = np.ones(len(ground.corpus))
        weights[order[: row["k"]]] = 0.0
        warm = train_exact(ground.corpus, ground.vocabulary, case._how, weights=weights, warm=start)
        assert row[GREEDY] == pytest.approx(case.value(np.stack([warm.U, warm.C])) - case.value(start), rel=1e-4)
    found = {each["test"]: each for each in done.figures["cases"]}
    assert set(found) == {"planted", "dealt-0"}
    assert found["planted"]["path"] < 1e-3
    # The second step of the adaptive way is that of a ranking made without the first.
    left = without(ground.corpus, order[:2])
    second = np.argsort(np.sign(case.value(start)) * case.influence(left, case.fit(left, start)), kind="stable")
    followed = case.follow(ADAPTIVE, start, lambda *_: None)
    assert followed["documents"][:2] == order[:2].tolist()
    assert followed["documents"][2:4] == [z for z in second if z not in order[:2]][:2]
    assert followed["values"][-1] - followed["values"][0] == pytest.approx(rows[-1][ADAPTIVE])


def test_the_verdict_follows_from_the_cases(done):
    cases, over_all = done.figures["cases"], done.figures["over_all"]["planted"]
    assert [case["wins"] for case in done.tables["cases"]] == [case["winning_rate"] for case in cases]
    better, worse = sum(case["gain"] > 0 for case in cases), sum(case["gain"] < 0 for case in cases)
    assert (over_all["better"], over_all["worse"], over_all["cases"]) == (better, worse, 2)
    assert over_all["winning_rate"] == pytest.approx(np.mean([row["won"] for row in done.tables["steps"]]))
    expected = binomtest(better, better + worse).pvalue if better + worse else 1.0
    assert over_all["p_value"] == pytest.approx(expected)
    assert done.claims[0].holds is None, "two cases decide nothing"
    assert f"{over_all['gain']:+.1%}" in done.claims[0].found


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.data())
def test_documents_that_go_are_left_empty(lengths, data):
    gone = data.draw(st.lists(st.integers(0, len(lengths) - 1), unique=True))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    tokens = np.arange(offsets[-1], dtype=np.uint32)
    corpus = Corpus([str(z) for z in range(len(lengths))], offsets, tokens, [], np.zeros(0, dtype=np.int64), "made")
    left = without(corpus, np.array(gone, dtype=np.int64))
    for z in range(len(lengths)):
        kept = left.tokens[left.offsets[z] : left.offsets[z + 1]].tolist()
        assert kept == ([] if z in gone else tokens[offsets[z] : offsets[z + 1]].tolist())


def test_words_are_dealt_out_anew():
    test = BiasTest("t", ("a", "b", "c"), ("d", "e", "f"), ("g", "h"), ("i", "j"))
    dealt = [deal_out(test, number) for number in range(3)]
    for each in dealt:
        assert [len(members) for members in each.sets.values()] == [3, 3, 2, 2]
        assert sorted(word for members in each.sets.values() for word in members) == list("abcdefghij")
    assert deal_out(test, 1) == dealt[1]
    assert len({each.X for each in dealt}) > 1


@pytest.mark.parametrize(
    "changes",
    [
        {"corpora": ()},
        {"measures": ("cosine",)},
        {"steps": (1,)},
        {"seeds": (0, 1)},
        {"most": 7, "steps": (1, 2)},
        {"residual": 1.0},
        {"dealt": -1},
        {"words": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(changes):
    with pytest.raises(UsageError) as caught:
        replace(Settings(), **changes)
    assert caught.value.where
    assert caught.value.next


def test_more_documents_than_there_are_is_said(planted, tmp_path):
    changes = {**SMALL, "planted": str(planted), "most": 80}
    with pytest.raises(InputError, match="80 documents cannot be chosen from 80"):
        experiment("subset", changes=changes, out=tmp_path / "out")


def test_the_configuration_says_what_the_defaults_are():
    values = tomllib.loads((ROOT / "configs" / "subset.toml").read_text("utf-8"))
    assert {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()} == asdict(Settings())
