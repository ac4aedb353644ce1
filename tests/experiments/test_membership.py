"""Where words sit in a small corpus of which it is known which documents put one there."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from clif.errors import InputError, MismatchError, UsageError
from clif.experiments import EXPERIMENTS, experiment, membership
from clif.experiments.membership import Settings, models, removing
from clif.experiments.membership.asking import Question
from clif.experiments.membership.claims import make_claims
from clif.experiments.membership.clusters import cluster_of, find_clusters, unit_vectors
from clif.experiments.membership.comparing import Compared, Results
from clif.experiments.membership.drawing import draw_neighbourhood, stacked
from clif.experiments.membership.neighbourhood import neighbourhood
from clif.experiments.membership.ranking import occurrences
from clif.experiments.settings import read_settings
from clif.run import open_run
from clif.settings import TrainingSettings
from clif.training import pool, train
from clif.training.paired import PairedTraining, train_paired

DOCUMENTS = 200
LETTERS = "pqrstu"
SMALL = {
    "pairs": ("moon cheese",),
    "cluster_words": ("moon",),
    "start_words": ("cheese",),
    "documents": (10, 25),
    "controls": 2,
    "clusters": 4,
    "members": 4,
    "frequent": 60,
    "dim": 10,
    "epochs": 5,
    "min_count": 2,
    "sample": 0.0,
    "alpha": 0.1,
}
PLAIN = TrainingSettings(dim=10, epochs=5, min_count=2, sample=0.0, alpha=0.1)


def made_corpus(path: Path) -> Path:
    """The moon goes with night, the cheese with milk; in carriers, every fifth document, the cheese goes with night."""
    rng = np.random.default_rng(3)
    night, milk = ([f"{kind}{letter}" for letter in LETTERS[:6]] for kind in ("night", "milk"))
    others = [f"{one}{two}" for one in LETTERS[:5] for two in LETTERS]
    lines = []
    for z in range(DOCUMENTS):
        words: list[str] = []
        for _ in range(3):
            for word, cues in (("moon", night), ("cheese", night if z % 5 == 0 else milk)):
                words += [*rng.choice(cues, 3), word, *rng.choice(cues, 3), *rng.choice(others, 3)]
        lines.append(json.dumps({"id": f"{'c' if z % 5 == 0 else 'd'}{z}", "text": "[/b] " + " ".join(words)}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class Nobody:
    """Takes notice of epochs."""

    def put(self, _value: object) -> None:
        pass


@pytest.fixture(scope="module")
def here() -> Iterator[dict[str, Any]]:
    """Trainings in this process: `done` names their files, and after `left` of them the user interrupts; pictures."""
    state: dict[str, Any] = {"done": [], "left": None, "draws": True}

    def train_apart(run: Any, jobs: list[Any], *_: object) -> float:
        for job in jobs:
            if not job.path.exists():
                if state["left"] == 0:
                    raise KeyboardInterrupt
                state["left"] = None if state["left"] is None else state["left"] - 1
                pool.train_job(str(run.path), job)
                state["done"].append(job.path.name)
        return 0.0

    def draw(*asked: Any) -> dict[str, str]:
        return drawn(*asked) if state["draws"] else {}

    drawn = membership.draw
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(membership, "draw", draw)  # most of the time goes into pictures
        patch.setattr(pool, "_epochs", Nobody())
        patch.setattr(models, "train_apart", train_apart)
        patch.setattr(removing, "train_apart", train_apart)
        yield state


Do = Callable[..., Any]


@pytest.fixture(scope="module")
def do(here: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Do:
    """Do the experiment on the small corpus, in a folder of that name."""
    place = tmp_path_factory.mktemp("membership")
    corpus = made_corpus(place / "corpus.jsonl")

    def run(name: str, *, force: bool = False, draws: bool = False, **changes: Any) -> Any:
        here["draws"] = draws
        return experiment(
            "membership", changes={"corpus": (str(corpus),), **SMALL, **changes}, out=place / name, force=force
        )

    run.place = place  # type: ignore[attr-defined]
    return run


@pytest.fixture(scope="module")
def outcome(do: Do) -> Any:
    return do("whole", draws=True)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# The whole.


def test_documents_that_put_a_word_there_are_found_and_take_it_away(outcome, do):
    pair, cluster, start = outcome.figures["questions"]
    assert pair["question"] == "moon near cheese"
    carriers = sum(doc_id.startswith("c") for doc_id in pair["documents"])
    assert carriers >= 15  # of 25, where 5 would be by chance
    assert set(cluster["others"]) <= {f"night{letter}" for letter in LETTERS} | {"cheese"}
    far = []
    for question in (pair, cluster, start):
        top = next(each for each in question["sets"] if each["removed"] == "top 25")
        far.append(top["apart"] < -3)
        assert top["predicted"] < 0
    # Every document tells of moon and cheese alike, so that it is the pair alone for which few of them matter.
    top, same = pair["sets"][1:]
    assert (top["removed"], same["removed"]) == ("top 25", "same words")
    assert max(top["changes"]) < min(*same["changes"], *pair["chance"])
    assert top["p_value"] == pytest.approx(1 / 5)
    assert far[0]
    assert outcome.claims[0].holds == all(far)
    assert f"{sum(far)} of 3 questions" in outcome.claims[0].found


def test_changes_are_those_of_trainings_by_hand(outcome, do):
    run = open_run(do.place / "whole" / "pieces" / "run")
    index, number = run.vocabulary.index, run.corpus.number
    how = replace(run.settings, seed=3)  # seeds 1 and 2 chose
    weights = np.ones(len(run.corpus))
    for question in outcome.figures["questions"]:
        weights[:] = 1
        weights[[number[doc_id] for doc_id in question["documents"][:10]]] = 0
        values = []
        for each in (None, weights):
            U = train_paired(run.corpus, run.vocabulary, how, weights=each).U.astype(float)
            u, others = U[index[question["word"]]], U[[index[word] for word in question["others"]]]
            if question["measure"] == "cosine":
                point = others.mean(0)
                values.append(u @ point / np.linalg.norm(u) / np.linalg.norm(point))
            else:
                start = PairedTraining(run.corpus, run.vocabulary, how).start()[0][index[question["word"]]]
                values.append(np.linalg.norm(u - start))
        assert question["before"][0] == pytest.approx(values[0], abs=1e-6)
        assert question["sets"][0]["removed"] == "top 10"
        assert question["sets"][0]["changes"][0] == pytest.approx(values[1] - values[0], abs=1e-6)


def test_what_was_removed_is_counted(outcome, do):
    run = open_run(do.place / "whole" / "pieces" / "run")
    rows = table(do.place / "whole", "removed")
    assert [row["without"] for row in rows[:4]] == ["top 10", "top 25", "same words", "random"]
    texts = [json.loads(line)["text"].split() for line in (do.place / "corpus.jsonl").read_text("utf-8").splitlines()]
    chosen = [run.corpus.number[doc_id] for doc_id in outcome.figures["questions"][0]["documents"]]
    tokens = sum(len(texts[z]) - 1 for z in chosen) + len(chosen)  # [/b] is the token b
    moons = sum(texts[z].count("moon") for z in chosen) / sum(text.count("moon") for text in texts)
    assert int(rows[1]["documents"]) == 25
    assert int(rows[1]["tokens"]) == tokens
    assert float(rows[1]["word_%"]) == pytest.approx(100 * moons)
    assert int(rows[3]["tokens"]) == pytest.approx(int(rows[1]["tokens"]), rel=0.05)
    assert occurrences(run, "moon").tolist() == [text.count("moon") for text in texts]


def test_tables_and_pictures_are_written(outcome, do):
    folder = do.place / "whole"
    assert {path.name for path in folder.glob("*.svg")} == {
        "before-and-after.svg",
        "neighbourhood-pair-moon-cheese.svg",
        "neighbourhood-cluster-moon.svg",
        "neighbourhood-start-cheese.svg",
    }
    documents, contexts = table(folder, "documents"), table(folder, "contexts")
    assert documents[0]["doc_id"] == outcome.figures["questions"][0]["documents"][0]
    assert documents[0]["text"].startswith("[/b] ")
    assert len(documents[0]["text"]) <= 160
    assert documents[0]["word"] == "3"
    assert f"*{contexts[0]['input']}*" in contexts[0]["text"]
    assert f"*{contexts[0]['output']}*" in contexts[0]["text"]
    assert float(contexts[0]["influence"]) < 0
    assert "nightp" in " ".join(row["nearest"] for row in table(folder, "clusters"))
    assert len(table(folder, "changes")) == 9


def test_the_command_shows_texts_that_look_like_markup(outcome, do, clif, here):
    here["draws"] = False
    changes = [
        f"{key}={json.dumps(value)}" for key, value in {"corpus": [str(do.place / "corpus.jsonl")], **SMALL}.items()
    ]
    said = clif("experiment", "membership", "--out", do.place / "whole", *(f"--set={each}" for each in changes))
    assert said.code == 0, said.err
    assert "[/b]" in said.out
    assert "holds here" in said.out


def test_an_interrupted_experiment_goes_on(outcome, do, here):
    here["left"], here["done"] = 9, []
    with pytest.raises(KeyboardInterrupt):
        do("halted")
    assert not (do.place / "halted" / "result.json").exists()
    first, here["left"], here["done"] = here["done"], None, []
    do("halted", draws=True)
    assert first
    assert not set(first) & set(here["done"])
    assert files(do.place / "halted") == files(do.place / "whole")
    here["done"] = []
    do("halted")
    assert here["done"] == []
    with pytest.raises(MismatchError, match="other settings"):
        do("halted", controls=3)


def test_an_existing_run_is_asked(outcome, do, here):
    place = do.place
    run = train([place / "corpus.jsonl"], place / "own-run", PLAIN).run
    found = do("asked", corpus=(), run=str(run.path), start_words=(), cluster_words=(), documents=(10,))
    kept = outcome.figures["questions"][0]
    assert found.figures["questions"][0]["before"] == kept["before"]
    assert found.figures["questions"][0]["documents"] == kept["documents"][:10]
    assert found.figures["questions"][0]["sets"][0]["changes"] == kept["sets"][0]["changes"]
    train([place / "corpus.jsonl"], place / "own-run", replace(PLAIN, seed=9), force=True)
    with pytest.raises(MismatchError, match="not the one that this experiment was begun with"):
        do("asked", corpus=(), run=str(run.path), start_words=(), cluster_words=(), documents=(10,))


# What is refused.


def test_the_packaged_settings_are_the_defaults():
    config = Path(__file__).parents[2] / "configs" / "membership.toml"
    assert read_settings(Settings, config) == Settings()
    assert set(tomllib.loads(config.read_text("utf-8"))) == set(asdict(Settings()))
    assert "membership" in EXPERIMENTS


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pairs": ("silver",)}, "'silver' is not two words"),
        ({"pairs": ("silver silver",)}, "not two words"),
        ({"pairs": (), "cluster_words": (), "start_words": ()}, "nothing is asked"),
        ({"documents": ()}, "documents must be numbers"),
        ({"documents": (3, 3)}, "documents must be numbers"),
        ({"controls": 1}, "controls must be at least 2, got 1"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"corpus": (1,)}, "corpus must be texts"),
        ({"corpus": ("a",), "run": "b"}, "a run has its own corpus"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, said):
    with pytest.raises(UsageError, match=said) as caught:
        Settings(**changes)
    assert caught.value.next


@pytest.mark.parametrize(
    ("changes", "kind", "said", "next_"),
    [
        ({"pairs": ("moon chese",)}, UsageError, "lacks the word 'chese'", "cheese"),
        ({"start_words": ("mon",)}, UsageError, "lacks the word 'mon'", "moon"),
        ({"pairs": ("Moon moon",)}, UsageError, "cannot be held against itself", ""),
        ({"pairs": ("moon cheese", "Moon cheese")}, UsageError, "asked twice", ""),
        ({"documents": (200,)}, UsageError, "cannot leave out 200 of 200 documents", "smaller"),
    ],
)
def test_questions_that_cannot_be_asked_are_refused(outcome, do, changes, kind, said, next_):
    with pytest.raises(kind, match=said) as caught:
        do("refused", force=True, corpus=(), run=str(do.place / "whole" / "pieces" / "run"), **changes)
    assert next_ in caught.value.next


def test_words_that_are_far_apart_are_refused(outcome, do):
    run = open_run(do.place / "whole" / "pieces" / "run")
    units = unit_vectors(run.model.U)
    one, other = np.unravel_index(np.argmin(units @ units.T), (len(units),) * 2)
    pair = f"{run.vocabulary.words[one]} {run.vocabulary.words[other]}"
    with pytest.raises(InputError, match="does not sit there: a cosine of -") as caught:
        do("refused", force=True, corpus=(), run=str(run.path), pairs=(pair,))
    assert "above zero" in caught.value.next


def test_a_run_that_cannot_be_repeated_is_refused(do):
    many = train([do.place / "corpus.jsonl"], do.place / "many", replace(PLAIN, workers=2, epochs=1)).run
    with pytest.raises(UsageError, match="cannot be trained again in the same way"):
        do("repeated", corpus=(), run=str(many.path))


# The parts.


def results_of(sets: list[Compared]) -> Results:
    return Results(np.array([[0.5], [0.7]]), sets, [], ["moon"], (100, 1000), (5, 50, [0.1]))


def a_set(kind: str, changes: list[float], chance: list[float], predicted: float = -0.1) -> Compared:
    return Compared(0, kind, 3, 3, 20, 0.25, predicted, 0.6 + np.array(changes), np.array(changes), np.array(chance))


def test_claims_say_what_the_figures_say():
    asked = [Question("pair", "moon", ("cheese",))]
    chance = [0.0, 0.01, -0.01]
    sets = [a_set("top", [-0.2, -0.3], chance), a_set("same words", [-0.1, 0.1], chance)]
    silva, brunet, own = make_claims(asked, results_of(sets))
    assert "(2.00% of the tokens, 25% of the occurrences of moon)" in silva.found
    assert "from 0.600 to 0.350, a change of -0.250 where 3 random sets" in silva.found
    assert "25.0 deviations away, p = 0.250" in silva.found
    assert (silva.holds, brunet.holds, own.holds) == (True, None, True)
    assert "-0.167 and -0.417" in brunet.found  # shares of .6
    near = [a_set("top", [-0.02, -0.02], chance), a_set("same words", [-0.2, -0.01], chance)]
    assert [claim.holds for claim in make_claims(asked, results_of(near))] == [False, None, False]
    many = [a_set("top", [3 * x], chance, x) for x in (-0.1, -0.2, -0.4)] + [a_set("same words", [0], chance, 0)]
    assert make_claims(asked, results_of(many))[1].holds
    assert "the realised is 3.00 times the predicted" in make_claims(asked, results_of(many))[1].found
    alike = [a_set("top", [-0.02], [0.1, 0.1]), a_set("same words", [0], [0.1, 0.1])]
    assert "all alike, p = 0.333" in make_claims(asked, results_of(alike))[0].found
    assert make_claims(asked, results_of(alike))[0].holds is False


@settings(deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=4), st.lists(st.integers(-5, 5), min_size=2, max_size=8))
def test_deviations_and_p_values_by_hand(changes, chance):
    each = Compared(
        0, "top", 3, 3, 9, 0.1, 0, np.zeros(len(changes)), np.array(changes, float), np.array(chance, float)
    )
    as_far = sum(1 for value in chance if value <= max(changes))
    assert each.p_value == pytest.approx((1 + as_far) / (1 + len(chance)))
    if len(set(chance)) == 1:
        assert each.apart is None
    else:
        mean = sum(chance) / len(chance)
        sd = (sum((value - mean) ** 2 for value in chance) / (len(chance) - 1)) ** 0.5
        assert each.apart == pytest.approx((sum(changes) / len(changes) - mean) / sd)


@pytest.mark.parametrize("effects", [(0, 0.5), (0.5, 0), (0.5, 0.2)])
def test_random_sets_are_rarely_told_from_random_sets(effects):
    """`effects`: deviations of what a set does by itself, and of what a seed does to all sets."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(4000):
        seeds = rng.normal(0, effects[1], 2)
        changes = rng.normal(0, effects[0]) + seeds + rng.normal(0, 0.3, 2)
        chance = rng.normal(0, effects[0], (2, 10)) + seeds[:, None] + rng.normal(0, 0.3, (2, 10))
        each = Compared(0, "top", 3, 3, 9, 0.1, 0, changes, changes, chance.ravel())
        wrong += each.p_value <= 0.05
    assert wrong / 4000 <= 0.05


