"""Lists that are means over models: numbers against lists of single models, which models are trained, what is sure."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import DOCUMENTS, SETTINGS, Made
from scipy import stats

from clif.errors import InputError, MismatchError, UsageError
from clif.influence.groups import predict_value, removal
from clif.objectives import BiasTest
from clif.ranking import DOCUMENT_COLUMNS, ENSEMBLE_COLUMNS, Ranking, make_problem, newest_ranking, rank, read_table
from clif.ranking.lists import warnings_of
from clif.ranking.spread import is_sure, spread
from clif.retraining import retrain
from clif.run import Run, open_run
from clif.training import models, pool, train
from clif.training.gensim import train_gensim
from clif.training.models import train_further

SEEDS = [1, 2, 3]


@pytest.fixture
def planted(made: Made) -> BiasTest:
    return BiasTest.from_toml(made.test)


@pytest.fixture(scope="module")
def apart(made: Made, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Runs that were trained one by one with the seeds of the ensemble."""
    folder = tmp_path_factory.mktemp("apart")
    return [train([made.corpus], folder / f"run-{seed}", replace(SETTINGS, seed=seed)).run for seed in SEEDS]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, quick_retraining: list[Any]) -> list[int]:
    """Train further models in this process; returns their seeds as they are done."""
    seeds: list[int] = []

    def train_apart(run: Run, jobs: list[pool.Job], *_: object) -> float:
        spent = 0.0
        for job in jobs:
            if not job.path.exists():
                spent += pool.train_job(str(run.path), job)
                seeds.append(job.seed)
        return spent

    monkeypatch.setattr(models, "train_apart", train_apart)
    return seeds


def by_document(ranking: Ranking, run: Run, column: str = "influence") -> np.ndarray:
    """A column of a list in the order of the corpus."""
    values = np.empty(len(ranking))
    values[[run.corpus.number[doc_id] for doc_id in ranking.doc_ids]] = ranking.columns[column]
    return values


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Objects of a file of JSON Lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


# The numbers.


