"""What an explanation says of a document: sums that agree with the ranking, its text, its words and pairs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import SETTINGS

import clif
from clif.errors import CoverageError, InputError, MismatchError, UsageError
from clif.explaining import COLUMNS, DocumentText, choose_passages, explain
from clif.influence.groups import predict_value, removal
from clif.influence.methods import METHODS
from clif.objectives import BiasTest
from clif.ranking import make_problem, newest_ranking, rank
from clif.run import Run, open_run
from clif.storage.files import to_json, write_json
from clif.training import train

SOME = ["block", "clif", "gradient", "unrolled"]


def some_ids(run: Run) -> list[str]:
    """Documents from both ends and the middle of the newest list."""
    ids = newest_ranking(run).doc_ids
    return [ids[0], ids[len(ids) // 2], ids[-1]]


def corpus_line(number: int) -> dict:
    return json.loads(Path("corpus.jsonl").read_text("utf-8").splitlines()[number])


def rewritten(change) -> None:
    """corpus.jsonl again, with each record changed, and the run's manifest pointing at it."""
    records = [json.loads(line) for line in Path("corpus.jsonl").read_text("utf-8").splitlines()]
    Path("corpus.jsonl").write_text("".join(json.dumps(change(record)) + "\n" for record in records), "utf-8")


@pytest.fixture
def own(workplace: Path) -> Run:
    """The run of the workplace, read from the workplace's own copy of the corpus."""
    manifest = json.loads(Path("clif-run/manifest.json").read_text("utf-8"))
    manifest["corpus"]["sources"] = [str(workplace / "corpus.jsonl")]
    write_json(Path("clif-run/manifest.json"), manifest)
    return open_run()


# Sums.


@pytest.mark.parametrize("method", SOME)
def test_tokens_pairs_words_and_contexts_sum_to_the_influence_in_the_ranking(method, opened):
    ranked = rank(opened, method=method, measure="mean_difference")
    place = {doc_id: n for n, doc_id in enumerate(ranked.doc_ids)}
    scale = np.abs(ranked.influence).max()
    for doc_id in some_ids(opened):
        found = explain(opened, doc_id)
        expected = ranked.influence[place[doc_id]]
        assert (found.about["method"], found.about["rank"]) == (method, place[doc_id] + 1)
        assert found.about["influence"] == pytest.approx(expected, abs=1e-9 * scale)
        assert found.influence.sum() == pytest.approx(expected, abs=1e-9 * scale)
        exact = 1e-9 if method != "clif" else 1e-6  # it computes each pair in the precision of the model
        for parts in (
            found.to_frame()["influence"],
            [pair.influence for pair in found.pairs],
            [word.influence for word in found.words],
        ):
            assert np.sum(parts) == pytest.approx(expected, abs=exact * scale)


def test_contexts_are_those_of_the_list_of_contexts(opened):
    contexts = rank(opened, unit="context", top=10**6, measure="mean_difference").to_frame()
    doc_id = newest_ranking(opened).doc_ids[0]
    found = explain(opened, doc_id).to_frame()
    assert tuple(found) == COLUMNS
    listed = contexts[contexts["doc_id"] == doc_id]
    columns = ["position", "input", "output", "distance", "weight", "influence"]
    key = ["position", "distance"]
    ours = found[columns].sort_values(key).reset_index(drop=True)
    theirs = listed[columns].sort_values(key).reset_index(drop=True)
    assert len(ours) == len(theirs) > 0
    assert ours[["position", "input", "output", "distance"]].equals(theirs[["position", "input", "output", "distance"]])
    assert np.allclose(ours["influence"], theirs["influence"], rtol=1e-9, atol=0)


def test_pairs_are_contexts_added_up(opened):
    found = explain(opened, newest_ranking(opened).doc_ids[0])
    frame = found.to_frame()
    frame["apart"] = frame["distance"].abs()
    groups = frame.groupby(["input", "output"])
    assert len(groups) == len(found.pairs)
    for pair in found.pairs:
        group = groups.get_group((pair.input, pair.output))
        assert (pair.times, pair.nearest, pair.farthest) == (len(group), group["apart"].min(), group["apart"].max())
        assert pair.weight == pytest.approx(group["weight"].sum())
        assert pair.influence == pytest.approx(group["influence"].sum(), abs=1e-15)
    sizes = [abs(pair.influence) for pair in found.pairs]
    assert sizes == sorted(sizes, reverse=True)
    assert found.share(3) == pytest.approx(sum(sizes[:3]) / sum(sizes))
    assert found.share(10**6) == pytest.approx(1)


