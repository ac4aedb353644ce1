"""What is read from a run, held against what is stored there and against the verbs that made it."""

from __future__ import annotations

import json
import shlex
import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

from clif.errors import InputError, MismatchError
from clif.explaining import explain, explain_many
from clif.manifest import file_sha256
from clif.objectives import WEAT, audit, cover
from clif.ranking import newest_ranking, stored_rankings
from clif.reporting import gather
from clif.reporting.card import data_card
from clif.reporting.commands import test_files as files_of
from clif.reporting.commands import write_commands
from clif.reporting.results import read_retrainings, read_verifications
from clif.retraining.words import read_words
from clif.run import read_matrices
from clif.storage.seals import CHECKSUMS
from clif.training.models import further_model


@pytest.fixture(scope="module")
def findings(reported):
    return gather(reported.run)


def plain_removal(findings):
    (found,) = [one for one in findings.retrainings if one.values["removed"] == 20]
    return found


def test_intervals_are_those_of_the_models_that_the_run_keeps(findings, reported):
    run, (one,) = reported.run, findings.audited.tests
    assert findings.audited.seeds == (1, 2)
    assert one.result == audit(run.model, [findings.ranking.test]).results[0]
    weat = WEAT(cover(findings.ranking.test, run.model.index))
    models = [run.model.U, read_matrices(further_model(run, 2).path)[0]]
    values = [weat.effect_size(weat.associations(U[weat.rows].astype(float))) for U in models]
    np.testing.assert_allclose(one.over_seeds.runs, values)
    half = t.ppf(0.975, 1) * np.std(values, ddof=1) / np.sqrt(2)
    np.testing.assert_allclose(one.over_seeds.ci95, [np.mean(values) - half, np.mean(values) + half])


def test_fields_that_tell_groups_apart_are_summed(findings):
    fields = {groups.field: groups for groups in findings.groups}
    assert set(fields) == {"carrier", "year", "source"}  # not `file`, which has one value
    for groups in fields.values():
        assert groups.columns["influence"].sum() == pytest.approx(findings.ranking.influence.sum())


def test_the_headline_is_a_removal_for_the_test_of_the_ranking(findings):
    assert findings.headline is plain_removal(findings)
    assert len(findings.retrainings) == 3
    assert len(findings.rankings) == 3


def test_removed_documents_are_read_back_from_their_file(findings, reported):
    one = plain_removal(findings)
    assert set(one.removed_ids(reported.run)) == set(newest_ranking(reported.run).doc_ids[:20])


def test_the_data_card_counts_what_was_removed(findings, reported):
    card = data_card(findings, plain_removal(findings))
    removed = newest_ranking(reported.run).doc_ids[:20]
    corpus = reported.run.corpus
    tokens = int(corpus.lengths[[corpus.number[doc_id] for doc_id in removed]].sum())
    assert (card["documents"], card["removed_tokens"]) == (180, tokens)
    assert card["tokens"] == corpus.lengths.sum() - tokens
    assert card["files"] == {"kept": ["kept/corpus.jsonl"], "removed": ["removed/corpus.jsonl"]}
    carriers = next(source for source in card["sources"] if source["field"] == "carrier")
    records = [json.loads(line) for line in reported.run.sources[0].read_text("utf-8").splitlines()]
    true = sum(record["carrier"] for record in records if record["id"] in set(removed))
    assert {row["value"]: row["removed"] for row in carriers["rows"]}["true"] == true
    halved = next(one for one in findings.retrainings if one.values["halves"])
    assert data_card(findings, halved) is None


def test_removed_documents_with_ids_that_mean_others_are_not_named(findings, reported, tmp_path):
    run = reported.copy(tmp_path / "clif-run")
    (one,) = [one for one in read_retrainings(run) if one.values["removed"] == 20]
    path = one.folder / "removed" / "corpus.jsonl"
    lines = path.read_text("utf-8").splitlines()
    strange = newest_ranking(run).doc_ids[100]
    path.write_text("\n".join([json.dumps(json.loads(lines[0]) | {"id": strange}), *lines[1:]]) + "\n", "utf-8")
    one.values[CHECKSUMS]["removed/corpus.jsonl"] = file_sha256(path)
    assert one.removed_ids(run) == []
    shutil.rmtree(path.parent)
    assert one.removed_ids(run) == []


def test_sets_are_means_over_their_seeds(reported):
    (one,) = read_verifications(reported.run)
    stored = {each["set"]: each for each in one.values["sets"]}
    (sets,) = one.sets.values()
    assert len(sets) == len(stored)
    for mine, theirs in zip(sets, stored.values(), strict=True):
        assert mine["predicted"] == pytest.approx(theirs["predicted"])
        assert mine["realised"] == pytest.approx(theirs["realised"])
        assert mine["kind"] == theirs["kind"]


