"""Trainings that are measured where they are done: what is kept, and what needs training again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from conftest import SETTINGS, Made

from clif.errors import InputError, MismatchError
from clif.objectives import MEASURES, PACKAGED, WEAT, BiasTest, cover, load_tests
from clif.retraining.edits import UNEDITED, Edit
from clif.run import open_run
from clif.storage.files import read_json, write_json
from clif.training import pool
from clif.training.trainers import train_model
from clif.verification.trainings import Journal

EDIT = Edit(np.array([5, 3, 11]), 0)


@pytest.fixture
def planted(made: Made) -> BiasTest:
    return BiasTest.from_toml(made.test)


def own_test(run, planted: BiasTest, first: int = 0) -> BiasTest:
    """A test with four attributes that stand in no packaged test, the frequent words from `first` on."""
    known = {word for test in [*load_tests(PACKAGED), planted] for words in test.sets.values() for word in words}
    words = [word for word in run.vocabulary.words if word not in known][first : first + 4]
    return replace(planted, name="own", A=tuple(words))


def do(run, training):
    pool.train_job(str(run.path), training)


def trained_without(run, edit, seed):
    settings = replace(SETTINGS, seed=seed)
    weights = edit.counts(run.corpus).astype(float)
    return train_model(run.corpus, run.vocabulary, settings, weights=weights).U


def value(U, run, test, measure):
    weat = WEAT(cover(test, run.vocabulary.index))
    return weat.value(U[weat.rows].astype(np.float64), measure)


def test_what_is_kept_is_what_training_gives(opened, planted, quick_verification):
    journal = Journal(opened, [planted])
    training = journal.training(EDIT, 2)
    assert not journal.done(training)
    do(opened, training)
    assert journal.done(training)
    U = trained_without(opened, EDIT, 2)
    for measure in MEASURES:
        assert journal.measure(training, measure) == [value(U, opened, planted, measure)]
    values = json.loads(training.path.read_text("utf-8"))
    assert (values["seed"], values["removed"], values["settings"]["seed"]) == (2, 3, 2)
    assert values["run"] == opened.identity
    assert journal.quality(training) is None  # of so few words
    assert sorted(path.name for path in journal.folder.iterdir()) == [training.path.name, training.vectors.name]


def test_the_unedited_training_is_the_model_of_the_run(opened, planted, quick_verification):
    journal = Journal(opened, [planted])
    do(opened, journal.unedited(SETTINGS.seed))
    assert journal.measure(journal.unedited(SETTINGS.seed), "effect_size") == [
        value(opened.model.U, opened, planted, "effect_size")
    ]
    assert journal.unedited(1).path == journal.training(Edit(UNEDITED.documents, 1), 1).path


def test_a_test_whose_words_are_kept_needs_no_training(opened, planted, quick_verification):
    turned = replace(planted, name="turned", X=planted.A, A=planted.X)
    training = Journal(opened, [planted]).training(EDIT, 1)
    do(opened, training)
    later = Journal(opened, [turned, planted])
    assert later.done(training)
    U = trained_without(opened, EDIT, 1)
    assert later.measure(training, "mean_difference") == [
        value(U, opened, test, "mean_difference") for test in (turned, planted)
    ]


def test_a_namesake_with_other_words_is_not_taken_for_the_test(opened, planted, quick_verification):
    training = Journal(opened, [planted]).training(EDIT, 1)
    do(opened, training)
    other = replace(planted, X=planted.Y, Y=planted.X)
    (found,) = Journal(opened, [other]).measure(training, "mean_difference")
    assert found == -Journal(opened, [planted]).measure(training, "mean_difference")[0]


def test_words_that_are_not_kept_are_trained_again_and_none_is_lost(opened, planted, quick_verification):
    own = own_test(opened, planted)
    first = Journal(opened, [planted]).training(EDIT, 1)
    do(opened, first)
    journal = Journal(opened, [own])
    assert not journal.done(first)
    assert first.path.exists()
    (again,) = journal.reopen([first])
    assert not first.path.exists()
    assert set(first.rows) < set(again.rows)
    # Also if the process ends here, and somebody asks for yet another test.
    further = Journal(opened, [own_test(opened, planted, 4)])
    assert set(first.rows) <= set(further.training(EDIT, 1).rows)
    do(opened, again)
    assert journal.done(again)
    assert Journal(opened, [planted]).done(first)
    assert journal.measure(again, "effect_size") == [
        value(trained_without(opened, EDIT, 1), opened, own, "effect_size")
    ]
    assert journal.reopen([again])[0] is again


def test_trainings_of_another_run_are_refused(opened, planted, quick_verification, made):
    training = Journal(opened, [planted]).training(EDIT, 1)
    do(opened, training)
    other = open_run(shutil.copytree(made.other_run, "other"))
    shutil.copytree(opened.verifications, other.verifications)
    journal = Journal(other, [planted])
    with pytest.raises(MismatchError, match="does not belong") as caught:
        journal.done(journal.training(EDIT, 1))
    assert caught.value.where.endswith("seed-1.json")
    journal.training(EDIT, 1).path.unlink()
    with pytest.raises(MismatchError):
        journal.training(EDIT, 1)


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b"\xff"])
def test_damaged_files_are_named(opened, planted, quick_verification, content):
    journal = Journal(opened, [planted])
    training = journal.training(EDIT, 1)
    do(opened, training)
    training.path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        journal.done(training)
    assert caught.value.where == str(training.path)
    assert "Remove it" in caught.value.next


def test_damaged_vectors_are_named(opened, planted, quick_verification):
    journal = Journal(opened, [own_test(opened, planted)])
    training = Journal(opened, [planted]).training(EDIT, 1)
    do(opened, training)
    training.vectors.write_bytes(b"x" * 20)
    with pytest.raises(InputError, match="vectors") as caught:
        journal.done(training)
    assert caught.value.where == str(training.vectors)


def test_a_measure_that_was_not_written_down_is_taken_from_the_vectors(opened, planted, quick_verification):
    journal = Journal(opened, [planted])
    training = journal.training(EDIT, 1)
    do(opened, training)
    (there,) = journal.measure(training, "effect_size")
    values = read_json(training.path, "")
    del values["tests"]["planted"]["effect_size"]
    write_json(training.path, values)
    assert journal.measure(training, "effect_size") == [pytest.approx(there, rel=1e-6)]