def test_words_of_the_test_are_named_with_their_set(opened):
    test = newest_ranking(opened).test
    found = explain(opened, newest_ranking(opened).doc_ids[0])
    sets = {word: key for key, words in test.sets.items() for word in words}
    assert any(found.sets)
    assert [sets.get(word.lower()) for word in found.text.words] == list(found.sets)
    for word in found.words:
        assert (word.set, word.label) == (sets[word.word], test.labels[sets[word.word]])


def test_words_outside_the_test_have_no_set(opened):
    found = explain(opened, newest_ranking(opened).doc_ids[0], method="clif")
    assert {None} < {word.set for word in found.words}
    assert {None} < {word.label for word in found.words}


@pytest.mark.parametrize("method", SOME)
def test_associations_are_those_of_the_predicted_removal(method, opened):
    newest = newest_ranking(opened)
    doc_id = newest.doc_ids[0]
    found = explain(opened, doc_id, method=method)
    problem = make_problem(opened, newest.test, "mean_difference")
    targets = [*newest.test.X, *newest.test.Y]
    assert sorted(each.word for each in found.associations) == sorted(targets)
    by_word = {each.word: each for each in found.associations}
    before, after = (np.array([getattr(by_word[word], name) for word in targets]) for name in ("before", "after"))
    assert np.allclose(before, problem.objective.associations(problem.E))
    times = removal(problem, np.array([opened.corpus.number[doc_id]]))
    assert problem.objective.statistic(after) == pytest.approx(predict_value(problem, times), abs=1e-12)
    assert all(
        {"X": word.word in newest.test.X, "Y": word.word in newest.test.Y}[word.set] for word in by_word.values()
    )
    changes = [abs(each.after - each.before) for each in found.associations]
    assert changes == sorted(changes, reverse=True)
    assert changes[0] > 0


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.predicts])
def test_every_method_that_predicts_can_be_explained(method, opened):
    ranked = rank(opened, method=method, measure="mean_difference")
    for place in (0, 100):
        found = explain(opened, ranked.doc_ids[place])
        assert (found.about["rank"], found.about["method"]) == (place + 1, method)
        assert found.influence.sum() == pytest.approx(ranked.influence[place], rel=1e-9)


# The question.


def test_what_is_not_said_is_that_of_the_newest_ranking(opened):
    rank(opened, "planted.toml", method="gradient", measure="effect_size")
    doc_id = opened.corpus.doc_ids[3]
    said = explain(opened, doc_id).about
    assert (said["test"], said["method"], said["measure"]) == ("planted", "gradient", "effect_size")
    rank(opened, "planted.toml", measure="mean_difference", damping=3.0)
    said = explain(opened, doc_id).about
    assert (said["method"], said["measure"], said["damping"]) == ("block", "mean_difference", 3.0)
    assert explain(opened, doc_id, damping=5.0).about["damping"] == 5.0
    assert explain(opened, doc_id, method="clif").about["damping"] == pytest.approx(1 / opened.settings.tau)


def test_without_a_ranking_the_defaults_are_taken(opened):
    shutil.rmtree(opened.rankings)
    found = explain(opened, opened.corpus.doc_ids[3], "planted.toml")
    assert (found.about["method"], found.about["measure"]) == ("block", "effect_size")
    assert not opened.rankings.exists()  # an explanation makes no list


def test_another_question_leaves_the_newest_ranking_what_it_was(opened):
    before = newest_ranking(opened).about
    doc_id = opened.corpus.doc_ids[3]
    found = explain(opened, doc_id, method="gradient", measure="effect_size")
    assert newest_ranking(opened).about == before
    ranked = rank(opened, "planted.toml", method="gradient", measure="effect_size")
    assert found.about["rank"] == ranked.doc_ids.index(doc_id) + 1


def test_a_stored_solve_is_taken(opened, monkeypatch):
    from clif.influence import joint

    rank(opened, method="clif", measure="mean_difference")
    monkeypatch.setattr(joint, "solve_joint", None)
    assert explain(opened, opened.corpus.doc_ids[3]).about["method"] == "clif"


