"""Lists that prefer documents which act on many words: parts add up to the whole, and the order is what it says."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import Made

from clif.errors import CoverageError, InputError, UsageError
from clif.influence.methods import METHODS
from clif.influence.scores import score_many
from clif.objectives import BiasTest
from clif.objectives.linear import Linear
from clif.ranking import make_problem, rank
from clif.ranking.broad import BROAD, breadth, by_word
from clif.ranking.wider import NEIGHBOURS, widened, words_beside
from clif.reporting.commands import _rank, write_commands
from clif.reporting.gathering import gather
from clif.retraining import retrain
from clif.retraining.asking import Asked
from clif.retraining.holdout import split_words
from clif.retraining.request import Request
from clif.storage.files import read_json

MEASURES = ("effect_size", "mean_difference")


@pytest.fixture
def planted(made: Made) -> BiasTest:
    return BiasTest.from_toml(made.test)


def through_words(problem, method="block", broad="targets"):
    return np.array([scores.influence for scores in score_many(by_word(problem, broad), METHODS[method])])


@pytest.mark.parametrize("broad", BROAD)
@pytest.mark.parametrize("measure", MEASURES)
def test_gradients_by_words_add_up_to_that_of_the_test(opened, planted, measure, broad):
    problem = make_problem(opened, planted, measure)
    parts = by_word(problem, broad)
    assert len(parts) == (16 if broad == "targets" else len(planted.A) + len(planted.B))
    whole = np.zeros((len(opened.vocabulary), problem.gradient.shape[1]))
    for part in parts:
        assert len(part.rows) < len(problem.rows)
        whole[part.rows] += part.gradient
    assert whole[problem.rows] == pytest.approx(problem.gradient, abs=1e-12)
    assert not np.delete(whole, problem.rows, axis=0).any()


@pytest.mark.parametrize("measure", MEASURES)
def test_the_share_of_an_attribute_is_that_of_its_cosines(opened, planted, measure):
    """By finite differences of sum_i w_i cos(i, a) / n_A, with the slopes w of T held where they are."""
    problem = make_problem(opened, planted, measure)
    weat, E = problem.objective, problem.E
    w = weat.join_gradient(weat.associations(E), measure)
    step = np.random.default_rng(0).normal(size=E.shape)
    for k in (0, len(planted.A)):
        place, sign = weat.n_X + weat.n_Y + k, 1 / len(planted.A) if k == 0 else -1 / len(planted.B)

        def share(F, place=place, sign=sign):
            units = F / np.linalg.norm(F, axis=1, keepdims=True)
            return sign * w @ (units[: len(w)] @ units[place])

        by_differences = (share(E + 1e-5 * step) - share(E - 1e-5 * step)) / 2e-5
        assert (weat.attribute_gradients(E, measure)[k] * step).sum() == pytest.approx(by_differences, rel=1e-5)


def test_a_linear_objective_is_linear():
    rng = np.random.default_rng(1)
    E, slope = rng.normal(size=(2, 5, 3))
    T = Linear(np.arange(5), slope)
    assert T.join(T.associations(E), "") == T.value(E, "") == pytest.approx(np.tensordot(slope, E, 2))
    assert T.gradient(E, "") == pytest.approx(
        np.einsum("m,mnd->nd", T.join_gradient(np.ones(1), ""), T.part_gradients(E))
    )


@pytest.mark.parametrize("broad", BROAD)
@pytest.mark.parametrize("method", ["block", "source", "clif"])
def test_influences_through_words_add_up(opened, planted, method, broad):
    problem = make_problem(opened, planted, "mean_difference")
    whole = score_many([problem], METHODS[method])[0].influence
    assert through_words(problem, method, broad).sum(axis=0) == pytest.approx(whole, abs=2e-3 * np.abs(whole).max())


@pytest.mark.parametrize("ensemble", [None, 2])
def test_the_list_is_in_the_order_of_breadth(opened, planted, ensemble):
    plain = rank(opened, planted, measure="mean_difference", ensemble=ensemble)
    broad = rank(opened, planted, measure="mean_difference", ensemble=ensemble, broad="targets")
    assert plain.path != broad.path
    assert (plain.about["broad"], broad.about["broad"]) == (None, "targets")
    influence = [dict(zip(each.doc_ids, each.influence, strict=True)) for each in (plain, broad)]
    assert influence[0] == influence[1]
    assert plain.doc_ids != broad.doc_ids
    assert broad.columns["rank"].tolist() == list(range(1, len(broad) + 1))
    if ensemble is None:
        problem = make_problem(opened, planted, "mean_difference")
        by_hand = sum(np.sign(part) * abs(part) ** 0.5 for part in through_words(problem))
        order = np.argsort(np.sign(problem.value) * by_hand, kind="stable")
        assert broad.doc_ids == [opened.corpus.doc_ids[z] for z in order]
    assert broad.about["zero_crossing"] > 0
    assert "by many of the targets" in repr(broad)
    assert "by many of the targets" not in repr(plain)
    assert rank(opened, planted, measure="mean_difference", ensemble=ensemble, broad="targets").reused


def test_of_two_documents_that_on_more_words_is_first():
    one, many = np.zeros(8), np.full(8, -1.0)
    one[0] = -8.0
    assert one.sum() == many.sum()
    narrow, wide = breadth(np.array([one, many]).T)
    assert wide < narrow < 0
    assert breadth(-np.array([one, many]).T).tolist() == [-narrow, -wide]


def test_retraining_takes_it_from_the_newest_ranking(opened, planted):
    rank(opened, planted, measure="mean_difference", broad="attributes")
    assert Asked.of(opened, planted, Request(remove=3)).broad == "attributes"
    assert not Asked.of(opened, planted, Request(remove=3, unit="sentence")).broad
    rank(opened, planted, measure="mean_difference")
    assert not Asked.of(opened, planted, Request(remove=3)).broad


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"method": "unrolled"}, "not taken apart by words by unrolled"),
        ({"method": "length"}, "not taken apart"),
        ({"unit": "sentence"}, "of documents"),
        ({"adaptive": 3}, "an order of its own"),
        ({"ensemble": 3, "confidence": 0.9}, "an order of its own"),
        ({"broad": "both"}, "unknown kind of words"),
    ],
)
def test_what_makes_no_sense_is_refused(opened, planted, options, says):
    with pytest.raises(UsageError, match=says):
        rank(opened, planted, **{"broad": "targets", **options})


def test_only_weat_is_taken_apart_by_attributes(opened, planted):
    other = replace(planted, name="pulled", kind="mac", Y=())
    rank(opened, other, broad="targets")
    with pytest.raises(UsageError, match="kind mac"):
        rank(opened, other, broad="attributes")


def test_the_command_says_what_comes_first(clif, workplace):
    said = clif("rank", "--test", "planted.toml", "--broad", "attributes")
    assert "by many of the attributes" in said.out
    assert clif("rank", "--test", "planted.toml", "--broad", "attributes", "--json").json()["broad"] == "attributes"
    refused = clif("rank", "--test", "planted.toml", "--broad", "words")
    assert refused.code == 2
    assert "Choose targets or attributes." in refused.err


def beside(run, test, wider="neighbours", broad="targets"):
    return words_beside(run, wider, test, broad)


def pairs_file(folder, pairs):
    path = folder / "sides.toml"
    path.write_text(f"pairs = {json.dumps(pairs)}")
    return path


def test_neighbours_are_those_along_the_difference_and_no_words_of_the_test(opened, planted):
    found = beside(opened, planted)
    units = opened.model.U / np.linalg.norm(opened.model.U, axis=1, keepdims=True)
    index, counts = opened.vocabulary.index, opened.vocabulary.counts
    along = units @ (units[[index[w] for w in planted.X]].mean(0) - units[[index[w] for w in planted.Y]].mean(0))
    named = {word for words in planted.sets.values() for word in words}
    for key, sign in (("X", 1), ("Y", -1)):
        least = min(counts[index[word]] for word in planted.sets[key])
        free = [w for w in opened.vocabulary.words if w not in named and counts[index[w]] >= least]
        expected = sorted(free, key=lambda word: -sign * along[index[word]])[:NEIGHBOURS]
        assert set(found[key]) == set(expected)
    assert found["without"] == sorted(named)


def test_neighbours_of_a_half_are_those_of_its_words_and_none_that_is_held_out(opened, planted):
    used, held = split_words(make_problem(opened, planted, None).objective.coverage, "targets", 0)
    whole = beside(opened, planted)
    half = beside(opened, used, whole)
    assert half == beside(opened, used, {**whole, "X": ["other"], "Y": ["words"]})  # it is sought anew
    assert {*half["X"], *half["Y"]} & {*held.X, *held.Y} == set()
    assert {*beside(opened, used)["X"]} & set(held.X)  # which would be the nearest of all
    assert half["without"] == whole["without"]


@pytest.mark.parametrize("turned", [False, True])
def test_pairs_stand_on_the_side_that_the_test_says(opened, planted, tmp_path, turned):
    free = [word for word in opened.vocabulary.words if not any(word in words for words in planted.sets.values())][:5]
    pairs = [[planted.A[0], planted.B[0]], [free[0], free[1]], [free[2], free[3]], ["no-such", free[4]]]
    path = pairs_file(tmp_path, [pair[::-1] for pair in pairs] if turned else pairs)
    found = beside(opened, planted, path, "attributes")
    assert found == {"name": "sides", "A": [free[0], free[2]], "B": [free[1], free[3]]}
    assert beside(opened, planted, found, "attributes") == found  # as a retraining with held-out words asks again
    problem = widened(make_problem(opened, planted, "mean_difference"), found)
    assert problem.objective.coverage.words["A"] == (*planted.A, free[0], free[2])
    assert problem.objective.coverage.words["X"] == planted.X
    assert len(by_word(problem, "attributes")) == len(planted.A) + len(planted.B) + 4


def test_words_beside_change_the_order_alone(opened, planted):
    plain = rank(opened, planted, measure="mean_difference", broad="targets")
    wider = rank(opened, planted, measure="mean_difference", broad="targets", wider="neighbours")
    assert wider.path != plain.path
    assert wider.about["wider"]["name"] == "neighbours"
    assert plain.about["wider"] is None
    influence = [dict(zip(each.doc_ids, each.influence, strict=True)) for each in (plain, wider)]
    assert influence[0] == influence[1]
    assert wider.about["value"] == plain.about["value"]
    problem = widened(make_problem(opened, planted, "mean_difference"), wider.about["wider"])
    b = breadth(through_words(problem))
    order = np.argsort(np.sign(wider.about["value"]) * b, kind="stable")
    assert wider.doc_ids == [opened.corpus.doc_ids[z] for z in order]
    assert "words beside them" in repr(wider)
    assert " --broad targets --wider neighbours" in _rank(wider.about, "run")
    assert " --wider mine.toml" in _rank({**wider.about, "wider": {"name": "mine"}}, "run")
    assert rank(opened, planted, measure="mean_difference", broad="targets", wider="neighbours").reused
    assert Asked.of(opened, planted, Request(remove=3)).wider == wider.about["wider"]


def test_halves_are_chosen_with_neighbours_of_their_own(opened, planted):
    rank(opened, planted, measure="mean_difference", broad="targets", wider="neighbours")
    options = {"remove": 20, "holdout": "targets", "halves": 2, "seeds": 1, "controls": 0}
    found = retrain(opened, planted, **options)
    assert found.values["transfer"]["targets"] is not None
    assert (found.values["broad"], found.values["wider"], found.values["adaptive"]) == ("targets", "neighbours", None)
    assert "  # after clif rank --broad targets --wider neighbours" in "\n".join(write_commands(gather(opened)))
    lists = [read_json(path, "") for path in opened.rankings.glob("*used*broad-targets.wider*.json")]
    assert len(lists) == 2
    held = [set(half["words"]["held_out"]["X"]) for half in found.values["halves"]]
    for about in lists:
        assert about["wider"]["name"] == "neighbours"
        assert any(not words & set(about["wider"]["X"]) for words in held)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"broad": None, "wider": "neighbours"}, "only in a list that acts on many"),
        ({"wider": "gender"}, "0 of them stand as in the pairs 'gender', and 0 the other way round"),
        ({"wider": {"X": ["a"]}}, "no list of words for Y"),
        ({"wider": {"X": ["a"], "Y": "word"}}, "no list of words for Y"),
        ({"wider": {"X": ["a"], "Y": [1]}}, "no list of words for Y"),
        ({"wider": {"X": ["no-such"], "Y": ["word"]}}, "the vocabulary lacks 'no-such'"),
    ],
)
def test_words_beside_that_make_no_sense_are_refused(opened, planted, options, says):
    with pytest.raises(UsageError, match=says):
        rank(opened, planted, **{"broad": "targets", **options})


def test_pairs_without_a_word_that_is_left_are_refused(opened, planted, tmp_path):
    path = pairs_file(tmp_path, [[planted.A[0], planted.B[0]], ["no-such", "word"]])
    with pytest.raises(UsageError, match="no pair of 'sides' is in the vocabulary"):
        beside(opened, planted, path, "attributes")
    with pytest.raises(InputError, match="cannot be read"):
        beside(opened, planted, tmp_path / "missing.toml", "attributes")
    with pytest.raises(UsageError, match="kind mac"):
        beside(opened, replace(planted, kind="mac", Y=()))
    with pytest.raises(CoverageError):
        beside(opened, replace(planted, X=("no-such", "words")))


def test_the_command_says_which_words_count(clif, workplace):
    said = clif("rank", "--test", "planted.toml", "--broad", "targets", "--wider", "neighbours")
    assert said.code == 0
    assert "Counted beside X:" in said.out
    assert "Counted beside Y:" in said.out


def test_neighbours_are_on_one_side_and_there_must_be_some(opened, planted):
    found = beside(opened, planted)
    assert not {*found["X"]} & {*found["Y"]}
    with pytest.raises(UsageError, match="no other word as frequent as those of X"):
        words_beside(opened, {**found, "without": list(opened.vocabulary.words)}, planted, "targets")
