"""The commands one after the other, and what they promise to scripts: JSON, files, exit codes."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from conftest import DOCUMENTS, OPTIONS, SETTINGS, Made

from clif.cli import COMMANDS
from clif.ranking import CONTEXT_COLUMNS, DOCUMENT_COLUMNS, WRITERS
from clif.storage.files import read_json

SETS = {"X", "Y", "A", "B"}
RUN_FILES = {
    "manifest.json", "model.safetensors", "tokens.npy", "sentences.npy", "documents.parquet", "metadata.parquet",
    "vocabulary.parquet",
}  # fmt: skip
SAMPLE = {"mean", "sd", "runs"}
# Keys that each command promises.
TRAIN = {"run", "reused", "trainer", "documents", "tokens", "vocabulary", "settings", "losses", "cpu_seconds"}
AUDIT = {
    "test", "effect_size", "statistic", "ddof", "p_value", "p_value_two_sided", "p_value_kind", "missing", "words",
}  # fmt: skip
RANK = {
    "test", "method", "measure", "damping", "residual", "documents", "zero_crossing", "seconds", "cpu_seconds",
    "ranking",
}  # fmt: skip
RETRAIN = {
    "transfer", "test", "removed", "amplified", "removed_tokens", "before", "after", "controls", "predicted",
    "realised", "p_value", "p_value_test", "trainer", "held_fixed", "transfer_ci95", "transfer_controls",
    "predicted_transfer", "held_out", "halves", "neighbours",
}  # fmt: skip


def ids_in(path: Path) -> list[str]:
    """Ids of the documents in a JSON Lines file."""
    return [json.loads(line)["id"] for line in path.read_text("utf-8").splitlines()]


def kept_and_removed(values: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Ids in the two files that a retraining writes."""
    kept, removed = (Path(values["folder"]) / part / "corpus.jsonl" for part in ("kept", "removed"))
    files = values["edited_corpus"]
    assert files["kept"] == [str(kept)]
    assert files["removed"] == ([str(removed)] if removed.exists() else [])
    return ids_in(kept), ids_in(removed) if removed.exists() else []


def all_ids(made: Made) -> list[str]:
    return ids_in(made.corpus)


def ranked_ids() -> list[str]:
    """Ids in the order of the ranking that is stored in the workplace."""
    stored = Path("clif-run/rankings/planted.block.mean_difference.document.csv")
    return list(pd.read_csv(stored, dtype={"doc_id": str})["doc_id"])


# The four commands.


