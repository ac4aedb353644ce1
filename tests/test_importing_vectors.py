"""Runs made of vectors that came without output vectors."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import OPTIONS, SETTINGS
from gensim.models import KeyedVectors
from scipy.stats import spearmanr

from clif.errors import InputError, MismatchError
from clif.formats import export_vectors
from clif.ranking import rank
from clif.retraining import retrain
from clif.run import Run, open_run
from clif.training.explained import split
from clif.training.importing import import_model

LEARNT = OPTIONS[2:]  # all but the dimension, which the vectors have


def write(path: Path, words: list[str], U: np.ndarray) -> Path:
    """A file of vectors as GloVe writes them."""
    rows = (" ".join([word, *map(repr, map(float, row))]) for word, row in zip(words, U, strict=True))
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


@pytest.fixture
def vectors(opened: Run, tmp_path: Path) -> Path:
    """The run's input vectors alone."""
    return write(tmp_path / "vec.txt", opened.vocabulary.words, opened.model.U)


def test_from_a_file_of_vectors_to_a_ranking(vectors, made, opened, workplace, clif):
    said = clif("import", vectors, made.corpus, "--out", "R", *LEARNT)
    assert said.code == 0, said.err
    assert "no output vectors: fitted on the corpus" in said.err
    assert "frequency alone" in said.out
    ranked = clif("rank", "R", "--test", "planted.toml", "--measure", "mean_difference", "--json").json()
    assert ranked["damping"] == pytest.approx(1 / SETTINGS.tau)
    found = open_run("R")
    assert found.imported
    assert found.vocabulary.words == opened.vocabulary.words
    assert found.settings == SETTINGS
    audits = [clif("audit", model, "--test", "planted.toml", "--json").json()["results"][0] for model in (vectors, "R")]
    assert audits[0]["effect_size"] == pytest.approx(audits[1]["effect_size"], rel=1e-5)
    own, fitted = (
        rank(run, str(made.test), measure="mean_difference").to_frame().set_index("doc_id")["influence"]
        for run in (opened, found)
    )
    assert spearmanr(own, fitted.loc[own.index])[0] > 0.95


@pytest.mark.parametrize("form", ["word2vec", "word2vec-binary", "kv"])
def test_any_format_will_do(form, opened, made, tmp_path):
    path = tmp_path / form
    if form == "kv":
        keyed = KeyedVectors(opened.settings.dim)
        keyed.add_vectors(opened.vocabulary.words, opened.model.U)
        keyed.save(str(path))
    else:
        export_vectors(opened.model, path, format=form)
    run = import_model(path, [made.corpus], tmp_path / "r", SETTINGS, allow_pickle=True).run
    scale = run.manifest["training"]["outputs"]["scale"]
    np.testing.assert_allclose(run.model.U, scale * opened.model.U, rtol=1e-4, atol=1e-6)


def test_vocabulary_and_counts_come_from_the_corpus(opened, made, tmp_path):
    words, U = opened.vocabulary.words, opened.model.U
    order = np.random.default_rng(0).permutation(len(words))[: len(words) - 7]  # some corpus words have no vector
    mixed = [*(words[n] for n in order), "absent", "naught"]
    path = write(tmp_path / "v.txt", mixed, np.vstack([U[order], np.ones((2, U.shape[1]))]))
    run = import_model(path, [made.corpus], tmp_path / "r", SETTINGS).run
    kept = [word for n, word in enumerate(words) if n in set(order.tolist())]
    assert run.vocabulary.words == kept
    counts = dict(zip(words, opened.vocabulary.counts.tolist(), strict=True))
    assert run.vocabulary.counts.tolist() == [counts[word] for word in kept]
    outputs = run.manifest["training"]["outputs"]
    assert (outputs["words_of_vectors"], outputs["absent_from_corpus"]) == (len(mixed), 2)
    texts = [[run.types[t] for t in run.tokens] for run in (opened.corpus, run.corpus)]
    assert texts[0] == texts[1]


def test_rare_words_are_left_out(vectors, made, tmp_path):
    run = import_model(vectors, [made.corpus], tmp_path / "r", replace(SETTINGS, min_count=60)).run
    assert run.vocabulary.counts.min() >= 60
    assert run.manifest["training"]["outputs"]["too_rare"] > 0