def test_a_verification_without_its_result_still_has_its_sets(reported, tmp_path):
    run = reported.copy(tmp_path / "clif-run")
    (one,) = read_verifications(run)
    (one.folder / "result.json").unlink()
    (again,) = read_verifications(run)
    assert again.values is None
    assert again.sets == one.sets
    assert list(again.figures()) == []
    (one.folder / "sets.csv").write_text("test,method\nx,y\n", "utf-8")
    with pytest.raises(InputError, match="cannot be read as a table of sets"):
        read_verifications(run)


def test_a_further_model_of_another_run_is_refused(reported, tmp_path, made):
    run = reported.copy(tmp_path / "clif-run")
    shutil.copy(made.run / "model.safetensors", run.models / "seed-2.safetensors")
    with pytest.raises(MismatchError):
        gather(run)


def test_commands_are_those_of_the_program(findings, clif, monkeypatch, tmp_path, reported):
    """Each parses; rankings and retrainings that were made are found again by them."""
    reported.copy(tmp_path / "clif-run")
    shutil.copy(reported.run.sources[0], tmp_path)
    monkeypatch.chdir(tmp_path)
    for name, text in files_of(findings).items():
        Path(name).write_text(text, "utf-8")
    commands = write_commands(findings)
    verbs = [shlex.split(line)[1] for line in commands]
    assert verbs == ["train", "audit", *["rank"] * 3, *["retrain"] * 3, "verify", "report"]
    for line in commands:
        _, verb, *arguments = shlex.split(line, comments=True)
        command = import_module(f"clif.cli.{verb}_command").command
        command.make_context(verb, list(arguments), help_option_names=["-h", "--help"])  # as the group has it
        if verb == "rank":
            assert clif(verb, "--json", *arguments).json()["reused"], line
    last = commands[4]
    assert "--method block" in last
    assert "--ensemble" not in last
    for line in commands[5:8]:
        assert clif(*shlex.split(line, comments=True)[1:], "--json").json()["reused"], line
    assert clif(*shlex.split(commands[0])[1:]).code == 0  # the same corpus and settings: nothing to train


def test_words_are_kept_as_they_were_before_and_after(reported):
    run = reported.run
    (one,) = [one for one in read_retrainings(run) if one.values["removed"] == 20]
    moved = one.words()
    np.testing.assert_array_equal(moved.before, run.model.U[[run.model.index[word] for word in moved.words]])
    weat = WEAT(cover(newest_ranking(run).test, run.model.index))
    place = {word: row for row, word in enumerate(moved.words)}
    rows = [place[word] for word in weat.words]
    after = weat.value(moved.after[rows].astype(float), "mean_difference")
    assert after == pytest.approx(one.values["after"]["runs"][0], rel=1e-6)
    assert [moved.sets[row] for row in rows[: weat.n_X]] == ["X"] * weat.n_X


def test_words_of_an_earlier_version_are_not_there_and_damaged_ones_are_refused(tmp_path):
    assert read_words(tmp_path) is None
    (tmp_path / "words.safetensors").write_bytes(b"no")
    with pytest.raises(InputError, match="cannot be read as vectors"):
        read_words(tmp_path)


def test_solves_keep_their_residuals(findings):
    (solve,) = [one for one in findings.solves if one["question"]["method"] == "clif"]
    report = solve["report"]
    assert len(report["residuals"]) == report["iterations"]
    assert report["residuals"][-1] == pytest.approx(report["residual"], rel=0.2)  # recomputed in the end
    assert report["residuals"][0] > report["residuals"][-1]


def test_documents_explained_together_are_explained_as_each_by_itself(reported):
    run = reported.run
    ids = newest_ranking(run).doc_ids
    some = [ids[0], ids[-1], ids[100]]
    for one in explain_many(run, some):
        alone = explain(run, one.about["doc_id"])
        assert one.to_dict() == alone.to_dict()
        np.testing.assert_array_equal(one.influence, alone.influence)


def test_the_newest_ranking_of_a_test(reported):
    run = reported.run
    newest = newest_ranking(run)
    assert newest_ranking(run, newest.test).path == newest.path
    other = newest.test.from_dict({**newest.test.to_dict(), "name": "other"})
    assert newest_ranking(run, other) is None
    assert [path.name for path, _ in stored_rankings(run)] == sorted(path.name for path, _ in stored_rankings(run))