def test_the_four_commands_one_after_the_other(made, tmp_path, monkeypatch, clif):
    monkeypatch.chdir(tmp_path)
    trained = clif("train", made.corpus, *OPTIONS, "--json").json()
    assert trained.keys() >= TRAIN
    assert (trained["run"], trained["reused"], trained["documents"]) == ("clif-run", False, DOCUMENTS)
    assert trained["trainer"] == "paired"
    assert len(trained["losses"]) == SETTINGS.epochs
    assert {path.name for path in Path("clif-run").iterdir()} == {*RUN_FILES, "checkpoints"}
    kept = sorted(path.name for path in Path("clif-run/checkpoints").iterdir())
    assert kept == [f"seed-1.epoch-{n}.safetensors" for n in range(1, SETTINGS.epochs)]

    audited = clif("audit", "--test", made.test, "--test", "weat6", "--json").json()
    (result,) = audited["results"]
    assert result.keys() >= AUDIT
    assert (result["test"], result["ddof"], result["p_value_kind"]) == ("planted", 0, "exact")
    assert result["missing"].keys() == result["words"].keys() == SETS
    assert all(len(words) == 8 for words in result["words"].values())
    assert 0 < result["p_value"] <= result["p_value_two_sided"] <= 1
    (skipped,) = audited["skipped"]
    assert skipped["test"] == "weat6"
    assert "John" in skipped["reason"]

    ranked = clif("rank", "--test", made.test, "--measure", "mean_difference", "--json").json()
    assert ranked.keys() >= RANK
    assert ranked["seconds"].keys() >= {"solve", "score"}
    assert (ranked["test"], ranked["method"], ranked["documents"]) == ("planted", "block", DOCUMENTS)
    assert ranked["residual"] < 1e-9
    assert ranked["damping"] == pytest.approx(1 / (SETTINGS.epochs * (0.025 + 0.0001) / 2))
    table = pd.read_csv(ranked["ranking"])
    assert tuple(table)[:5] == DOCUMENT_COLUMNS == ("rank", "doc_id", "influence", "stderr", "tokens")
    assert list(table["rank"]) == list(range(1, DOCUMENTS + 1))
    assert (ranked["value"] * table["influence"]).is_monotonic_increasing
    assert table["stderr"].isna().all()
    assert set(table["doc_id"]) == set(all_ids(made))

    command = ("retrain", "--remove-top-k", "10", "--seeds", "2", "--controls", "2", "--json")
    retrained = clif(*command).json()
    assert retrained.keys() >= RETRAIN
    assert (retrained["test"], retrained["measure"]) == ("planted", "mean_difference")
    assert (retrained["removed"], retrained["amplified"]) == (10, 0)
    top = table.head(10)
    assert retrained["removed_tokens"] == top["tokens"].sum()
    for name, runs in {"before": 2, "after": 2, "controls": 4}.items():
        assert retrained[name].keys() >= SAMPLE
        assert len(retrained[name]["runs"]) == runs
    assert retrained["before"]["runs"][0] == pytest.approx(ranked["value"])  # the run itself, of the same seed
    assert retrained["realised"] == pytest.approx(retrained["after"]["mean"] - retrained["before"]["mean"])
    assert retrained["predicted"] < 0
    assert 0 < retrained["p_value"] <= 1
    assert "two-sided" in retrained["p_value_test"]
    assert retrained["transfer"] == {"targets": None, "attributes": None, "both": None}
    kept, removed = kept_and_removed(retrained)
    assert sorted(removed) == sorted(top["doc_id"])
    assert kept == [doc_id for doc_id in all_ids(made) if doc_id not in set(removed)]
    stored = read_json(Path(retrained["folder"]) / "result.json", "")
    assert stored == {key: value for key, value in retrained.items() if key != "reused"}

    assert clif(*command).json() == {**retrained, "reused": True}


def test_json_and_quiet_leave_nothing_else(workplace, clif, quick_retraining):
    for command in (
        ("train", "corpus.jsonl", "--out", "r", *OPTIONS),
        ("train", "corpus.jsonl", "--out", "r", *OPTIONS),
        ("audit", "--test", "planted.toml"),
        ("rank", "--unit", "context"),
        ("rank", "--measure", "mean_difference"),
        ("retrain", "--remove-top-k", "2", "--seeds", "1", "--controls", "0"),
        ("export", "v.txt"),
    ):
        loud = clif(*command, "--json")
        json.loads(loud.out)
        quiet = clif(*command, "--quiet")
        assert (quiet.code, quiet.err) == (0, "")
        if command[0] != "export":
            assert quiet.out
        assert clif(*command, "--json", "--quiet").err == ""


def test_warnings_come_on_stderr_even_in_quiet(workplace, clif, quick_retraining):
    options = ("--measure", "effect_size", "--seeds", "1", "--controls", "0", "--json", "--quiet")
    done = clif("retrain", "--remove-top-k", DOCUMENTS - 1, *options)
    assert done.json()["warnings"]
    assert all(line.startswith("Warning: ") for line in done.err.splitlines())


# Help.


