"""Each trainer by its name: the same arguments, what a run says of it, and runs that are made again."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import SETTINGS as RUN_SETTINGS
from helpers import corpus_of

from clif.errors import UsageError
from clif.settings import TRAINERS, TrainingSettings
from clif.training import train
from clif.training.gensim import train_gensim
from clif.training.paired import train_paired
from clif.training.trainers import HELD_FIXED, train_model
from clif.vocabulary import Vocabulary

CORPUS = corpus_of(np.random.default_rng(0).integers(0, 12, (20, 15)).tolist(), 12)
VOCABULARY = Vocabulary(CORPUS.types[:10], CORPUS.counts[:10])
SAMPLING = ("paired", "gensim")  # of the exact trainer see test_exact
SETTINGS = {name: TrainingSettings(trainer=name, dim=5, epochs=2, sample=0) for name in SAMPLING}


def same_bytes(left, right):
    return left.U.tobytes() == right.U.tobytes() and left.C.tobytes() == right.C.tobytes()


def test_paired_is_the_default():
    assert TrainingSettings().trainer == TRAINERS[0] == "paired"
    with pytest.raises(UsageError, match="unknown trainer 'glove'"):
        TrainingSettings(trainer="glove")


def test_models_are_trained_by_name():
    by_name = {name: train_model(CORPUS, VOCABULARY, settings) for name, settings in SETTINGS.items()}
    assert same_bytes(by_name["paired"], train_paired(CORPUS, VOCABULARY, SETTINGS["paired"]))
    assert same_bytes(by_name["gensim"], train_gensim(CORPUS, VOCABULARY, SETTINGS["gensim"]))
    assert not same_bytes(*by_name.values())


def test_weights_are_copies_to_gensim():
    copies = np.random.default_rng(1).integers(0, 4, len(CORPUS))
    found = train_model(CORPUS, VOCABULARY, SETTINGS["gensim"], weights=copies.astype(float))
    assert same_bytes(found, train_gensim(CORPUS, VOCABULARY, SETTINGS["gensim"], weights=copies))


@pytest.mark.parametrize("trainer", SAMPLING)
def test_every_trainer_takes_a_part_of_a_document(trainer):
    weights = np.ones(len(CORPUS))
    weights[3] = 0.5
    found = [train_model(CORPUS, VOCABULARY, SETTINGS[trainer], weights=w) for w in (weights, weights, None)]
    assert np.isfinite(found[0].U).all()
    assert same_bytes(found[0], found[1])
    assert not same_bytes(found[0], found[2])


@pytest.mark.parametrize("trainer", SAMPLING)
def test_both_say_how_far_they_are(trainer):
    seen, epochs = [], []
    train_model(
        CORPUS, VOCABULARY, SETTINGS[trainer], seen=seen.append, after_epoch=lambda epoch, U, C: epochs.append(epoch)
    )
    assert epochs == [1, 2]
    assert seen.count(len(CORPUS)) == 2
    assert set(seen) <= set(range(len(CORPUS) + 1))


# Runs


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_run_says_who_trained_it_and_what_an_edit_leaves_alone(made, tmp_path, trainer):
    epochs = TrainingSettings.epochs if trainer == "exact" else 2
    result = train([made.corpus], tmp_path / "r", replace(RUN_SETTINGS, trainer=trainer, epochs=epochs))
    assert result.to_dict()["trainer"] == result.run.settings.trainer == trainer
    training = result.run.manifest["training"]
    assert training["reproducible"]
    assert HELD_FIXED[trainer].items() <= training.items()
    assert ("one stream" in training["random_numbers"]) == (trainer == "gensim")
    assert result.run.checkpoints.exists() == (trainer == "paired")


def test_two_threads_give_a_run_that_says_that_it_does_not_reproduce(made, tmp_path):
    run = train([made.corpus], tmp_path / "r", replace(RUN_SETTINGS, workers=2)).run
    assert not run.manifest["training"]["reproducible"]
    assert not run.checkpoints.exists()
    assert np.isfinite(run.model.U).all()
    assert np.isfinite(run.model.C).all()
    losses = run.manifest["training"]["losses"]
    assert losses[-1] < losses[0]


def test_a_run_is_the_same_again_and_from_documents_in_another_order(made, opened, tmp_path):
    again = train([made.corpus], tmp_path / "again", RUN_SETTINGS).run
    assert (again.path / "model.safetensors").read_bytes() == (opened.path / "model.safetensors").read_bytes()
    lines = made.corpus.read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "turned.jsonl").write_text("".join(lines[::-1]), "utf-8")
    turned = train([tmp_path / "turned.jsonl"], tmp_path / "turned", RUN_SETTINGS).run
    assert turned.corpus.doc_ids == opened.corpus.doc_ids[::-1]
    assert turned.model.words == opened.model.words
    assert same_bytes(turned.model, opened.model)
