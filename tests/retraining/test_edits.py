"""Edits: which documents are taken for a goal, and random ones beside them."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import corpus_of
from hypothesis import given
from hypothesis import strategies as st

from clif.errors import InputError, MismatchError, UsageError
from clif.retraining.edits import UNEDITED, Edit, choose_edit, random_edit, read_protected

ORDER = np.array([3, 0, 4, 1, 2])
NONE = np.zeros(5, dtype=bool)


def corpus(lengths):
    return corpus_of([[0] * length for length in lengths], 1)


@pytest.mark.parametrize(
    ("goal", "copies", "expected"),
    [
        ("reduce", 0, [3, 0]),  # remove what carries the bias
        ("increase", 0, [2, 1]),  # remove what stands against it
        ("increase", 2, [3, 0]),  # repeat what carries the bias
        ("reduce", 2, [2, 1]),  # repeat what stands against it
    ],
)
def test_documents_come_from_the_end_that_serves_the_goal(goal, copies, expected):
    edit = choose_edit(ORDER, 2, copies=copies, goal=goal, protected=NONE)
    assert edit.documents.tolist() == expected
    assert edit.copies == copies


@given(
    order=st.permutations(range(9)),
    protected=st.lists(st.booleans(), min_size=9, max_size=9),
    k=st.integers(1, 9),
    goal=st.sampled_from(["reduce", "increase"]),
    copies=st.sampled_from([0, 2, 5]),
)
def test_protected_documents_are_passed_over(order, protected, k, goal, copies):
    free = [z for z in order if not protected[z]]
    arguments = (np.array(order), k)
    options = {"copies": copies, "goal": goal, "protected": np.array(protected)}
    if k > len(free) or (copies == 0 and k == 9):
        with pytest.raises(UsageError):
            choose_edit(*arguments, **options)
        return
    chosen = choose_edit(*arguments, **options).documents.tolist()
    from_the_head = (goal == "reduce") == (copies == 0)
    assert chosen == (free if from_the_head else free[::-1])[:k]


@pytest.mark.parametrize("k", [0, -1, 6])
@pytest.mark.parametrize(("copies", "most"), [(0, 4), (2, 5)])
def test_a_number_that_cannot_be_chosen_is_answered_with_those_that_can(k, copies, most):
    with pytest.raises(UsageError, match=f"cannot choose {k} of 5 documents") as caught:
        choose_edit(ORDER, k, copies=copies, goal="reduce", protected=NONE)
    assert f"from 1 to {most}." in caught.value.next
    assert caught.value.where == ("--amplify-top-k" if copies else "--remove-top-k")


def test_what_the_message_allows_beside_protected_documents_is_all_that_are_free():
    protected = np.array([True, False, False, False, True])
    with pytest.raises(UsageError, match="4 of 3 documents that are not protected") as caught:
        choose_edit(ORDER, 4, copies=0, goal="reduce", protected=protected)
    assert choose_edit(ORDER, 3, copies=0, goal="reduce", protected=protected).documents.tolist() == [3, 1, 2]
    assert "from 1 to 3." in caught.value.next


def test_the_whole_corpus_cannot_be_removed_but_repeated():
    with pytest.raises(UsageError, match="nothing to train on"):
        choose_edit(ORDER, 5, copies=0, goal="reduce", protected=NONE)
    assert len(choose_edit(ORDER, 5, copies=2, goal="increase", protected=NONE).documents) == 5


def test_an_edit_says_how_often_documents_stand_and_are_taken_out():
    five = corpus([3, 1, 4, 1, 5])
    removed, repeated = Edit(np.array([2, 0]), 0), Edit(np.array([4]), 3)
    assert removed.counts(five).tolist() == [0, 1, 0, 1, 1]
    assert removed.times(five).tolist() == [1, 0, 1, 0, 0]
    assert removed.tokens(five) == 7
    assert repeated.counts(five).tolist() == [1, 1, 1, 1, 3]
    assert repeated.times(five).tolist() == [0, 0, 0, 0, -2]
    assert repeated.tokens(five) == 5
    assert UNEDITED.counts(five).tolist() == [1] * 5
    assert not UNEDITED.times(five).any()


def test_the_name_of_an_edit_knows_its_documents_and_copies_but_not_their_order():
    name = Edit(np.array([2, 0]), 0).name()
    assert name == Edit(np.array([0, 2]), 0).name()
    assert len({name, Edit(np.array([0, 2]), 2).name(), Edit(np.array([0, 3]), 0).name(), UNEDITED.name()}) == 4


@given(
    lengths=st.lists(st.integers(1, 50), min_size=2, max_size=60),
    seed=st.integers(0, 100),
    number=st.integers(0, 5),
    data=st.data(),
)
def test_random_edits_have_about_as_many_tokens(lengths, seed, number, data):
    made = corpus(lengths)
    chosen = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=len(lengths) - 1, unique=True))
    like = Edit(np.array(chosen), 0)
    edit = random_edit(made, like, np.zeros(len(lengths), dtype=bool), seed, number)
    assert edit.copies == like.copies
    assert len(set(edit.documents.tolist())) == len(edit.documents) > 0
    # To the nearest document, but one must be taken, and one must stay.
    off, taken = abs(edit.tokens(made) - like.tokens(made)), len(edit.documents)
    assert off <= max(lengths) / 2 or taken == 1 or (taken == len(lengths) - 1 and off <= max(lengths))
    again = random_edit(made, like, np.zeros(len(lengths), dtype=bool), seed, number)
    assert edit.documents.tolist() == again.documents.tolist()


def test_random_edits_leave_protected_documents_and_differ_by_seed_and_number():
    made = corpus([7] * 200)
    protected = np.arange(200) % 3 == 0
    like = Edit(np.array([1, 2, 4, 5, 7]), 0)
    edits = [random_edit(made, like, protected, seed, number) for seed in (1, 2) for number in (0, 1)]
    for edit in edits:
        assert not protected[edit.documents].any()
        assert edit.tokens(made) == like.tokens(made)
    assert len({edit.name() for edit in edits}) == 4


def test_random_edits_take_every_document_alike():
    made = corpus([3] * 20)
    like = Edit(np.arange(5), 0)
    drawn = np.concatenate([random_edit(made, like, np.zeros(20, dtype=bool), 7, n).documents for n in range(800)])
    share = np.bincount(drawn, minlength=20) / 800
    assert np.abs(share - 0.25).max() < 4.5 * np.sqrt(0.25 * 0.75 / 800)


def test_random_edits_never_remove_the_whole_corpus():
    made = corpus([1, 30, 30])
    like = Edit(np.array([1, 2]), 0)
    for number in range(20):
        edit = random_edit(made, like, np.zeros(3, dtype=bool), 0, number)
        assert len(edit.documents) < 3


def protected_by(tmp_path, content: bytes, ids=("a", "b c", "7", "ü")):
    path = tmp_path / "protected.txt"
    path.write_bytes(content)
    made = corpus([1] * len(ids))
    made.doc_ids[:] = ids
    return read_protected(path, made)


@pytest.mark.parametrize(
    "content",
    ["b c\nü\n", "b c\r\nü\r\n", "\ufeffb c\n\nü", "ü\nb c\nb c\n\n"],
    ids=["plain", "windows", "byte order mark and blank line", "repeated, without a last line end"],
)
def test_protected_documents_are_read_one_a_line(tmp_path, content):
    assert protected_by(tmp_path, content.encode()).tolist() == [False, True, False, True]


def test_without_a_file_nothing_is_protected():
    assert read_protected(None, corpus([1, 1])).tolist() == [False, False]


def test_an_id_that_the_corpus_lacks_is_named_with_its_line(tmp_path):
    with pytest.raises(MismatchError, match="the id 'nobody'") as caught:
        protected_by(tmp_path, b"a\n\nnobody\n")
    assert caught.value.where.endswith("protected.txt:3")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        protected_by(tmp_path, b"\xff\xfe\xfa")
    for path in (tmp_path / "missing.txt", tmp_path):
        with pytest.raises(InputError, match="cannot be read") as caught:
            read_protected(path, corpus([1]))
        assert str(path) in str(caught.value)
