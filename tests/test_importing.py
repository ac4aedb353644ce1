"""Runs made of gensim models that were trained elsewhere."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import SETTINGS, Made
from gensim.models import Word2Vec

from clif.errors import InputError, MismatchError, UsageError
from clif.ranking import rank
from clif.retraining import retrain
from clif.run import open_run
from clif.training.importing import import_model


def sentences(path: Path) -> list[list[str]]:
    return [re.findall("[a-z]+", json.loads(line)["text"].lower()) for line in path.read_text("utf-8").splitlines()]


def gensim_model(made: Made, **settings: object) -> Word2Vec:
    """A model trained by gensim alone, on the corpus of the session."""
    return Word2Vec(
        sentences(made.corpus),
        **{
            "sg": 1, "vector_size": 6, "window": 4, "negative": 3, "epochs": 2, "min_count": 3, "sample": 1e-2,
            "seed": 5, "workers": 1, "alpha": 0.03, **settings,
        },
    )  # fmt: skip


@pytest.fixture
def saved(made, tmp_path) -> Path:
    path = tmp_path / "word2vec.model"
    gensim_model(made).save(str(path))
    return path


def test_a_gensim_model_and_its_corpus_make_a_run(saved, made, tmp_path, workplace, clif):
    done = clif("import", saved, made.corpus, "--out", "imported", "--allow-pickle", "--json").json()
    assert (done["run"], done["reused"], done["losses"]) == ("imported", False, [])
    model = gensim_model(made)
    run = open_run("imported")
    assert run.imported
    assert run.settings == replace(
        SETTINGS, trainer="gensim", dim=6, window=4, negative=3, epochs=2, min_count=3, sample=1e-2, seed=5, alpha=0.03
    )
    assert done["trainer"] == "gensim"
    assert not run.checkpoints.exists()
    assert run.model.words == model.wv.index_to_key
    assert run.model.U.tobytes() == model.wv.vectors.tobytes()
    assert run.model.C.tobytes() == model.syn1neg.tobytes()
    counts = Counter(word for words in sentences(made.corpus) for word in words)
    assert [counts[word] for word in run.vocabulary.words] == run.vocabulary.counts.tolist()
    # The corpus is encoded in the model's order of words.
    first = [run.corpus.types[token] for token in run.corpus.tokens[: run.corpus.offsets[1]]]
    assert first == sentences(made.corpus)[0]
    ranked = clif("rank", "imported", "--test", "planted.toml", "--json").json()
    assert ranked["damping"] == pytest.approx(1 / (2 * (0.03 + 0.0001) / 2))
    audited = clif("audit", saved, "--test", "planted.toml", "--allow-pickle", "--json").json()["results"][0]
    assert ranked["value"] == pytest.approx(audited["effect_size"], rel=1e-6)


def test_scores_are_those_of_a_run_with_the_same_matrices(opened, made, tmp_path):
    settings, vocabulary = opened.settings, opened.vocabulary
    model = Word2Vec(
        sg=1, vector_size=settings.dim, window=settings.window, negative=settings.negative, epochs=settings.epochs,
        min_count=settings.min_count, sample=settings.sample, seed=settings.seed, sorted_vocab=0,
    )  # fmt: skip
    order = np.random.default_rng(0).permutation(len(vocabulary))  # the order of words must not matter
    model.build_vocab_from_freq({vocabulary.words[row]: int(vocabulary.counts[row]) for row in order})
    model.wv.vectors[:] = opened.model.U[order]
    model.syn1neg[:] = opened.model.C[order]
    model.save(str(tmp_path / "same.model"))
    imported = import_model(tmp_path / "same.model", [made.corpus], tmp_path / "imported", allow_pickle=True).run
    assert imported.model.words != opened.model.words
    for method in ("block", "gradient", "frequency"):
        one, two = (rank(run, str(made.test), method=method, measure="mean_difference") for run in (opened, imported))
        assert two.about["value"] == pytest.approx(one.about["value"])
        assert two.about["zero_crossing"] == one.about["zero_crossing"]
        scores, again = (ranking.to_frame().set_index("doc_id")["influence"].sort_index() for ranking in (one, two))
        np.testing.assert_allclose(again, scores, rtol=1e-9, atol=1e-15)


def test_an_imported_run_is_retrained_from_its_settings(saved, made, tmp_path, quick_retraining):
    run = import_model(saved, [made.corpus], tmp_path / "r", allow_pickle=True).run
    done = retrain(run, str(made.test), remove=5, seeds=1, controls=0).to_dict()
    # clif did not train it, so the model as it is does not count as a run before; it comes out the same, though.
    assert len(quick_retraining) == 2
    assert done["seeds"] == [5]
    assert done["before"]["runs"] == [pytest.approx(rank(run, str(made.test)).about["value"])]


def test_the_corpus_must_be_the_models(saved, made, tmp_path):
    with pytest.raises(MismatchError, match="its word counts differ from the model's by"):
        import_model(saved, [made.other], tmp_path / "r", allow_pickle=True)
    assert not (tmp_path / "r").exists()


def test_a_corpus_read_a_little_differently_is_taken(saved, made, tmp_path):
    shorter = tmp_path / "shorter.jsonl"
    shorter.write_text("".join(made.corpus.read_text("utf-8").splitlines(keepends=True)[:-5]), "utf-8")
    run = import_model(saved, [shorter], tmp_path / "r", allow_pickle=True).run
    assert len(run.corpus) == 195
    rank(run, str(made.test))


def test_a_model_whose_settings_cannot_be_used_is_refused(made, tmp_path):
    path = tmp_path / "m.model"
    gensim_model(made, shrink_windows=False).save(str(path))
    with pytest.raises(InputError, match="holds no complete skip-gram model") as caught:
        import_model(path, [made.corpus], tmp_path / "r", allow_pickle=True)
    assert "sg=1" in caught.value.next
    assert not (tmp_path / "r").exists()


def test_a_whole_model_takes_no_settings(saved, made, tmp_path):
    with pytest.raises(UsageError, match="knows the settings"):
        import_model(saved, [made.corpus], tmp_path / "r", SETTINGS, allow_pickle=True)


@pytest.mark.parametrize("settings", [{"sg": 0}, {"hs": 1, "negative": 0}])
def test_of_a_model_with_another_loss_the_input_vectors_are_taken(settings, made, tmp_path):
    path = tmp_path / "m.model"
    gensim_model(made, vector_size=10, **settings).save(str(path))
    how = replace(SETTINGS, window=4)
    run = import_model(path, [made.corpus], tmp_path / "r", how, allow_pickle=True, anyway=True).run
    assert run.manifest["training"]["outputs"]["ridge"] == 1 / how.tau


def test_a_run_is_replaced_only_by_force(saved, made, opened):
    with pytest.raises(MismatchError, match="holds a run already"):
        import_model(saved, [made.corpus], opened.path, allow_pickle=True)
    assert not open_run(opened.path).imported
    assert import_model(saved, [made.corpus], opened.path, allow_pickle=True, force=True).run.imported