def test_a_stored_list_spares_the_scoring_of_all_documents(opened, monkeypatch):
    from clif.explaining import making

    monkeypatch.setattr(making, "document_influence", None)
    assert explain(opened, newest_ranking(opened).doc_ids[7]).about["rank"] == 8


def test_a_stored_list_that_disagrees_is_not_believed(opened):
    """As one that another version of clif made."""
    from clif.ranking.stored import store

    newest = newest_ranking(opened)
    doc_id = newest.doc_ids[7]
    newest.columns["influence"] = 2 * newest.influence[::-1]
    store(newest)
    assert explain(opened, doc_id).about["rank"] == 8


def test_a_list_of_several_models_is_not_that_of_this_model(opened):
    rank(opened, "planted.toml", measure="mean_difference", ensemble=2)
    doc_id = opened.corpus.doc_ids[3]
    found = explain(opened, doc_id)
    assert any("mean over 2 models" in warning for warning in found.warnings)
    alone = rank(opened, "planted.toml", measure="mean_difference")
    assert found.about["rank"] == alone.doc_ids.index(doc_id) + 1


def test_bad_questions_are_refused(opened):
    doc_id = opened.corpus.doc_ids[0]
    for method in (name for name, method in METHODS.items() if not method.predicts):
        with pytest.raises(UsageError, match="as a whole") as caught:
            explain(opened, doc_id, method=method)
        assert "--method block" in caught.value.next
    for wrong in (
        {"method": "no"},
        {"measure": "no"},
        {"damping": -1.0},
        {"damping": float("nan")},
        {"tolerance": 2.0},
        {"curvature": "no"},
        {"test": "weat"},
    ):
        with pytest.raises(UsageError):
            explain(opened, doc_id, **wrong)
    with pytest.raises(CoverageError, match="weat6"):
        explain(opened, doc_id, "weat6")


def test_an_unknown_document_gets_the_nearest_ids(opened):
    with pytest.raises(InputError, match="no document of this run has the id 'Planted-00003'") as caught:
        explain(opened, "Planted-00003")
    assert "Did you mean 'planted-00003'" in caught.value.next
    assert "clif rank" in caught.value.next
    with pytest.raises(InputError) as caught:
        explain(opened, "日本語")
    assert "Did you mean" not in caught.value.next


# The text.


def test_the_text_is_the_original_with_case_and_punctuation(workplace, own):
    rewritten(lambda record: {**record, "text": record["text"].replace(" ", ", ", 1).upper()})
    number = 5
    found = explain(own, own.corpus.doc_ids[number])
    assert found.text.note is None
    whole = "".join(part for pair in zip(found.text.gaps, (*found.text.words, ""), strict=True) for part in pair)
    assert whole == corpus_line(number)["text"]
    assert len(found.text.words) == len(found.influence)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda record: {**record, "text": "another " + record["text"]}, "has changed"),
        (lambda record: {**record, "id": "x" + record["id"]}, "no document of this id"),
        (None, "no such file"),
    ],
)
def test_without_its_source_the_tokens_are_shown(change, why, workplace, own):
    if change:
        rewritten(change)
    else:
        Path("corpus.jsonl").unlink()
    doc_id = own.corpus.doc_ids[5]
    found = explain(own, doc_id)
    assert why in found.text.note
    start, end = own.corpus.offsets[5:7]
    assert list(found.text.words) == [own.corpus.types[token] for token in own.corpus.tokens[start:end]]
    assert not found.to_dict()["original_text"]
    assert found.influence.sum() == pytest.approx(found.about["influence"])


def test_a_text_is_cut_at_its_words():
    text = DocumentText.original('"Ab, c" d.', [(1, 3), (5, 6), (8, 9)])
    assert text == DocumentText(("Ab", "c", "d"), ('"', ", ", '" ', "."))
    assert DocumentText.original("1984!", []) == DocumentText((), ("1984!",))
    assert DocumentText.joined(["a", "b"], "why") == DocumentText(("a", "b"), ("", " ", ""), "why")
    assert DocumentText.joined([], "why") == DocumentText((), ("",), "why")


