"""Weights, sentences and swapped words, from the command to what is trained, predicted, measured and written."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import SETTINGS
from helpers import reseal

from clif.corpus.reading import ReadOptions, read_documents
from clif.errors import InputError, UsageError
from clif.influence.groups import predict_value
from clif.influence.units import Sentences
from clif.objectives import WEAT, BiasTest, cover
from clif.ranking import make_problem, rank
from clif.retraining import retrain
from clif.run import open_run
from clif.training import train
from clif.training.trainers import train_model

NAMES = "abeno calvi dorrin fennu halvo jessam lirro mavek", "brisu corvu elmot garrit kettu nolvi pellan tovik"
ONCE = {"seeds": 1, "controls": 2}


@pytest.fixture
def planted(made) -> BiasTest:
    return BiasTest.from_toml(made.test)


@pytest.fixture
def pairs(tmp_path) -> Path:
    """The names of one group and of the other."""
    path = tmp_path / "names.toml"
    listed = [list(pair) for pair in zip(*(names.split() for names in NAMES), strict=True)]
    path.write_text(f"pairs = {json.dumps(listed)}", encoding="utf-8")
    return path


def read(paths):
    return {each.doc_id: each.text for each in read_documents(paths, ReadOptions())}


def value_of(run, test, **options) -> float:
    weat = WEAT(cover(test, run.model.index))
    U = train_model(options.pop("corpus", run.corpus), run.vocabulary, run.settings, **options).U
    return weat.value(U[weat.rows].astype(float), "mean_difference")


def test_documents_that_count_for_half(opened, planted, quick_retraining):
    order = rank(opened, planted, measure="mean_difference").doc_ids[:6]
    result = retrain(opened, remove=6, weight=0.5, **ONCE)
    done = result.to_dict()
    weights = np.array([0.5 if doc_id in order else 1.0 for doc_id in opened.corpus.doc_ids])
    assert done["after"]["runs"] == [value_of(opened, planted, weights=weights)]
    problem = make_problem(opened, planted, "mean_difference")
    assert done["predicted"] == pytest.approx(predict_value(problem, 1 - weights) - problem.value, rel=1e-9)
    removed = retrain(opened, remove=6, **ONCE).to_dict()
    assert done["predicted_sum"] == pytest.approx(removed["predicted_sum"] / 2)
    assert (done["edit"], done["weight"], done["edited"], done["removed"], done["removed_tokens"]) == (
        "weight", 0.5, 6, 0, 0,
    )  # fmt: skip
    assert (removed["edit"], removed["weight"], removed["removed"]) == ("remove", None, 6)
    assert removed["removed_tokens"] == done["edited_tokens"]
    (path,) = done["edited_corpus"]["weights"]
    with open(path, encoding="utf-8") as file:
        assert {row["doc_id"]: float(row["weight"]) for row in csv.DictReader(file)} == dict.fromkeys(order, 0.5)
    assert retrain(opened, remove=6, weight=0.5, **ONCE).to_dict() == {**done, "reused": True}


def test_sentences_go_and_their_documents_stay(opened, planted, quick_retraining):
    ranked = rank(opened, planted, measure="mean_difference", unit="sentence")
    rank(opened, planted, measure="mean_difference")  # the newest, whose measure is taken
    done = retrain(opened, remove=40, unit="sentence", **ONCE).to_dict()
    units = Sentences(opened.corpus)
    ids = [f"{doc_id}#{n}" for doc_id, n in zip(ranked.doc_ids, ranked.columns["sentence"], strict=True)][:40]
    removed = read(done["edited_corpus"]["removed"])
    assert set(removed) == set(ids)
    texts = dict(zip(ids, ranked.columns["text"], strict=False))
    assert {key: " ".join(opened.tokeniser(text)) for key, text in removed.items()} == texts
    number = opened.corpus.number
    first = np.searchsorted(units.document, [number[doc_id] for doc_id in ranked.doc_ids[:40]])
    change = units.without(first + np.asarray(ranked.columns["sentence"][:40]) - 1)
    assert done["after"]["runs"] == [value_of(opened, planted, corpus=change.text(opened.corpus))]
    problem = make_problem(opened, planted, "mean_difference")
    assert done["predicted"] == pytest.approx(predict_value(problem, change) - problem.value, rel=1e-9)
    assert done["predicted_sum"] == pytest.approx(float(ranked.influence[:40].sum()))
    assert (done["edit"], done["unit"], done["sentences"], done["removed"]) == ("sentences", "sentence", 40, 0)
    assert done["removed_tokens"] == sum(len(text.split()) for text in texts.values())
    assert done["units"] == len(units)
    # The text that is left, told apart again, is the text that was trained on.
    kept = read(done["edited_corpus"]["kept"])
    left = change.text(opened.corpus)
    for doc_id, text in kept.items():
        start, end = opened.corpus.offsets[number[doc_id] :][:2]
        stays = [opened.corpus.types[token] for token in left.tokens[start:end] if token < len(opened.corpus.types)]
        assert opened.tokeniser(text) == stays


def test_names_change_places(opened, planted, quick_retraining, pairs):
    order = rank(opened, planted, measure="mean_difference").doc_ids[:20]
    done = retrain(opened, swap=20, pairs=pairs, **ONCE).to_dict()
    kept, before = read(done["edited_corpus"]["kept"]), read([opened.sources[0]])
    assert done["edited_corpus"]["removed"] == []
    assert list(kept) == list(before)
    partner = dict(zip(*(names.split() for names in NAMES), strict=True))
    partner |= {other: word for word, other in partner.items()}
    swapped = 0
    for doc_id, text in before.items():
        words = [partner.get(word, word) if doc_id in order else word for word in opened.tokeniser(text)]
        assert opened.tokeniser(kept[doc_id]) == words
        swapped += sum(word in partner for word in words) if doc_id in order else 0
    assert (done["edit"], done["edited"], done["edited_tokens"], done["predicted_sum"]) == ("swap", 20, swapped, None)
    assert all(abs(control["tokens"] - swapped) < 5 for control in done["control_sets"])
    # It is trained on the texts that were written, for the words kept their places.
    index = {word: n for n, word in enumerate(opened.corpus.types)}
    tokens = np.array([index[word] for text in kept.values() for word in opened.tokeniser(text)], dtype=np.uint32)
    tokens.setflags(write=False)  # as those of a run, for which kernels are compiled
    assert done["after"]["runs"] == [value_of(opened, planted, corpus=replace(opened.corpus, tokens=tokens))]


def test_predictions_have_the_sign_and_about_the_size_of_what_comes_of_them(opened, planted, quick_retraining, pairs):
    rank(opened, planted, measure="mean_difference")
    for options in (
        {"remove": 15},
        {"remove": 15, "weight": 0.5},
        {"remove": 60, "unit": "sentence"},
        {"swap": 15, "pairs": pairs},
    ):
        done = retrain(opened, seeds=3, controls=0, **options).to_dict()
        assert done["predicted"] < 0, options
        assert 0.6 < done["realised"] / done["predicted"] < 1.4, options


def test_a_weight_of_a_half_moves_the_bias_by_about_half_of_what_removal_does(opened, planted, quick_retraining):
    rank(opened, planted, measure="mean_difference")
    halves, wholes = (
        [retrain(opened, remove=k, weight=w, seeds=3, controls=0).to_dict()["realised"] for k in (5, 10, 20)]
        for w in (0.5, 0)
    )
    assert sum(halves) / sum(wholes) == pytest.approx(0.5, abs=0.1)


def test_fewer_tokens_go_by_sentence_than_by_document(opened, planted, quick_retraining):
    before = retrain(opened, planted, measure="mean_difference", remove=1, controls=0, seeds=2).to_dict()["before"]
    options = {"measure": "mean_difference", "until": f"{0.7 * before['mean']:.6f}", "seeds": 2, "controls": 1}
    sentence, document = (retrain(opened, planted, unit=unit, **options).to_dict() for unit in ("sentence", "document"))
    for values, unit in ((sentence, "sentence"), (document, "document")):
        until = values["until"]
        assert until["reached"]
        assert until["unit"] == unit
        assert until[f"{unit}s"] == values["edited"]
        assert until["tokens"] == values["removed_tokens"]
        assert values["after"]["mean"] <= 0.7 * before["mean"] + 1e-6
    assert sentence["removed_tokens"] < 0.8 * document["removed_tokens"]
    with open(Path(sentence["folder"]) / "curve.csv", encoding="utf-8") as file:
        assert next(csv.reader(file))[0] == "sentences"
    again = retrain(opened, planted, unit="sentence", **options)
    assert again.reused
    assert again.to_dict() == {**sentence, "reused": True}


def test_a_list_of_sentences_from_a_file_is_taken_and_checked(opened, planted, quick_retraining, tmp_path):
    ranked = rank(opened, planted, measure="mean_difference", unit="sentence")
    frame = ranked.to_frame(30).iloc[::-1]
    frame.to_csv(tmp_path / "list.csv", index=False)
    rank(opened, planted, measure="mean_difference")
    done = retrain(opened, remove=5, unit="sentence", ranking=tmp_path / "list.csv", seeds=1, controls=0).to_dict()
    last = [f"{row.doc_id}#{row.sentence}" for row in frame.head(5).itertuples()]
    assert set(read(done["edited_corpus"]["removed"])) == set(last)
    with pytest.raises(UsageError, match="those at the other end are needed"):
        retrain(opened, remove=5, unit="sentence", goal="increase", ranking=tmp_path / "list.csv")
    for name, text, what in (
        ("other", f"doc_id,sentence\n{opened.corpus.doc_ids[0]},99\n", "has no sentence 99"),
        ("documents", f"doc_id\n{opened.corpus.doc_ids[0]}\n", "holds no column sentence"),
        ("twice", f"doc_id,sentence\n{opened.corpus.doc_ids[0]},1\n{opened.corpus.doc_ids[0]},1\n", "more than once"),
    ):
        path = tmp_path / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(Exception, match=what) as caught:
            retrain(opened, remove=1, unit="sentence", ranking=path)
        assert str(path) in str(caught.value)


def test_the_number_for_zero_is_found_for_every_kind_of_edit(opened, planted, quick_retraining):
    rank(opened, planted, measure="mean_difference")
    done = {
        name: retrain(opened, remove="zero", seeds=1, controls=0, **options).to_dict()
        for name, options in (("remove", {}), ("weight", {"weight": 0.1}), ("sentences", {"unit": "sentence"}))
    }
    assert done["weight"]["edited"] > done["remove"]["edited"]
    for values in done.values():
        assert abs(values["value"] + values["predicted"]) < 0.3 * abs(values["value"])
    with pytest.raises(UsageError, match=r"no number of documents that count for 0\.9"):
        retrain(opened, remove="zero", weight=0.9)


def test_sentences_are_refused_where_there_are_none(opened, planted, made, tmp_path, quick_retraining):
    lines = [json.loads(line) for line in made.corpus.read_text("utf-8").splitlines()]
    plain = [{**line, "text": line["text"].replace(".", " ")} for line in lines]
    (tmp_path / "plain.jsonl").write_text("".join(json.dumps(line) + "\n" for line in plain), encoding="utf-8")
    run = train([tmp_path / "plain.jsonl"], tmp_path / "plain", SETTINGS).run
    with pytest.raises(UsageError, match="no document of this corpus has more than one sentence"):
        retrain(run, planted, remove=3, unit="sentence")
    # As an earlier version left it.
    from clif.corpus.belonging import read_table, write_table

    (opened.path / "sentences.npy").unlink()
    columns, belongs = read_table(opened.path / "documents.parquet", {"doc_id": str, "tokens": int})
    belongs.pop("sentences")
    write_table(opened.path / "documents.parquet", columns, belongs)
    words, _ = read_table(opened.path / "vocabulary.parquet", {"word": str, "count": int})
    write_table(opened.path / "vocabulary.parquet", words, belongs)
    reseal(opened.path)
    with pytest.raises(InputError, match="earlier version"):
        retrain(open_run(opened.path), planted, remove=3, unit="sentence")
    assert not quick_retraining


def test_commands_say_what_was_done(clif, opened, planted, quick_retraining, pairs):
    rank(opened, planted, measure="mean_difference")
    few = ("--seeds", 1, "--controls", 0)
    said = clif("retrain", "--remove-top-k", 5, "--weight", ".5", *few)
    assert "5 of 200 documents weighted by 0.5" in said.out
    assert "weights.csv and result.json" in said.err
    said = clif("retrain", "--remove-top-k", 9, "--unit", "sentence", *few)
    assert "sentences removed" in said.out
    assert "in these sentences alone" in said.out
    assert "removed sentences" in said.err
    said = clif("retrain", "--swap-top-k", 5, "--pairs", pairs, *few)
    assert "5 of 200 documents swapped" in said.out
    said = clif("retrain", "--swap-top-k", 5, *few)
    assert said.code == 2
    assert "no word of 'gender' is in the vocabulary" in said.err
    said = clif("retrain", "--remove-top-k", 5, "--weight", 1, *few)
    assert said.code == 2
    assert "--weight" in said.err