@pytest.mark.parametrize(
    ("method", "measure"),
    [("block", "mean_difference"), ("block", "effect_size"), ("clif", "mean_difference"), ("random", "effect_size")],
)
def test_the_list_is_the_mean_of_those_of_runs_with_these_seeds(opened, apart, planted, trained, method, measure):
    ranking = rank(opened, planted, method=method, measure=measure, ensemble=3)
    ones = [rank(run, planted, method=method, measure=measure) for run in apart]
    each = np.array([by_document(one, run) for one, run in zip(ones, apart, strict=True)])
    values = np.array([one.about["value"] for one in ones])
    mean = each.mean(0)
    assert trained == [2, 3]
    np.testing.assert_allclose(by_document(ranking, opened), mean, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(
        by_document(ranking, opened, "stderr"), each.std(0, ddof=1) / np.sqrt(3), rtol=1e-6, atol=1e-15
    )
    agree = (np.sign(each) == np.sign(mean)).mean(0)
    assert by_document(ranking, opened, "agreement").tolist() == agree.tolist()
    assert set(agree) <= {1 / 3, 2 / 3, 1.0}
    assert ranking.about["ensemble"] == {
        "seeds": SEEDS,
        "values": values.tolist(),
        "mean": pytest.approx(values.mean()),
        "sd": pytest.approx(values.std(ddof=1)),
    }
    assert ranking.about["value"] == ranking.about["ensemble"]["mean"]
    assert ranking.about["effect_size"] == pytest.approx(np.mean([one.about["effect_size"] for one in ones]))
    assert (np.diff(np.sign(values.mean()) * ranking.influence) >= 0).all()
    assert tuple(ranking.columns) == ENSEMBLE_COLUMNS
    assert ranking.path.name == f"planted.{method}.{measure}.document.ensemble-3.csv"


def test_the_zero_crossing_is_that_of_the_mean_prediction(opened, apart, planted, trained):
    ranking = rank(opened, planted, ensemble=3)
    problems = [make_problem(run, planted, "effect_size") for run in apart]
    order = np.array([opened.corpus.number[doc_id] for doc_id in ranking.doc_ids])

    def mean(k: int) -> float:
        return float(np.mean([predict_value(problem, removal(problem, order[:k])) for problem in problems]))

    k = ranking.about["zero_crossing"]
    assert k > 1
    assert mean(0) == pytest.approx(ranking.about["value"])
    assert abs(mean(k)) <= 0.05 * mean(0) or mean(k) * min(mean(k - 1), mean(k + 1)) < 0


def test_spread_in_small():
    stderr, agreement = spread(np.array([[1.0, 2.0, 0.0, -1.0], [3.0, -1.0, 0.0, -1.0], [2.0, 2.0, 0.0, 1.5]]))
    np.testing.assert_allclose(stderr, [1 / np.sqrt(3), 1, 0, stats.sem([-1, -1, 1.5])])
    np.testing.assert_allclose(agreement, [1, 2 / 3, 1, 2 / 3])


@pytest.mark.parametrize("count", [2, 3, 10])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_sure_is_a_t_test_against_zero(count, confidence):
    influence = np.random.default_rng(count).normal(1, 1, (count, 300))
    found = is_sure(influence.mean(0), spread(influence)[0], count, confidence)
    assert found.tolist() == (stats.ttest_1samp(influence, 0).pvalue < 1 - confidence).tolist()
    assert found.any()


def test_where_all_models_say_the_same_it_is_sure_unless_it_is_zero():
    assert is_sure(np.array([1e-9, -2.0, 0.0]), np.zeros(3), 3, 0.999).tolist() == [True, True, False]


def test_the_mean_finds_carriers_as_well_as_single_models_do(opened, apart, planted, trained, made):
    carriers = {row["id"] for row in rows_of(made.corpus) if row["carrier"]}

    def share(ranking: Ranking) -> float:
        return len(carriers & set(ranking.doc_ids[: len(carriers)])) / len(carriers)

    for measure, least in (("mean_difference", 0.95), ("effect_size", 0.7)):
        found = share(rank(opened, planted, measure=measure, ensemble=3))
        assert found >= np.mean([share(rank(run, planted, measure=measure)) for run in apart])
        assert found >= least


# The models.


def test_models_are_those_that_training_gives(opened, apart, trained):
    jobs, spent = train_further(opened, [2, 3])
    assert spent > 0
    for job, run in zip(jobs, apart[1:], strict=True):
        U, C = job.read(opened)
        assert (U.tobytes(), C.tobytes()) == (run.model.U.tobytes(), run.model.C.tobytes())
    assert train_further(opened, [2, 3])[1] == 0


def test_models_are_trained_once(opened, planted, trained):
    first = rank(opened, planted, ensemble=2)
    assert (trained, first.reused) == ([2], False)
    assert first.about["training_cpu_seconds"] > 0
    again = rank(open_run(opened.path), planted, ensemble=2)
    assert again.reused
    assert again.about == first.about
    assert again.columns["agreement"].tolist() == first.columns["agreement"].tolist()
    other = rank(opened, planted, measure="mean_difference", ensemble=3)
    assert trained == [2, 3]
    assert rank(opened, planted, method="gradient", ensemble=3).about["training_cpu_seconds"] == 0
    assert not rank(opened, planted, ensemble=3).reused
    assert len({first.path, other.path, rank(opened, planted).path}) == 3
    assert "agreement" not in rank(opened, planted).columns
    assert rank(opened, planted).about["ensemble"] is None
    assert trained == [2, 3]


def test_retraining_takes_the_same_models(opened, planted, trained, quick_retraining):
    rank(opened, planted, measure="mean_difference", ensemble=3)
    done = retrain(opened, remove=4, seeds=3, controls=0).to_dict()
    assert [job.seed for job in quick_retraining] == [1, 2, 3]  # of the edited corpus
    assert done["before"]["runs"] == newest_ranking(opened).about["ensemble"]["values"]
    shutil.rmtree(opened.models)
    retrain(opened, remove=5, seeds=2, controls=0)
    trained.clear()
    rank(opened, planted, measure="mean_difference", ensemble=2)
    assert trained == []


def test_the_list_does_not_depend_on_what_was_trained_when(opened, planted, trained, tmp_path):
    first = rank(opened, planted, measure="mean_difference", ensemble=3).path.read_bytes()
    shutil.copytree(opened.path, tmp_path / "copy", ignore=shutil.ignore_patterns("models", "rankings"))
    other = open_run(tmp_path / "copy")
    train_further(other, [3])
    rank(other, planted, ensemble=2)
    assert trained == [2, 3, 3, 2]
    assert rank(other, planted, measure="mean_difference", ensemble=3, threads=1).path.read_bytes() == first


def test_several_tests_at_once_give_the_lists_of_each(opened, planted, trained):
    from clif.ranking import rank_many

    turned = replace(planted, name="turned", X=planted.Y, Y=planted.X)
    options: dict[str, Any] = {"method": "clif", "measure": "mean_difference", "ensemble": 2, "cache": False}
    both = rank_many(opened, [planted, turned], **options)
    for ranking, test in zip(both, (planted, turned), strict=True):
        alone = rank(opened, test, **options)
        assert alone.doc_ids == ranking.doc_ids
        np.testing.assert_allclose(alone.influence, ranking.influence, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("use", ["rank", "retrain"])
def test_a_model_of_another_run_is_refused(workplace, made, clif, trained, use):
    shutil.copytree(made.other_run, "other")
    train_further(open_run("other"), [2])
    shutil.copytree("other/models", "clif-run/models")
    trained.clear()
    command = ["rank", "--ensemble", 3] if use == "rank" else ["retrain", "--remove-top-k", 3, "--seeds", 2]
    refused = clif(*command)
    assert refused.code == 5
    assert "clif-run/models/seed-2.safetensors: this model does not belong" in refused.err.replace("\n", "")
    assert "Remove it" in refused.err
    assert trained == []


@pytest.mark.parametrize("damage", [b"", b"{}", "cut"])
def test_a_damaged_model_is_named(opened, planted, trained, clif, damage):
    rank(opened, planted, ensemble=2)
    path = opened.models / "seed-2.safetensors"
    path.write_bytes(path.read_bytes()[:-8] if damage == "cut" else damage)
    failed = clif("rank", "--ensemble", 2, "--no-cache")
    assert failed.code == 1
    assert "seed-2.safetensors: cannot be read as a model" in failed.err.replace("\n", "")
    assert "Remove it" in failed.err


def test_other_settings_make_another_model(opened, made, trained, tmp_path):
    train_further(opened, [2])
    other = train([made.corpus], tmp_path / "other", replace(SETTINGS, window=4)).run
    shutil.copytree(opened.models, other.models)
    with pytest.raises(MismatchError):
        train_further(other, [2])


def test_an_imported_run_has_no_further_models(workplace, made, clif, trained):
    from gensim.models import Word2Vec

    sentences = [row["text"].lower().replace(".", "").split() for row in rows_of(made.corpus)]
    Word2Vec(sentences, sg=1, vector_size=8, epochs=1, min_count=2).save("m.model")
    Path("c.txt").write_text("".join(" ".join(words) + "\n" for words in sentences))
    assert clif("import", "m.model", "c.txt", "--pretokenised", "--allow-pickle", "--out", "imported").code == 0
    refused = clif("rank", "imported", "--test", "planted.toml", "--ensemble", 2)
    assert refused.code == 2
    assert "trained elsewhere" in refused.err
    assert "clif train" in refused.err
    assert clif("rank", "imported", "--test", "planted.toml").code == 0


def test_interrupted_it_goes_on_where_it_stopped(workplace, clif, trained, monkeypatch):
    train_job, begun = pool.train_job, []

    def interrupted(path: str, job: pool.Job) -> float:
        begun.append(job.seed)
        if job.seed == 3:
            raise KeyboardInterrupt
        return train_job(path, job)

    monkeypatch.setattr(pool, "train_job", interrupted)
    stopped = clif("rank", "--ensemble", 4)
    assert (stopped.code, stopped.out, begun) == (130, "", [2, 3])
    assert "run the same command again" in stopped.err
    monkeypatch.setattr(pool, "train_job", train_job)
    trained.clear()
    assert clif("rank", "--ensemble", 4, "--json").json()["ensemble"]["seeds"] == [1, 2, 3, 4]
    assert trained == [3, 4]


def test_killed_it_goes_on_where_it_stopped(workplace, clif, trained):
    """In processes of their own, which end with the one that is killed."""
    code = "from clif.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "rank", "--ensemble", "30", "--threads", "1"], stderr=subprocess.DEVNULL
    )
    kept = Path("clif-run/models")
    deadline = time.monotonic() + 120
    while not list(kept.glob("[!.]*.safetensors")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait(timeout=30)
    time.sleep(1)  # for the trainer to notice
    done = {path: path.stat().st_mtime_ns for path in kept.glob("[!.]*.safetensors")}
    assert 1 <= len(done) < 29
    count = len(done) + 2
    clif("rank", "--ensemble", count, "--json").json()
    assert trained == [count]
    assert {path: path.stat().st_mtime_ns for path in done} == done


def test_one_process_at_a_time_trains_models(opened, planted, trained):
    with pool.held(opened.models, opened, "training further models"):
        with pytest.raises(InputError, match="another process is training further models"):
            rank(opened, planted, ensemble=2)
        assert not rank(opened, planted, method="gradient").reused  # needs none
    rank(opened, planted, ensemble=2)
    with pool.held(opened.models, opened, "training further models"):
        rank(opened, planted, method="gradient", ensemble=2)


def test_processes_of_their_own_say_how_far_they_are(opened):
    seen: list[tuple[str, float, float | None, str]] = []
    _, spent = train_further(opened, [2, 3], lambda *said: seen.append(said), processes=1)
    assert spent > 0
    assert {stage for stage, *_ in seen} == {"train"}
    assert (seen[0][1:], seen[-1][3]) == ((0, 2, "0 of 2 models"), "2 of 2 models")
    assert [done for _, done, *_ in seen] == sorted(done for _, done, *_ in seen)
    seen.clear()
    assert train_further(opened, [2, 3], lambda *said: seen.append(said))[1] == 0
    assert seen == []


def test_solves_of_models_are_kept_apart(opened, planted, trained):
    rank(opened, planted, method="clif", measure="mean_difference")
    first = rank(opened, planted, method="clif", measure="mean_difference", ensemble=3)
    solves = sorted(opened.solves.iterdir())
    assert len(solves) == 3
    assert not first.about["solve_reused"]  # of all three
    again = rank(opened, planted, method="clif", measure="mean_difference", ensemble=3, confidence=0.9)
    assert again.about["solve_reused"]
    assert again.influence.tolist() == first.influence.tolist()
    of_three = (opened.models / "seed-3.safetensors").read_bytes()
    U, C, about = models_of(opened, 3)
    pool.write_matrices(opened.models / "seed-3.safetensors", U * 1.01, C, about)
    with pytest.raises(MismatchError, match="solve does not belong"):
        rank(opened, planted, method="clif", measure="mean_difference", ensemble=3, confidence=0.8)
    (opened.models / "seed-3.safetensors").write_bytes(of_three)
    rank(opened, planted, method="clif", measure="mean_difference", ensemble=3, confidence=0.8)


def models_of(run: Run, seed: int) -> tuple[Any, ...]:
    return pool.read_matrices(run.models / f"seed-{seed}.safetensors")


# Confidence.


def test_a_confidence_counts_the_sure_and_cuts_the_copy(workplace, opened, apart, planted, clif, trained):
    command = ("rank", "--measure", "mean_difference", "--ensemble", 3, "--confidence", 0.9)
    done = clif(*command, "--out", "cut.csv", "--json").json()
    each = np.array([by_document(rank(run, planted, measure="mean_difference"), run) for run in apart])
    mean, certain = each.mean(0), stats.ttest_1samp(each, 0).pvalue < 0.1
    sign = np.sign(done["value"])
    assert done["confidence"] == 0.9
    assert done["sure_reduce"] == (certain & (sign * mean < 0)).sum()
    assert done["sure_increase"] == (certain & (sign * mean > 0)).sum()
    assert 0 < done["sure_reduce"] + done["sure_increase"] < DOCUMENTS
    whole, cut = read_table(Path(done["ranking"])), read_table(Path("cut.csv"))
    assert len(whole) == DOCUMENTS
    wanted = {doc_id for doc_id, sure in zip(opened.corpus.doc_ids, certain, strict=True) if sure}
    assert list(cut["doc_id"]) == [doc_id for doc_id in whole["doc_id"] if doc_id in wanted]
    assert list(cut["rank"]) == list(range(1, len(cut) + 1))
    assert done["zero_crossing"] is None or done["zero_crossing"] <= done["sure_reduce"]
    shown = clif(*command)
    assert f"{done['sure_reduce']:,} documents whose removal reduces" in shown.out.replace("\n", "")
    assert "±stderr" in shown.out
    assert {"agree", "sure"} <= set(shown.out.split())
    without = clif("rank", "--measure", "mean_difference", "--ensemble", 3)
    assert "seeds 1 to 3" in without.out
    assert "sure" not in without.out


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_every_format_holds_the_columns(workplace, clif, trained, ending):
    path = Path(f"list{ending}")
    done = clif("rank", "--measure", "mean_difference", "--ensemble", 2, "--out", path, "--json").json()
    table, stored = read_table(path), read_table(Path(done["ranking"]))
    assert tuple(table) == ENSEMBLE_COLUMNS
    assert ENSEMBLE_COLUMNS[:5] == DOCUMENT_COLUMNS
    pd.testing.assert_frame_equal(table, stored, check_dtype=False)
    assert table["stderr"].notna().all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--ensemble", 1), "2 models at least"),
        (("--ensemble", 0), "2 models at least"),
        (("--ensemble", -3), "2 models at least"),
        (("--ensemble", 1.5), "not a valid integer"),
        (("--confidence", 0.95), "one model does not say"),
        (("--ensemble", 2, "--confidence", 1.5), "between 0 and 1"),
        (("--ensemble", 2, "--confidence", 0), "between 0 and 1"),
        (("--ensemble", 2, "--confidence", "nan"), "between 0 and 1"),
        (("--ensemble", 2, "--unit", "context"), "only documents"),
        (("--ensemble", 2, "--unit", "sentence"), "only documents"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_before_anything_is_trained(workplace, clif, trained, options, says):
    refused = clif("rank", *options)
    assert refused.code == 2
    assert says in refused.err.replace("\n", " ")
    assert trained == []


def test_models_that_disagree_on_the_sign_are_warned_of():
    about = {"measure": "mean_difference", "ensemble": {"seeds": [1, 2], "values": [0.02, -0.01]}}
    assert any("do not agree on the sign" in warning for warning in warnings_of(about))
    about["ensemble"]["values"][1] = 0.01
    assert not warnings_of(about)


# What comes after.


def test_groups_are_sums_of_the_mean(workplace, clif, trained):
    done = clif("rank", "--measure", "mean_difference", "--ensemble", 2, "--by", "carrier", "--json").json()
    listed = read_table(Path(done["ranking"]))
    assert sum(row["influence"] for row in done["groups"]["rows"]) == pytest.approx(listed["influence"].sum())


def test_zero_is_the_number_that_the_ranking_found(opened, apart, planted, trained):
    ranking = rank(opened, planted, measure="effect_size", ensemble=3)
    done = retrain(opened, remove="zero", seeds=1, controls=0).to_dict()
    assert done["removed"] == ranking.about["zero_crossing"] == done["zero_crossing"]
    assert done["ensemble"] == SEEDS
    assert done["value"] == ranking.about["value"]
    order = np.array([opened.corpus.number[doc_id] for doc_id in ranking.doc_ids])
    problems = [make_problem(run, planted, "effect_size") for run in apart]
    change = [predict_value(p, removal(p, order[: done["removed"]])) - p.value for p in problems]
    assert done["predicted"] == pytest.approx(np.mean(change))
    # Without an ensemble it is the run's own model again.
    rank(opened, planted)
    again = retrain(opened, remove=done["removed"], seeds=1, controls=0).to_dict()
    assert again["ensemble"] is None
    assert again["value"] == problems[0].value


def test_documents_are_chosen_from_those_that_are_sure(opened, planted, trained):
    ranking = rank(opened, planted, measure="mean_difference", ensemble=3, confidence=0.9)
    falls, rises = ranking.about["sure_reduce"], ranking.about["sure_increase"]
    certain = ranking.cut().doc_ids
    assert len(certain) == falls + rises
    for options, wanted in (
        ({"remove": 3}, certain[:3]),
        ({"remove": 3, "goal": "increase"}, certain[-3:]),
        ({"remove": falls}, certain[:falls]),
    ):
        done = retrain(opened, seeds=1, controls=0, **options).to_dict()
        removed = [row["id"] for row in rows_of(Path(done["edited_corpus"]["removed"][0]))]
        assert sorted(removed) == sorted(wanted)
        assert done["confidence"] == 0.9
    for options, most in (({"remove": falls + 1}, falls), ({"remove": rises + 1, "goal": "increase"}, rises)):
        with pytest.raises(UsageError, match=f"{most} documents are sure"):
            retrain(opened, seeds=1, controls=0, **options)
    rank(opened, planted, measure="mean_difference", ensemble=2, confidence=0.9999999)
    with pytest.raises(UsageError, match="documents are sure"):
        retrain(opened, remove="zero", seeds=1, controls=0)


def test_words_are_held_out_of_an_ensemble_too(opened, planted, trained):
    rank(opened, planted, measure="mean_difference", ensemble=2)
    done = retrain(opened, remove=4, holdout="targets", seeds=1, controls=0).to_dict()
    assert done["ensemble"] == [1, 2]
    assert newest_ranking(opened).about["ensemble"]["seeds"] == [1, 2]  # the whole test's


def test_further_models_are_trained_by_the_runs_own_trainer(made, planted, trained, tmp_path):
    run = train([made.corpus], tmp_path / "g", replace(SETTINGS, trainer="gensim")).run
    ranking = rank(run, planted, measure="mean_difference", ensemble=2)
    assert (ranking.about["ensemble"]["seeds"], trained) == ([1, 2], [2])
    expected = train_gensim(run.corpus, run.vocabulary, replace(run.settings, seed=2))
    (job,), _ = train_further(run, [2])
    U, C = job.read(run)
    assert U.tobytes() == expected.U.tobytes()
    assert C.tobytes() == expected.C.tobytes()


def test_a_configuration_may_ask_for_it(workplace, clif, trained):
    text = (
        'out = "all"\n[corpus]\ncorpus = ["corpus.jsonl"]\n'
        "[train]\ndim = 10\nepochs = 3\nmin_count = 2\nsample = 0\n"
        '[rank]\ntest = "planted.toml"\nensemble = 2\nconfidence = 0.5\n'
        "[retrain]\nremove_top_k = 2\nseeds = 1\ncontrols = 0\n"
    )
    Path("c.toml").write_text(text.replace("ensemble = 2", "ensemble = 1"))
    assert clif("run", "--config", "c.toml").code == 2
    assert not Path("all").exists()
    Path("c.toml").write_text(text)
    done = clif("run", "--config", "c.toml", "--json").json()
    assert done["rank"]["ensemble"]["seeds"] == done["retrain"]["ensemble"] == [1, 2]
    assert done["rank"]["confidence"] == done["retrain"]["confidence"] == 0.5
