"""A run folder: what it says of itself, and that files of two runs are never mixed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import DOCUMENTS, SETTINGS

from clif.errors import InputError, MismatchError
from clif.formats import export_vectors
from clif.retraining.edits import Edit
from clif.retraining.trainings import Journal
from clif.run import (
    DEFAULT_RUN,
    Run,
    is_run,
    open_model,
    open_run,
    open_trained,
    read_matrices,
    write_matrices,
)
from clif.storage.files import write_json
from clif.training import train

ENCODED = ("tokens.npy", "documents.parquet", "vocabulary.parquet")


def change_manifest(run: Run, *keys: str, value: object) -> Run:
    """The run with another value in its manifest."""
    manifest = json.loads((run.path / "manifest.json").read_text("utf-8"))
    part = manifest
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    write_json(run.path / "manifest.json", manifest)
    return open_run(run.path)


def use(run: Run) -> None:
    """Read all there is."""
    assert run.corpus
    assert run.model


def test_a_run_says_what_it_is_made_of(opened, made):
    assert opened.settings == SETTINGS
    assert len(opened.corpus) == DOCUMENTS == opened.manifest["corpus"]["documents"]
    assert opened.sources == [made.corpus]
    assert opened.model.U.shape == opened.model.C.shape == (len(opened.vocabulary), SETTINGS.dim)
    assert opened.model.words == opened.vocabulary.words
    assert not opened.imported
    counts = opened.vocabulary.counts
    assert counts.min() >= SETTINGS.min_count
    assert (np.diff(counts) <= 0).all()
    assert opened.manifest["versions"].keys() >= {"clif", "python", "gensim", "numpy"}


def test_the_same_corpus_and_settings_make_the_same_bytes(made, tmp_path):
    again = train([made.corpus], tmp_path / "again", SETTINGS).run
    for name in ("model.safetensors", *ENCODED):
        assert (again.path / name).read_bytes() == (made.run / name).read_bytes()
    assert again.identity == open_run(made.run).identity
    assert open_run(made.other_run).identity["model"] != again.identity["model"]


def test_the_run_of_the_current_folder_is_the_default(workplace):
    assert open_run().path == DEFAULT_RUN == Path("clif-run")
    assert open_model().source == "clif-run"
    assert open_trained().path == DEFAULT_RUN


def test_a_run_can_be_moved(workplace, made):
    Path("clif-run").rename("moved")
    run = open_run("moved")
    use(run)
    assert run.sources == [made.corpus]


def test_what_is_no_run_is_refused(tmp_path):
    assert not is_run(tmp_path)
    with pytest.raises(InputError, match="holds no run"):
        open_run(tmp_path)
    with pytest.raises(InputError, match="no run here"):
        open_run(tmp_path / "none")
    (tmp_path / "file").write_text("x")
    assert not is_run(tmp_path / "file")
    with pytest.raises(InputError, match="no run here"):
        open_run(tmp_path / "file")


# Mixed files.


@pytest.mark.parametrize("name", ENCODED)
def test_one_file_of_another_corpus_is_refused(opened, made, name):
    shutil.copy(made.other_run / name, opened.path)
    with pytest.raises(MismatchError, match="come from different corpora"):
        use(opened)


def test_the_whole_of_another_corpus_is_refused(opened, made):
    for name in ENCODED:
        shutil.copy(made.other_run / name, opened.path)
    with pytest.raises(MismatchError, match="the encoded corpus does not belong"):
        use(opened)


def test_the_model_of_another_corpus_is_refused(opened, made):
    shutil.copy(made.other_run / "model.safetensors", opened.path)
    with pytest.raises(MismatchError, match="does not belong to this run's corpus"):
        use(opened)


def test_the_manifest_of_another_run_is_refused(opened, made):
    shutil.copy(made.other_run / "manifest.json", opened.path)
    with pytest.raises(MismatchError):
        use(open_run(opened.path))


def test_the_model_of_other_settings_is_refused(opened, made, tmp_path):
    other = train([made.corpus], tmp_path / "r", SETTINGS.from_dict({**SETTINGS.to_dict(), "seed": 2})).run
    shutil.copy(other.path / "model.safetensors", opened.path)
    with pytest.raises(MismatchError, match="not trained with this run's settings"):
        use(opened)


def test_a_model_of_an_edited_corpus_is_refused(opened, quick_retraining):
    training = Journal(opened).training(Edit(np.array([3]), 0), SETTINGS.seed)
    from clif import retraining

    retraining.train_all(opened, [training], lambda *_: None)
    shutil.copy(training.path, opened.path / "model.safetensors")
    with pytest.raises(MismatchError, match="on all of its corpus"):
        use(open_run(opened.path))


def test_a_model_of_the_wrong_size_is_refused(opened):
    with pytest.raises(InputError, match="words but input vectors of shape"):
        use(change_manifest(opened, "vocabulary", "words", value=20))


@pytest.mark.parametrize("part", ["settings", "corpus", "vocabulary", "training", "format"])
@pytest.mark.parametrize("value", [None, {}, 7, []])
def test_a_manifest_that_lacks_a_part_is_refused(opened, part, value):
    with pytest.raises(InputError, match="not the manifest of a run"):
        change_manifest(opened, part, value=value)


def test_a_manifest_of_a_later_version_is_refused(opened):
    with pytest.raises(InputError, match="that this version of clif reads"):
        change_manifest(opened, "format", value=99)


@pytest.mark.parametrize("content", [None, b"", b"\x00" * 100])
def test_a_damaged_model_is_named(opened, content):
    path = opened.path / "model.safetensors"
    path.unlink() if content is None else path.write_bytes(content)
    for read in (lambda: opened.model, lambda: open_run(opened.path).model):
        with pytest.raises(InputError, match="cannot be read as a model") as caught:
            read()
        assert caught.value.where == str(path)
    if content is None:
        with pytest.raises(InputError, match="no such file"):
            assert opened.identity


# Models.


def test_matrices_are_read_as_they_were_written(tmp_path):
    rng = np.random.default_rng(0)
    U, C = rng.normal(size=(2, 7, 3)).astype(np.float32)
    write_matrices(tmp_path / "m", U, C, {"b": 1, "a": [2.5]})
    read_U, read_C, about = read_matrices(tmp_path / "m")
    assert read_U.tobytes() == U.tobytes()
    assert read_C.tobytes() == C.tobytes()
    assert about == {"a": [2.5], "b": 1}
    first = (tmp_path / "m").read_bytes()
    write_matrices(tmp_path / "m", np.asfortranarray(U), C, {"a": [2.5], "b": 1})
    assert (tmp_path / "m").read_bytes() == first


def test_vectors_can_be_audited_but_not_ranked(opened, tmp_path):
    file = export_vectors(opened.model, tmp_path / "v.txt")
    model = open_model(file)
    assert model.words == opened.model.words
    assert model.U.tobytes() == opened.model.U.tobytes()
    assert model.C is None
    with pytest.raises(InputError, match="ranking documents needs the corpus") as caught:
        open_trained(file)
    assert "clif import" in caught.value.next


def test_an_empty_folder_becomes_a_run(tmp_path, made):
    (tmp_path / "r").mkdir()
    use(train([made.corpus], tmp_path / "r", SETTINGS).run)
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
