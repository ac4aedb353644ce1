"""The vectors after each epoch: kept, found again, or trained again to the last bit."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from conftest import SETTINGS
from helpers import corpus_of

from clif.errors import InputError, UsageError
from clif.run import open_run, read_matrices, write_matrices
from clif.settings import TrainingSettings
from clif.training import checkpoints as module
from clif.training.checkpoints import Checkpoints
from clif.training.paired import PairedTraining
from clif.vocabulary import Vocabulary

SMALL = TrainingSettings(dim=4, window=2, negative=2, epochs=4, sample=0)
CORPUS = corpus_of(np.random.default_rng(0).integers(0, 9, (25, 12)).tolist(), 9)
VOCABULARY = Vocabulary(CORPUS.types[:8], CORPUS.counts[:8])


def trained_for(epochs, settings=SMALL):
    """U and C of a training that was stopped after so many epochs."""
    training = PairedTraining(CORPUS, VOCABULARY, settings)
    U, C = training.start()
    for number in range(epochs):
        training.learn(training.epoch(number), U, C)
    return U, C


def same(found, expected):
    return all(left.tobytes() == right.tobytes() for left, right in zip(found, expected, strict=True))


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def epochs_trained(monkeypatch):
    """Numbers of the epochs that are trained, as they are."""
    numbers, epoch = [], PairedTraining.epoch

    def recorded(training, number):
        numbers.append(number)
        return epoch(training, number)

    monkeypatch.setattr(module.PairedTraining, "epoch", recorded)
    return numbers


@pytest.fixture
def of_run(opened):
    """The checkpoints of the run of the workplace."""
    return Checkpoints(opened.corpus, opened.vocabulary, opened.settings, opened.checkpoints)


@pytest.mark.parametrize("epoch", range(SMALL.epochs + 1))
@pytest.mark.parametrize("kept", [True, False])
def test_vectors_are_those_of_a_training_that_was_stopped(epoch, kept, tmp_path):
    found = Checkpoints(CORPUS, VOCABULARY, SMALL, tmp_path / "c" if kept else None)
    assert same(found.at(epoch), trained_for(epoch))
    assert same(found.at(epoch), trained_for(epoch))
    # The end of the training is the model, which is kept elsewhere.
    last = min(epoch, SMALL.epochs - 1) if kept else 0
    assert names(tmp_path / "c") == [f"seed-1.epoch-{n}.safetensors" for n in range(1, last + 1)]


def test_what_is_kept_is_not_trained_again(tmp_path, epochs_trained):
    found = Checkpoints(CORPUS, VOCABULARY, SMALL, tmp_path)
    found.at(2)
    found.at(3)
    assert epochs_trained == [0, 1, 2]
    again = Checkpoints(CORPUS, VOCABULARY, SMALL, tmp_path)
    again.at(3)
    again.at(1)
    assert epochs_trained == [0, 1, 2]
    again.at(4)
    assert epochs_trained == [0, 1, 2, 3]


@pytest.mark.parametrize("kept", [True, False])
def test_all_of_them_take_one_training(kept, tmp_path, epochs_trained):
    found = Checkpoints(CORPUS, VOCABULARY, SMALL, tmp_path if kept else None)
    seen = []
    for epoch, U, C in found.all():
        assert same((U, C), trained_for(epoch))
        U[:], C[:] = 7, 7  # the caller may do as he likes
        seen.append(epoch)
    assert seen == [0, 1, 2, 3, 4]
    own = len(epochs_trained) - sum(seen)  # those of trained_for above are counted too
    assert own == SMALL.epochs


def test_what_a_run_keeps_is_what_is_trained_again(of_run, opened):
    assert names(opened.checkpoints) == [f"seed-1.epoch-{n}.safetensors" for n in range(1, SETTINGS.epochs)]
    assert of_run.repeatable
    of_run.check("any")
    before = {path.name: path.read_bytes() for path in opened.checkpoints.iterdir()}
    alone = Checkpoints(opened.corpus, opened.vocabulary, opened.settings)
    for epoch, U, C in alone.all():
        assert same((U, C), of_run.at(epoch))
    assert same(of_run.at(SETTINGS.epochs), (opened.model.U, opened.model.C))
    # Some of them, or all, are lost.
    for lost in (["seed-1.epoch-3.safetensors"], list(before)):
        for name in lost:
            (opened.checkpoints / name).unlink()
        of_run.at(SETTINGS.epochs - 1)
        of_run.at(3)
        assert {path.name: path.read_bytes() for path in opened.checkpoints.iterdir()} == before
    shutil.rmtree(opened.checkpoints)
    of_run.at(2)
    assert len(names(opened.checkpoints)) == 2


def test_a_model_of_another_seed_has_its_own(of_run, opened):
    other = Checkpoints(opened.corpus, opened.vocabulary, replace(opened.settings, seed=2), opened.checkpoints)
    other.at(1)
    assert "seed-2.epoch-1.safetensors" in names(opened.checkpoints)
    assert not same(other.at(1), of_run.at(1))


@pytest.mark.parametrize("other", [{"window": 3}, {"seed": 2}, {"workers": 2}, {"alpha": 0.02}], ids=str)
def test_files_of_another_training_are_replaced(other, tmp_path):
    """As after a change of settings in a folder that stays: the name says no more than seed and epoch."""
    stranger = Checkpoints(CORPUS, VOCABULARY, replace(SMALL, **other), tmp_path)
    own = Checkpoints(CORPUS, VOCABULARY, SMALL, tmp_path)
    stranger.keep(2, *trained_for(1))
    if stranger.path(2) != own.path(2):
        stranger.path(2).rename(own.path(2))
    assert same(own.at(2), trained_for(2))
    U, C, about = read_matrices(own.path(2))
    assert same((U, C), trained_for(2))
    assert about == {"corpus": "made", "settings": SMALL.to_dict(), "epoch": 2}


def test_files_of_another_corpus_or_epoch_are_not_taken(tmp_path):
    own = Checkpoints(CORPUS, VOCABULARY, SMALL, tmp_path)
    Checkpoints(replace(CORPUS, content_hash="other"), VOCABULARY, SMALL, tmp_path).keep(3, *trained_for(1))
    assert same(own.at(3), trained_for(3))
    shutil.copy(own.path(1), own.path(2))
    assert same(own.at(2), trained_for(2))


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "nothing about it"])
def test_a_damaged_file_is_named(damage, tmp_path):
    own = Checkpoints(CORPUS, VOCABULARY, SMALL, tmp_path)
    own.at(2)
    path = own.path(2)
    if damage == "nothing about it":
        from safetensors.numpy import save_file

        save_file({"U": np.zeros((8, 4), np.float32), "C": np.zeros((8, 4), np.float32)}, path)
    else:
        content = path.read_bytes()
        path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "text": b"not vectors at all"}[damage])
    for ask in (lambda: own.at(2), lambda: own.at(3), lambda: list(own.all())):
        with pytest.raises(InputError, match="cannot be read as a model") as caught:
            ask()
        assert caught.value.where == str(path)
        assert "it is made again" in caught.value.next
    # The next step is the one that is told.
    path.unlink()
    assert same(own.at(2), trained_for(2))


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot write"):
        Checkpoints(CORPUS, VOCABULARY, SMALL, tmp_path / "file" / "c").at(1)


def test_written_vectors_are_single_precision_and_may_be_changed_when_read(of_run):
    U, C = of_run.at(2)
    assert U.dtype == C.dtype == np.float32
    U[:], C[:] = 0, 0
    assert not same(of_run.at(2), (U, C))


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"trainer": "gensim"}, "by gensim with 1 worker cannot"), ({"workers": 3}, "by paired with 3 workers cannot")],
    ids=str,
)
def test_other_trainings_cannot_be_repeated(settings, says):
    other = Checkpoints(CORPUS, VOCABULARY, replace(SMALL, **settings))
    assert not other.repeatable
    with pytest.raises(UsageError, match=says) as caught:
        other.check("unrolled")
    assert (caught.value.where, "--trainer paired" in caught.value.next) == ("--method unrolled", True)


def test_a_run_whose_checkpoints_are_lost_is_still_a_run(opened, clif):
    shutil.rmtree(opened.checkpoints)
    assert clif("rank", "--no-cache", "--quiet").code == 0
    assert open_run(opened.path).model.U.shape[1] == SETTINGS.dim
    write_matrices(opened.checkpoints / "seed-1.epoch-1.safetensors", opened.model.U, opened.model.C, {})
    assert clif("rank", "--no-cache", "--quiet").code == 0