def test_metadata_are_told(workplace, own):
    made = corpus_line(5)
    said = explain(own, own.corpus.doc_ids[5]).about["metadata"]
    assert said == {**{k: v for k, v in made.items() if k not in ("id", "text")}, "file": "corpus.jsonl"}
    Path("clif-run/metadata.parquet").unlink()  # as in a run of an earlier version
    assert explain(own, own.corpus.doc_ids[5]).about["metadata"] == {}


def test_numbers_that_json_lacks_are_told_as_text(workplace, made):
    records = [json.loads(line) for line in made.corpus.read_text("utf-8").splitlines()]
    lines = [
        json.dumps({**record, "score": float("inf" if n % 2 else "nan")}) + "\n" for n, record in enumerate(records)
    ]
    Path("c.jsonl").write_text("".join(lines), "utf-8")
    run = train(["c.jsonl"], Path("r"), SETTINGS).run
    for n, text in enumerate(("nan", "inf")):
        values = json.loads(to_json(explain(run, run.corpus.doc_ids[n], "planted.toml").to_dict()))
        assert values["metadata"]["score"] == text


def test_metadata_of_another_corpus_are_refused(made, opened):
    shutil.copy(made.other_run / "metadata.parquet", opened.path)
    with pytest.raises(MismatchError, match="another corpus"):
        explain(opened, opened.corpus.doc_ids[5])


# Documents without contexts.


def test_documents_without_contexts_have_no_influence(workplace, made):
    lines = made.corpus.read_text("utf-8")
    more = [{"id": "none", "text": "1984 42"}, {"id": "one", "text": lines.split()[5]}, {"id": "x", "text": "the of"}]
    Path("c.jsonl").write_text(lines + "".join(json.dumps(line) + "\n" for line in more), "utf-8")
    run = train(["c.jsonl"], Path("r"), SETTINGS).run
    for doc_id, length in (("none", 0), ("one", None), ("x", 2)):
        found = explain(run, doc_id, "planted.toml")
        assert found.about["influence"] == 0
        assert (found.pairs, found.words, len(found.to_frame()), found.share()) == ((), (), 0, 0)
        assert not found.influence.any()
        assert length is None or len(found.text.words) == length
        assert all(each.before == pytest.approx(each.after) for each in found.associations)
        assert choose_passages(found) == ([(0, len(found.text.words))] if found.text.words else [])
        json.loads(to_json(found.to_dict()))


# Passages.


def test_passages_hold_the_strongest_contexts_and_not_too_much(opened):
    found = explain(opened, newest_ranking(opened).doc_ids[0])
    length = len(found.text.words)
    assert choose_passages(found) == [(0, length)]
    (start, end), *_ = passages = choose_passages(found, most=1, tokens=length - 1)
    assert len(passages) == 1
    frame = found.to_frame()
    strongest = frame.loc[frame["influence"].abs().idxmax()]
    assert start <= strongest["position"] < end
    assert start <= strongest["position"] + strongest["distance"] < end
    for most in (1, 2, 5):
        for tokens in (20, 30, length - 1):
            passages = choose_passages(found, most=most, tokens=tokens)
            assert 1 <= len(passages) <= most
            assert sum(b - a for a, b in passages) <= tokens
            flat = [place for passage in passages for place in passage]
            assert flat == sorted(set(flat))
            assert 0 <= flat[0] < flat[-1] <= length


def test_plain_values_come_back_from_json(opened):
    found = explain(opened, newest_ranking(opened).doc_ids[0])
    values = json.loads(to_json(found.to_dict(3)))
    assert values.keys() >= {
        "doc_id", "rank", "documents", "influence", "test", "method", "measure", "value", "tokens", "pairs", "words",
        "associations",
    }  # fmt: skip
    assert len(values["pairs"]) == 3
    assert len(values["tokens"]) == len(found.influence)
    assert [token["position"] for token in values["tokens"]] == list(range(len(found.influence)))
    assert sum(token["influence"] for token in values["tokens"]) == pytest.approx(values["influence"])
    assert values["pairs_total"] == len(found.pairs)
    for token, key in zip(values["tokens"], found.sets, strict=True):
        assert (token["set"], token["word_in_test"]) == (key, key is not None)


def test_it_is_offered_by_the_package(opened):
    doc_id = opened.corpus.doc_ids[0]
    found = clif.explain(opened, doc_id, BiasTest.from_toml("planted.toml"), measure="mean_difference")
    assert found.about["doc_id"] == doc_id
