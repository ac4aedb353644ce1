"""The walk by the library alone: what each verb takes, gives and refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import clif
from clif.errors import InputError, MismatchError, UsageError
from clif.ranking import newest_ranking

SMALL = {"dim": 10, "epochs": 8, "min_count": 2, "sample": 0}


@pytest.fixture(scope="module")
def frame(made):
    return pd.read_json(made.corpus, lines=True)


@pytest.fixture(scope="module")
def model(frame, tmp_path_factory):
    """A model of the planted documents, given as a data frame; not to be changed."""
    return clif.train(frame, tmp_path_factory.mktemp("library") / "run", **SMALL)


@pytest.fixture
def mine(model, tmp_path):
    """A copy of it."""
    import shutil

    return clif.load_model(shutil.copytree(model.path, tmp_path / "mine"))


def test_a_frame_trains_what_its_file_does(model, made):
    from_file = clif.load_model(made.run)
    np.testing.assert_array_equal(model.run.model.U, from_file.run.model.U)
    assert model.run.manifest["corpus"]["hash"] == from_file.run.manifest["corpus"]["hash"]
    assert model.run.manifest["corpus"]["sources"] == ["corpus.jsonl"]
    assert model.run.identity == from_file.run.identity


def test_training_twice_takes_the_run_and_another_corpus_is_refused(model, frame, made):
    again = clif.train(frame.copy(), model.path, **SMALL)
    assert again.reused
    assert not model.reused
    records = (json.loads(line) for line in made.corpus.read_text("utf-8").splitlines())
    assert clif.train(records, model.path, **SMALL).reused
    with pytest.raises(MismatchError, match="another corpus"):
        clif.train(frame.iloc[:-1], model.path, **SMALL)
    with pytest.raises(MismatchError, match="dim 10, now 11"):
        clif.train(frame, model.path, **{**SMALL, "dim": 11})


def test_a_faulty_corpus_leaves_nothing_behind(tmp_path):
    with pytest.raises(InputError, match="'text' is null"):
        clif.train(pd.DataFrame({"text": ["a b", None]}), tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_an_empty_corpus_is_not_taken_for_the_default_one(tmp_path):
    for empty in ([], (), iter(())):
        with pytest.raises(InputError, match="no documents"):
            clif.train(empty, tmp_path / "run")


def test_options_are_settings_of_training_reading_and_words(made, tmp_path):
    table = made.corpus.read_text("utf-8").splitlines()[:50]
    texts = [json.loads(line)["text"].upper() for line in table]
    kept = clif.train(pd.DataFrame({"body": texts}), tmp_path / "a", text_field="body", keep_case=True, **SMALL)
    assert kept.run.tokeniser.keep_case
    assert kept.vectors.index_to_key[0].isupper()
    same = clif.train(texts, tmp_path / "b", clif.TrainingSettings(**SMALL), tokeniser=clif.Tokeniser(keep_case=True))
    assert same.vectors.index_to_key == kept.vectors.index_to_key


def test_a_wrong_option_is_named_with_the_nearest(model, frame, tmp_path):
    with pytest.raises(TypeError, match=r"train\(\) has no option 'epoch'; did you mean 'epochs'"):
        clif.train(frame, tmp_path / "run", epoch=3)
    with pytest.raises(TypeError, match=r"retrain\(\) has no option 'remov'; did you mean 'remove'"):
        model.retrain(remov=3)
    with pytest.raises(UsageError, match="dim is said by settings already"):
        clif.train(frame, tmp_path / "run", clif.TrainingSettings(), dim=3)
    with pytest.raises(UsageError, match="those of files"):
        clif.train(frame, tmp_path / "run", split="line")


def test_a_model_is_taken_as_itself_its_run_and_its_path(model, made):
    for given in (model, model.run, model.path, str(model.path)):
        assert clif.audit(given, made.test).to_dict() == model.audit(str(made.test)).to_dict()
        assert clif.load_model(given if given is not model else model.run).path == model.path
    with pytest.raises(UsageError, match="a model cannot be of type int"):
        clif.rank(7)
    with pytest.raises(InputError, match="no run here"):
        clif.rank("nowhere")


def test_a_test_is_taken_as_file_object_and_mapping(model, made):
    test = clif.BiasTest.from_toml(made.test)
    values = {model.audit(each).results[0].value for each in (made.test, str(made.test), test, test.to_dict())}
    assert len(values) == 1
    both = model.audit([test, "weat6"])
    assert [result.test for result in both.results] == ["planted"]
    assert [skipped.test for skipped in both.skipped] == ["weat6"]
    assert "Skipped: weat6" in repr(both)


def test_vectors_come_out_as_those_of_gensim(model, made):
    skipgram = model.run.model
    np.testing.assert_array_equal(model.vectors["bakers"], skipgram.U[skipgram.index["bakers"]])
    np.testing.assert_array_equal(model.output_vectors["bakers"], skipgram.C[skipgram.index["bakers"]])
    assert model.vectors.get_vecattr("bakers", "count") == skipgram.counts[skipgram.index["bakers"]]
    own, given = (clif.audit(each, made.test).results[0] for each in (model, model.vectors))
    assert given.effect_size == own.effect_size
    assert given.p_value == own.p_value


def test_documents_are_a_frame_with_their_fields(model, frame):
    found = model.documents()
    assert found["doc_id"].tolist() == frame["id"].tolist()
    assert found["carrier"].tolist() == frame["carrier"].tolist()
    assert found["tokens"].sum() == len(model.run.corpus.tokens)


def test_a_ranking_is_what_later_steps_go_by(mine, made, quick_retraining):
    ranking = mine.rank(made.test, measure="mean_difference")
    other = mine.rank(made.test, method="gradient")
    assert newest_ranking(mine.run).about["method"] == "gradient"
    explained = mine.explain(ranking.doc_ids[0], ranking)
    assert explained.about["rank"] == 1
    assert explained.about["influence"] == pytest.approx(ranking.influence[0])
    result = mine.retrain(ranking, remove=10, seeds=2, controls=1)
    assert result.values["method"] == "block"
    assert result.values["measure"] == "mean_difference"
    assert mine.retrain(other, remove=10, seeds=1, controls=0).values["method"] == "gradient"
    assert len(quick_retraining) == 6
    rows = result.to_frame()
    assert rows.columns.tolist() == ["group", "set", "seed", "value"]
    assert rows.groupby("group").size().to_dict() == {"before": 2, "after": 2, "controls": 2}
    change = rows.pivot_table(index="seed", columns="group", values="value")
    assert (change["after"] - change["before"]).mean() == pytest.approx(result.values["realised"])
    with pytest.raises(UsageError, match="a list of contexts"):
        mine.retrain(mine.rank(made.test, unit="context"), remove=1)


def test_the_edited_corpus_comes_back_as_a_frame(mine, frame, made, quick_retraining):
    ranking = mine.rank(made.test)
    result = mine.retrain(ranking, remove=10, seeds=1, controls=0)
    kept, removed = result.documents("kept"), result.documents("removed")
    assert set(removed["doc_id"]) == set(ranking.doc_ids[:10])
    expected = frame[~frame["id"].isin(ranking.doc_ids[:10])]
    assert kept["doc_id"].tolist() == expected["id"].tolist()
    assert kept["text"].tolist() == expected["text"].tolist()
    assert kept["carrier"].tolist() == expected["carrier"].tolist()
    with pytest.raises(UsageError, match="unknown part"):
        result.documents("both")
    with pytest.raises(UsageError, match="only have another weight"):
        mine.retrain(ranking, remove=3, weight=0.5, seeds=1, controls=0).documents()


def test_sentences_that_were_ranked_are_what_goes(mine, made, quick_retraining):
    ranking = mine.rank(made.test, unit="sentence", top=30)
    result = mine.retrain(ranking, remove=5, seeds=1, controls=0)
    assert result.values["unit"] == "sentence"
    assert result.documents("removed")["doc_id"].str.contains("#").all()


def test_protected_documents_are_ids_or_a_file_of_them(mine, made, tmp_path, quick_retraining):
    ranking = mine.rank(made.test)
    kept = pd.Series(ranking.doc_ids[:4])
    result = mine.retrain(ranking, remove=3, protect=kept, seeds=1, controls=0)
    assert set(result.documents("removed")["doc_id"]) == set(ranking.doc_ids[4:7])
    (tmp_path / "keep.txt").write_text("\n".join(kept), "utf-8")
    assert mine.retrain(ranking, remove=3, protect=tmp_path / "keep.txt", seeds=1, controls=0).reused
    with pytest.raises(MismatchError, match="no document of the corpus has the id 'nobody'"):
        mine.retrain(ranking, remove=3, protect=["nobody"], seeds=1, controls=0)


def test_groups_are_those_of_the_ranking(model, made):
    ranking = model.rank(made.test)
    groups = model.by_field(ranking, "carrier")
    assert groups.to_frame()["influence"].sum() == pytest.approx(ranking.influence.sum())
    assert clif.by_field(ranking, model.path, "carrier").to_dict() == groups.to_dict()
    assert "carrier" in groups._repr_html_()


def test_verification_and_tradeoff_show_themselves(mine, made, quick_verification):
    ranking = mine.rank(made.test, measure="mean_difference")
    verified = mine.verify(ranking, sizes=(5,), random_sets=1, subsets=0, seeds=1)
    assert verified.values["measure"] == "mean_difference"
    assert verified._repr_html_().count("<circle") == 3
    assert "block" in repr(verified)
    compared = mine.tradeoff(ranking, shares=(0.05,), seeds=1, policies=("clif", "random"), method="block")
    assert [row["policy"] for row in compared.values["points"]] == ["before", "clif", "random"]
    assert "random" in compared._repr_html_()
    assert quick_verification


def test_report_and_pictures_show_where_they_are(mine, made):
    mine.rank(made.test)
    page = mine.report()
    assert page.path.is_file()
    assert page.path.as_uri() in page._repr_html_()
    shown = mine.plot("influence")
    assert "data:image/svg+xml;base64," in shown._repr_html_()
    assert shown.paths[0][1].name in repr(shown)


def test_the_default_run_is_that_of_the_current_folder(model, monkeypatch, tmp_path):
    os.symlink(model.path, tmp_path / "clif-run")
    monkeypatch.chdir(tmp_path)
    assert clif.load_model().path == Path("clif-run")
    assert "Model clif-run" in repr(clif.load_model())


def test_vectors_go_out_and_come_back_as_a_run(model, frame, tmp_path):
    path = clif.export_vectors(model, tmp_path / "vectors.txt")
    settings = clif.TrainingSettings(epochs=8, min_count=2, sample=0, dim=10)
    brought = clif.import_model(path, frame, tmp_path / "run", settings, anyway=True)
    assert brought.outputs is not None
    # The scale is fitted; directions stay.
    pair = ("bakers", "coopers")
    assert brought.vectors.similarity(*pair) == pytest.approx(model.vectors.similarity(*pair), abs=1e-5)


@pytest.mark.parametrize(
    ("unit", "head"),
    [
        ("document", "rank  influence  tokens  document"),
        ("sentence", "rank  influence  tokens  document"),
        ("context", "rank  influence  pair"),
        ("pair", "rank  influence  pair"),
    ],
)
def test_every_kind_of_list_shows_both_of_its_ends(model, made, unit, head):
    ranking = model.rank(made.test, unit=unit, top=12)
    lines = repr(ranking).splitlines()
    assert next(line for line in lines if line.startswith("rank")).startswith(head)
    assert sum(line.strip()[0].isdigit() for line in lines[1:]) == 10
    assert ranking._repr_html_().count("<svg") == 10
    assert len(ranking.to_frame()) == len(ranking)


def test_other_kinds_and_several_models_have_their_place_in_an_audit(mine, made, quick_verification):
    planted = clif.BiasTest.from_toml(made.test)
    ripa = {"name": "trades", "kind": "ripa", "X": planted.X, "A": planted.A, "B": planted.B}
    found = mine.audit([planted, ripa], seeds=2)
    assert len(quick_verification) == 1
    weat, other = found.results
    assert len(weat.over_seeds["runs"]) == 2
    assert f"{weat.over_seeds['mean']:+.2f} (" in repr(found)
    assert f"{other.value:+.4f}" in repr(found)
    assert found._repr_html_().count("<table>") == 2


def test_a_document_without_influence_is_explained_too(model, made, frame):
    texts = {**dict(zip(frame["id"], frame["text"], strict=True)), "dull": "zzz", "none": "..."}
    other = clif.train(texts, model.path.parent / "dull", **SMALL)
    for doc_id in ("dull", "none"):
        explained = other.explain(doc_id, made.test)
        assert explained.about["influence"] == 0
        assert doc_id in repr(explained)
        assert "<mark" not in explained._repr_html_()