@pytest.mark.parametrize("wrong", ["shuffled", "random"])
def test_vectors_that_explain_too_little_are_refused_with_the_figures(wrong, opened, made, workplace, clif):
    rng, U = np.random.default_rng(0), opened.model.U
    U = rng.permutation(U) if wrong == "shuffled" else rng.normal(size=U.shape)
    path = write(workplace / "wrong.txt", opened.vocabulary.words, U)
    said = clif("import", path, made.corpus, "--out", "R", *LEARNT)
    assert said.code == 5
    assert not Path("R").exists()
    for word in ("explain", "frequency alone", "held out", "--anyway"):
        assert word in said.err
    done = clif("import", path, made.corpus, "--out", "R", "--anyway", "--json", *LEARNT)
    assert "Warning: the vectors explain" in done.err
    outputs = done.json()["outputs"]
    assert outputs["explained"]["seen"]["share"] < 0.5
    assert outputs == open_run("R").manifest["training"]["outputs"]


def test_normalised_vectors_are_scaled_and_taken(opened, made, tmp_path):
    U = opened.model.U / np.linalg.norm(opened.model.U, axis=1, keepdims=True)
    path = write(tmp_path / "unit.txt", opened.vocabulary.words, U)
    outputs = import_model(path, [made.corpus], tmp_path / "r", SETTINGS).run.manifest["training"]["outputs"]
    assert outputs["scale"] > 1.5
    assert outputs["explained"]["seen"]["share"] > 0.9


def test_vectors_of_other_words_are_refused(made, tmp_path):
    path = write(tmp_path / "v.txt", ["qqq", "zzz"], np.eye(2))
    with pytest.raises(InputError, match="only 0 of 0 words"):
        import_model(path, [made.corpus], tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_many_absent_words_are_warned_of(opened, made, tmp_path):
    words, U = opened.vocabulary.words, opened.model.U
    more = [f"absent{n}" for n in range(len(words))]
    path = write(tmp_path / "v.txt", [*words, *more], np.vstack([U, U]))
    outputs = import_model(path, [made.corpus], tmp_path / "r", SETTINGS).run.manifest["training"]["outputs"]
    assert [f"{len(words):,} of the {2 * len(words):,} words" in warning for warning in outputs["warnings"]] == [True]


def test_a_training_that_nobody_knows_is_not_repeated(vectors, made, workplace, clif, quick_retraining):
    clif("import", vectors, made.corpus, "--out", "R", *LEARNT)
    for method in ("unrolled", "source"):
        said = clif("rank", "R", "--test", "planted.toml", "--method", method)
        assert said.code == 2
        assert "trained elsewhere" in said.err
    done = retrain(open_run("R"), str(made.test), remove=5, seeds=1, controls=0).to_dict()
    assert len(quick_retraining) == 2  # before and after
    assert done["removed"] == 5


def test_documents_are_divided_by_their_ids_alone(opened):
    held, learnt = split(opened.corpus)
    assert len(held) == 20
    assert sorted([*held, *learnt]) == list(range(200))
    order = np.random.default_rng(1).permutation(200)
    lengths = opened.corpus.lengths[order]
    turned = replace(
        opened.corpus,
        doc_ids=[opened.corpus.doc_ids[z] for z in order],
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
    )
    assert {turned.doc_ids[z] for z in split(turned)[0]} == {opened.corpus.doc_ids[z] for z in held}


def test_another_corpus_is_refused(vectors, made, tmp_path):
    """The words are the same, but cues and names are dealt out anew: their chances are others."""
    turned = tmp_path / "turned.jsonl"
    shutil.copy(made.corpus, turned)
    rng = np.random.default_rng(0)
    import json

    lines = [json.loads(line) for line in turned.read_text("utf-8").splitlines()]
    names = sorted({word for line in lines for word in line["text"].lower().split()})
    deal = dict(zip(names, rng.permutation(names).tolist(), strict=True))
    for line in lines:
        line["text"] = " ".join(deal[word] for word in line["text"].lower().split())
    turned.write_text("\n".join(json.dumps(line) for line in lines) + "\n", "utf-8")
    with pytest.raises(MismatchError, match="the vectors explain"):
        import_model(vectors, [turned], tmp_path / "r", SETTINGS)


@pytest.mark.parametrize("documents", [["a b c d e f " * 20], ["a b c d e f " * 20, "a"], ["a", "b", "c a b " * 30]])
def test_corpora_too_small_to_hold_out_from_are_no_crash(documents, tmp_path, clif):
    corpus = tmp_path / "small.txt"
    corpus.write_text("\n".join(documents) + "\n", "utf-8")
    path = write(tmp_path / "v.txt", list("abcdef"), np.random.default_rng(0).normal(size=(6, 4)))
    options = (path, corpus, "--min-count", "1", "--sample", "0", "--out", tmp_path / "R")
    said = clif("import", *options)
    assert said.code in (0, 5), said.err
    taken = clif("import", *options, "--anyway", "--force")
    assert taken.code == 0, taken.err
    explained = next(line for line in taken.out.splitlines() if "explained" in line)
    assert explained.split()[-1] == "-"  # nothing is known of documents held out