def test_the_name_alone_says_how_to_start(clif):
    done = clif()
    assert (done.code, done.err) == (0, "")
    commands = re.findall(r"^  clif (\w+)", done.out, re.M)
    assert commands == ["train", "audit", "rank", "retrain"]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_has_an_example_and_fits_the_screen(command, clif, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    done = clif(*command.split(), "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Example: clif {command}" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert done.out == clif(*command.split(), "-h").out


def test_version(clif):
    assert re.fullmatch(r"clif, version \d+\.\d+\.\d+\n", clif("--version").out)


# The terminal.


def test_no_colour_where_it_is_not_wanted(workplace, clif, monkeypatch):
    command = ("rank", "--measure", "mean_difference")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in clif(*command).out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in clif(*command).out  # bold is no colour
    monkeypatch.delenv("FORCE_COLOR")
    assert "\x1b" not in clif(*command).out


STRANGE = ["007", "NA", "1e5", "a,b", '"a"', "line\nend", "re\rturn", "日本語", "red\x1b[31m\x07", "[bold]x[/bold]"]


def with_ids(made: Made, ids: list[str]) -> Path:
    """The corpus with other ids for its first documents, trained on as run s."""
    records = [json.loads(line) for line in made.corpus.read_text("utf-8").splitlines()]
    for doc_id, record in zip(ids, records, strict=False):
        record["id"] = doc_id
    path = Path("strange.jsonl")
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


def test_no_document_and_no_test_steers_the_terminal(workplace, made, clif, quick_retraining):
    with_ids(made, [f"{n}\x1b[31m\x07\u202e\r[bold]" for n in range(DOCUMENTS)])
    toml = made.test.read_text("utf-8").replace("trades of group a", "\\u001b[31mtrades")
    Path("mine.toml").write_text(toml, "utf-8")
    Path("ids.txt").write_text("\x1b[31m\n", "utf-8")
    rank = ("rank", "s", "--test", "mine.toml", "--measure", "mean_difference")
    for command in (
        ("train", "strange.jsonl", "--out", "s", *OPTIONS),
        ("audit", "s", "--test", "mine.toml"),
        rank,
        (*rank, "--unit", "context"),
        ("retrain", "s", "--remove-top-k", "3", "--seeds", "1", "--controls", "0"),
        ("retrain", "s", "--remove-top-k", "3", "--protect", "ids.txt"),
        ("audit", "\x1b[31m.txt"),
        ("train", "\x1b[31m.txt"),
    ):
        done = clif(*command)
        assert not re.search(r"[^\n\x20-\x7e\u00a0-\u200f\u2010-\u2027\u2030-\uffff]", done.out + done.err)
    assert "\\x1b[31m\\x07\\u202e\\r[bold]" in clif(*rank).out


@pytest.mark.parametrize("ending", WRITERS)
def test_a_copy_of_a_ranking_serves_as_a_ranking(ending, workplace, made, clif, quick_retraining):
    corpus = with_ids(made, [doc_id for doc_id in STRANGE if ending != ".trec" or doc_id.split() == [doc_id]])
    clif("train", corpus, "--out", "s", *OPTIONS)
    copy = f"copies/ranking{ending}"
    rank = ("rank", "s", "--test", "planted.toml", "--measure", "mean_difference", "--out", copy, "--json")
    assert clif(*rank).json()["out"] == copy
    options = ("--remove-top-k", "20", "--seeds", "1", "--controls", "0", "--json")
    by_file = clif("retrain", "s", "--test", "planted.toml", "--ranking", copy, *options).json()
    assert by_file["method"] == copy
    stored = clif("retrain", "s", *options).json()
    assert stored["reused"]  # the same documents, so the same retraining
    assert stored["method"] == "block"
    assert stored["folder"] == by_file["folder"]


def test_trec_refuses_ids_with_white_space(workplace, made, clif):
    clif("train", with_ids(made, STRANGE), "--out", "s", *OPTIONS)
    done = clif("rank", "s", "--test", "planted.toml", "--measure", "mean_difference", "--out", "new/r.trec")
    assert done.code == 2
    assert "holds white space, which a TREC run cannot" in done.err
    assert not Path("new").exists()


def test_a_terminal_without_unicode_gets_escapes(workplace, made, clif):
    clif("train", with_ids(made, [f"日本語-{n}" for n in range(DOCUMENTS)]), "--out", "s", *OPTIONS)
    for command in ("audit", "rank", "rank --unit context", "rank --json"):
        name, *options = command.split()
        done = subprocess.run(
            [sys.executable, "-c", "from clif.cli import main; main()", name, "s", "--test", "planted.toml", *options],
            capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"},
        )  # fmt: skip
        assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
        text = done.stdout.decode("ascii")
        if command == "rank":
            assert r"\u65e5\u672c\u8a9e-" in text
        if "--json" in options:
            assert json.loads(text)["documents"] == DOCUMENTS


# Training.


def test_the_four_commands_by_gensim(made, workplace, clif, quick_retraining):
    trained = clif("train", "corpus.jsonl", *OPTIONS, "--trainer", "gensim", "--out", "g", "--json").json()
    assert (trained["trainer"], trained["settings"]["trainer"]) == ("gensim", "gensim")
    assert {path.name for path in Path("g").iterdir()} == RUN_FILES
    assert clif("audit", "g", "--test", "planted.toml").code == 0
    ranked = clif("rank", "g", "--test", "planted.toml", "--measure", "mean_difference", "--json").json()
    done = clif("retrain", "g", "--remove-top-k", "20", "--seeds", "2", "--controls", "1", "--json").json()
    assert done["trainer"] == "gensim"
    assert done["before"]["runs"][0] == pytest.approx(ranked["value"])
    assert done["after"]["mean"] < done["controls"]["mean"]
    # The settings of a run are those it was made with.
    again = clif("train", "corpus.jsonl", *OPTIONS, "--out", "g")
    assert again.code == 5
    assert "trainer 'gensim', now 'paired'" in again.err


def test_several_threads_are_said_not_to_reproduce(workplace, clif):
    for workers in (1, 2):
        done = clif("train", "corpus.jsonl", *OPTIONS, "--workers", workers, "--out", f"r{workers}")
        assert ("by paired in 2 threads, which does not reproduce" in done.out) == (workers == 2)
        training = json.loads(Path(f"r{workers}/manifest.json").read_text("utf-8"))["training"]
        assert training["reproducible"] == (workers == 1)
        assert Path(f"r{workers}/checkpoints").exists() == (workers == 1)


def test_training_twice_says_that_it_is_finished(workplace, clif):
    before = Path("clif-run/model.safetensors").stat().st_mtime_ns
    again = clif("train", "corpus.jsonl", *OPTIONS)
    assert (again.code, Path("clif-run/model.safetensors").stat().st_mtime_ns) == (0, before)
    assert "clif-run is finished already" in again.err
    assert clif("train", "corpus.jsonl", *OPTIONS, "--json").json()["reused"]


def test_force_replaces_a_run_and_what_was_made_from_it(workplace, made, clif):
    kept = Path("clif-run.old")  # where a careful user may keep one
    kept.mkdir()
    done = clif("train", "corpus.jsonl", *OPTIONS, "--window", "3", "--force", "--json").json()
    assert (done["reused"], done["settings"]["window"]) == (False, 3)
    assert not Path("clif-run/rankings").exists()
    assert {path.name for path in Path().iterdir()} == {"clif-run", "clif-run.old", "corpus.jsonl", "planted.toml"}


def test_a_killed_training_leaves_the_run_that_was_there(workplace, clif, monkeypatch):
    from clif import training

    def interrupted(*_args: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "_train_into", interrupted)
    before = Path("clif-run/manifest.json").read_bytes()
    done = clif("train", "corpus.jsonl", *OPTIONS, "--window", "3", "--force")
    assert (done.code, done.out) == (130, "")
    assert "Interrupted" in done.err
    assert Path("clif-run/manifest.json").read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == ["clif-run", "corpus.jsonl", "planted.toml"]


def test_standard_input_is_kept_for_everything_after(workplace, made, clif, quick_retraining):
    corpus = made.corpus.read_bytes()
    trained = clif("train", "-", "--out", "piped", *OPTIONS, "--json", stdin=corpus).json()
    assert trained["documents"] == DOCUMENTS
    assert clif("train", "-", "--out", "piped", *OPTIONS, "--json", stdin=corpus).json()["reused"]
    Path("piped").rename("moved")
    clif("rank", "moved", "--test", "planted.toml", "--measure", "mean_difference")
    done = clif("retrain", "moved", "--remove-top-k", "4", "--seeds", "1", "--controls", "0", "--json").json()
    kept, removed = (Path(done["folder"]) / part / "stdin" for part in ("kept", "removed"))
    assert sorted(ids_in(kept) + ids_in(removed)) == sorted(all_ids(made))
    assert sorted(ids_in(removed)) == sorted(ranked_ids()[:4])  # the same corpus and settings as clif-run


def test_a_corpus_in_several_parts_is_edited_in_its_own_formats(workplace, made, clif, quick_retraining):
    lines = made.corpus.read_text("utf-8").splitlines(keepends=True)
    with gzip.open("first.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(lines[:100])
    rows = [json.loads(line) for line in lines[100:]]
    pd.DataFrame(rows).to_csv("second.csv", index=False)
    clif("train", "first.jsonl.gz", "second.csv", "--out", "parts", *OPTIONS)
    clif("rank", "parts", "--test", "planted.toml", "--measure", "mean_difference")
    done = clif("retrain", "parts", "--remove-top-k", "20", "--seeds", "1", "--controls", "0", "--json").json()
    kept = Path(done["folder"]) / "kept"
    with gzip.open(kept / "first.jsonl.gz", "rt", encoding="utf-8") as file:
        first = [json.loads(line)["id"] for line in file]
    second = list(pd.read_csv(kept / "second.csv")["id"])
    assert first + second == [doc_id for doc_id in all_ids(made) if doc_id not in set(ranked_ids()[:20])]


# Rankings.


def test_top_bounds_the_copy_and_not_what_is_stored(workplace, clif):
    measure = ("--measure", "mean_difference")
    clif("rank", *measure, "--top", "7", "--out", "seven.csv")
    assert list(pd.read_csv("seven.csv")["doc_id"]) == ranked_ids()[:7]
    clif("rank", *measure, "--top", "all", "--out", "all.csv")
    assert len(pd.read_csv("all.csv")) == DOCUMENTS


def test_contexts_are_ranked_too(workplace, clif):
    rank = ("rank", "--unit", "context", "--measure", "mean_difference")
    done = clif(*rank, "--top", "25", "--out", "top.csv", "--json")
    top = pd.read_csv("top.csv")
    assert tuple(top) == CONTEXT_COLUMNS
    assert tuple(top) == ("rank", "doc_id", "influence", "stderr", "weight", "position", "input", "output", "distance")
    assert len(top) == 25
    assert done.json()["zero_crossing"] is None
    # With all contexts, a document has the sum of its contexts.
    clif(*rank, "--top", "all", "--out", "all.parquet")
    contexts = pd.read_parquet("all.parquet").groupby("doc_id")["influence"].sum()
    documents = pd.read_csv("clif-run/rankings/planted.block.mean_difference.document.csv").set_index("doc_id")
    pd.testing.assert_series_equal(contexts, documents["influence"].sort_index(), check_names=False)


def test_a_stored_ranking_is_taken_unless_told_otherwise(workplace, clif):
    first = clif("rank", "--measure", "mean_difference", "--json").json()
    assert first["reused"]
    anew = clif("rank", "--measure", "mean_difference", "--no-cache", "--json").json()
    assert not anew["reused"]
    changing = {"seconds", "cpu_seconds", "cpu", "reused"}
    assert {k: v for k, v in anew.items() if k not in changing} == {k: v for k, v in first.items() if k not in changing}


# Retraining.

TINY = ("--seeds", "1", "--controls", "1", "--json")


def test_repeated_documents_stand_in_the_edited_corpus(workplace, made, clif, quick_retraining):
    done = clif("retrain", "--amplify-top-k", "3", "--copies", "2", *TINY).json()
    assert (done["removed"], done["amplified"], done["removed_tokens"], done["goal"]) == (0, 3, 0, "increase")
    assert done["predicted"] > 0
    kept, removed = kept_and_removed(done)
    top = ranked_ids()[:3]
    assert removed == []
    assert sorted(set(kept) - set(all_ids(made))) == sorted(f"{doc_id}~{number}" for doc_id in top for number in (2, 3))
    assert [doc_id for doc_id in kept if "~" not in doc_id] == all_ids(made)
    # The edited corpus is one: it can be trained on.
    edited = done["edited_corpus"]["kept"]
    assert clif("train", *edited, "--out", "more", *OPTIONS, "--json").json()["documents"] == DOCUMENTS + 6


def test_the_goal_chooses_the_end_of_the_list(workplace, clif, quick_retraining):
    increased = clif("retrain", "--remove-top-k", "5", "--goal", "increase", *TINY).json()
    assert sorted(kept_and_removed(increased)[1]) == sorted(ranked_ids()[-5:])
    assert increased["predicted"] > 0
    reduced = clif("retrain", "--amplify-top-k", "5", "--goal", "reduce", *TINY).json()
    assert sorted(doc_id[:-2] for doc_id in kept_and_removed(reduced)[0] if "~" in doc_id) == sorted(ranked_ids()[-5:])
    assert reduced["predicted"] < 0


def test_protected_documents_stay(workplace, clif, quick_retraining):
    order = ranked_ids()
    Path("keep.txt").write_text("\n".join(order[:4]) + "\n", "utf-8")
    done = clif("retrain", "--remove-top-k", "3", "--protect", "keep.txt", *TINY).json()
    assert sorted(kept_and_removed(done)[1]) == sorted(order[4:7])
    assert done["protected"] == 4


@pytest.mark.parametrize("kind", ["targets", "attributes", "both"])
def test_words_are_held_out(kind, workplace, clif, quick_retraining):
    done = clif("retrain", "--remove-top-k", "5", "--holdout-words", kind, *TINY).json()
    assert done["holdout_words"] == kind
    transfer = done["transfer"]
    assert transfer.keys() == {"targets", "attributes", "both"}
    assert [name for name, ratio in transfer.items() if ratio is not None] == [kind]
    assert transfer[kind] == pytest.approx(done["held_out"]["realised"] / done["realised"])
    used, held = (done["definitions"][name] for name in ("used", "held_out"))
    halved = {"targets": "XY", "attributes": "AB", "both": "XYAB"}[kind]
    for key in "XYAB":
        assert set(used[key]).isdisjoint(held[key]) == (key in halved)
        assert len(used[key]) == (4 if key in halved else 8)
    # What comes after is about the whole test again.
    after = clif("retrain", "--remove-top-k", "5", *TINY).json()
    assert (after["test"], after["measure"], after["definitions"]["held_out"]) == ("planted", "mean_difference", None)


HALF = {"half", "words", "removed", "tokens", "used", "held_out", "documents"}


def test_words_are_halved_several_times(workplace, clif, quick_retraining):
    command = ("retrain", "--remove-top-k", "5", "--holdout-words", "both", "--halves", "2", "--seeds", "1")
    done = clif(*command, "--controls", "2", "--json").json()
    assert done.keys() >= RETRAIN
    assert [half["half"] for half in done["halves"]] == [1, 2]
    for half in done["halves"]:
        assert half.keys() >= HALF
        assert half["used"].keys() >= {"before", "after", "realised", "predicted"} <= half["held_out"].keys()
    assert done["transfer_controls"].keys() >= {"mean", "sd", "runs", "p_value"}
    shown = clif(*command, "--controls", "2").out
    transfer, (low, high) = done["transfer"]["both"], done["transfer_ci95"]
    assert f"Transfer {transfer:.2f} of the change (95% interval {low:.2f} to {high:.2f}" in " ".join(shown.split())
    assert "Held-out both, 2 halves" in shown
    assert "Half by half" in shown
    for word, about in done["neighbours"].items():
        assert f"{word} ({about['set']}{', held out' if about['held_out'] else ''})" in shown
        assert ", ".join(about["after"]) in shown
    assert f"p = {done['transfer_controls']['p_value']:.2g}" in shown
    # With one random set each there is nothing to tell chance by.
    alone = clif(*command, "--controls", "1")
    assert "cannot be told from chance" in " ".join(alone.out.split())
    assert "result.json: " in alone.err
    assert "Edited corpus" not in alone.err


def test_one_half_of_one_seed_has_no_interval(workplace, clif, quick_retraining):
    shown = " ".join(clif("retrain", "--remove-top-k", "5", "--holdout-words", "targets", *TINY[:-1]).out.split())
    assert "no interval: one half, one seed" in shown
    assert "Half by half" not in shown


def test_halves_need_words_to_halve(workplace, clif, quick_retraining):
    done = clif("retrain", "--remove-top-k", "5", "--halves", "2", *TINY)
    assert done.code == 2
    assert "--halves" in done.err
    assert "--holdout-words" in done.err
    assert clif("retrain", "--remove-top-k", "5", "--holdout-words", "both", "--halves", "0", *TINY).code == 2
    assert not quick_retraining


def test_zero_is_the_number_that_the_ranking_found(workplace, clif, quick_retraining):
    ranked = clif("rank", "--measure", "mean_difference", "--json").json()
    done = clif("retrain", "--remove-top-k", "zero", *TINY)
    if ranked["zero_crossing"] is None:
        assert done.code == 2
    else:
        assert done.json()["removed"] == ranked["zero_crossing"]


def test_more_seeds_only_train_what_is_missing(workplace, clif, quick_retraining):
    clif("retrain", "--remove-top-k", "4", "--seeds", "2", "--controls", "1", "--json").json()
    assert len(quick_retraining) == 5  # the run itself is the first one before
    quick_retraining.clear()
    clif("retrain", "--remove-top-k", "5", "--seeds", "2", "--controls", "0", "--json").json()
    assert len(quick_retraining) == 2  # nothing before


def test_an_interrupted_retraining_goes_on_where_it_stopped(workplace, clif, monkeypatch, quick_retraining):
    from clif.training import pool

    train, begun = pool.train_job, []

    def interrupted(path: str, training: Any) -> None:
        if len(begun) == 2:
            raise KeyboardInterrupt
        begun.append(training.path)
        train(path, training)

    command = ("retrain", "--remove-top-k", "4", "--seeds", "2", "--controls", "1", "--json")
    monkeypatch.setattr(pool, "train_job", interrupted)
    stopped = clif(*command)
    assert (stopped.code, stopped.out) == (130, "")
    assert "run the same command again" in stopped.err
    assert not list(Path("clif-run/retrains").glob("planted*"))
    monkeypatch.setattr(pool, "train_job", train)
    quick_retraining.clear()
    done = clif(*command).json()
    assert len(quick_retraining) == 3
    assert not done["reused"]
    assert not {training.path for training in quick_retraining} & set(begun)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupted_process_ends_with_130_and_keeps_what_is_done(workplace, clif):
    command = ("retrain", "--remove-top-k", "4", "--seeds", "4", "--controls", "1", "--processes", "1")
    code = "from clif.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *command],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has them, and what they start, ignore interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    models = Path("clif-run/models")
    deadline = time.monotonic() + 60
    while not list(models.glob("[!.]*.safetensors")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "\nInterrupted." in err
    done = {path.name: path.stat().st_mtime_ns for path in models.glob("[!.]*.safetensors")}
    assert 1 <= len(done) < 11
    assert not list(models.glob(".*"))
    again = clif(*command, "--json")
    assert again.json()["before"]["runs"]
    for name, time_ns in done.items():
        assert (models / name).stat().st_mtime_ns == time_ns


# All at once.


def test_a_configuration_may_ask_for_milder_edits_and_limits(workplace, made, clif, quick_retraining):
    text = (
        '[corpus]\ncorpus = ["corpus.jsonl"]\n[train]\ndim = 10\nepochs = 8\nmin_count = 2\nsample = 0\n'
        '[audit]\ntests = ["planted.toml"]\n[rank]\ntest = "planted.toml"\nmeasure = "mean_difference"\n'
    )
    few = "remove_top_k = 6\nseeds = 1\ncontrols = 0\n"
    Path("c.toml").write_text(f'{text}[retrain]\n{few}weight = 0.5\nby = ["file"]\n', "utf-8")
    said = clif("run", "--config", "c.toml")
    assert said.code == 0, said.err
    assert "weights.csv and result.json: " in said.err
    found = clif("run", "--config", "c.toml", "--json").json()["retrain"]
    assert found["reused"]
    assert "file" in found["costs"]["fields"]
    # The list of gradient says nothing of what to remove beside what is kept.
    test = Path("planted.toml").read_text("utf-8").replace('name = "planted"', 'name = "other"')
    Path("other.toml").write_text(re.sub(r'(X = \[)"[^"]*", ', r"\1", test), "utf-8")
    kept = 'method = "gradient"\n[retrain]\nkeep = ["other.toml=9"]\ncap = ["words=.5"]\nnear_duplicates = 1\n'
    Path("c.toml").write_text(f"{text}{kept}{few}", "utf-8")
    found = clif("run", "--config", "c.toml", "--json").json()
    assert (found["rank"]["method"], found["retrain"]["method"]) == ("gradient", "source")
    assert [each["name"] for each in found["retrain"]["kept"]] == ["other"]
    assert found["retrain"]["caps"] == [{"name": "words", "share": 0.5}]


def test_a_configuration_runs_everything_and_resumes(workplace, made, clif, monkeypatch, quick_retraining):
    Path("settings").mkdir()
    Path("settings/mine.toml").write_text(
        'out = "all"\n'
        '[corpus]\ncorpus = ["../corpus.jsonl"]\n'
        "[train]\ndim = 10\nepochs = 3\nmin_count = 2\nsample = 0\n"
        '[audit]\ntests = ["../planted.toml", "weat1"]\n'
        '[rank]\ntest = "../planted.toml"\nmeasure = "mean_difference"\n'
        "[retrain]\nremove_top_k = 6\nseeds = 1\ncontrols = 1\n",
        "utf-8",
    )
    first = clif("run", "--config", "settings/mine.toml", "--json").json()
    assert list(first) == ["train", "audit", "rank", "retrain", "report"]
    for name, keys in {"train": TRAIN, "rank": RANK, "retrain": RETRAIN}.items():
        assert first[name].keys() >= keys
        assert not first[name]["reused"]
    assert first["audit"]["results"][0].keys() >= AUDIT
    assert len(quick_retraining) == 2
    written = {path: path.stat().st_mtime_ns for path in Path("all").rglob("*") if path.is_file()}
    rankings = {path for path in written if path.parent.name == "rankings" and path.suffix == ".json"}
    second = clif("run", "--config", "settings/mine.toml", "--json").json()
    assert len(quick_retraining) == 2
    for name in ("train", "rank", "retrain"):
        assert second[name].pop("reused")
        del first[name]["reused"]
    assert second == first
    changed = {path for path, time_ns in written.items() if path.stat().st_mtime_ns != time_ns}
    assert changed <= rankings | {Path("all/report.html")}  # rankings are touched, as the newest
    # The commands one by one find the same.
    shown = clif("run", "--config", "settings/mine.toml")
    assert shown.code == 0
    assert shown.err.count("Next:") == 1  # not after each step
    assert clif("rank", "all", "--json").json()["ranking"] != first["rank"]["ranking"]  # the default measure
    settings = ("--config", "settings/mine.toml")
    assert clif("train", *settings, "--json").json()["reused"]
    assert clif("train", *settings, "--window", "4").code == 5
    assert clif("train", *settings, "--out", "else", "--epochs", "1", "--json").json()["settings"]["epochs"] == 1


def test_an_output_that_closes_early_is_no_error(workplace):
    """As in clif rank | head."""
    code = "from clif.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "rank", "--measure", "mean_difference"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