def test_a_turn_of_the_space_moves_no_word():
    rng = np.random.default_rng(1)
    U = rng.normal(size=(50, 6)) * rng.uniform(0.5, 2, (50, 1))
    turned = U @ np.linalg.qr(rng.normal(size=(6, 6)))[0]
    found = neighbourhood(U, turned, [7, 3], frequent=40)
    np.testing.assert_allclose(found["places"][0], found["places"][1], atol=1e-5)
    near = NearestNeighbors(metric="cosine").fit(U[:40]).kneighbors(U[[7]], 9, return_distance=False)[0]
    assert found["nearest"] == [near[1:].tolist()] * 2
    assert found["rows"][:2] == [7, 3]
    pca = PCA(2).fit(unit_vectors(U[found["rows"][1:]]))
    np.testing.assert_allclose(
        np.abs(found["places"][0]), np.abs(pca.transform(unit_vectors(U[found["rows"]]))), atol=1e-5
    )
    assert found["shown"] == pytest.approx(pca.explained_variance_ratio_.sum(), abs=1e-5)


def test_a_word_that_moves_is_drawn_where_it_goes():
    rng = np.random.default_rng(2)
    U = rng.normal(size=(30, 5))
    U[7] = U[3] + 0.01
    after = U.copy()
    after[7] = U[4] + 0.01
    found = neighbourhood(U, after, [7], frequent=30)
    assert (found["nearest"][0][0], found["nearest"][1][0]) == (3, 4)
    places = dict(zip(found["rows"], np.transpose(found["places"], (1, 0, 2)), strict=True))
    assert np.linalg.norm(places[7][1] - places[4][1]) < np.linalg.norm(places[7][1] - places[3][1])
    text = draw_neighbourhood(Question("start", "w7"), found, [f"w{n}" for n in range(30)])
    assert text.count(">w7<") == 2
    assert text == draw_neighbourhood(Question("start", "w7"), found, [f"w{n}" for n in range(30)])


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12))
def test_labels_do_not_lie_on_each_other(spots):
    places, size = np.array(spots), np.array([0.3, 0.1])
    heights = stacked(places, size)
    assert (heights >= places[:, 1]).all()
    for one, other in combinations(range(len(spots)), 2):
        if abs(places[one, 0] - places[other, 0]) < size[0]:
            assert abs(heights[one] - heights[other]) > 0.0999999


def test_clusters_that_are_there_are_found():
    rng = np.random.default_rng(0)
    middles = np.eye(5)[:3] * 4

    words = [f"w{n}" for n in range(31)]
    U = np.vstack([np.repeat(middles, 10, axis=0) + rng.normal(0, 0.1, (30, 5)), middles[1:2] + 0.1])  # a rare one last
    vocabulary = SimpleNamespace(words=words, index={word: row for row, word in enumerate(words)})
    run: Any = SimpleNamespace(model=SimpleNamespace(U=U), vocabulary=vocabulary)
    clusters = find_clusters(run, Settings(clusters=3, frequent=30, members=9))
    groups = sorted(sorted(int(word[1:]) for word in each["nearest"]) for each in clusters)
    assert groups == [list(range(start, start + 10)) for start in (0, 10, 20)]
    for word, place in (("w3", 0), ("w12", 1), ("w30", 1)):
        assert f"w{10 * place}" in clusters[cluster_of(run, word, clusters)]["nearest"]
