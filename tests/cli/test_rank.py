"""clif rank: methods that solve, several tests at once, and lists of sentences, contexts and pairs of words."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from conftest import DOCUMENTS, Made

from clif.objectives import BiasTest
from clif.ranking import CONTEXT_COLUMNS, DOCUMENT_COLUMNS, PAIR_COLUMNS, SENTENCE_COLUMNS
from clif.run import open_run
from clif.storage.tensors import read_tensors, write_tensors

SOLVED = ("--method", "clif", "--measure", "mean_difference")
COLUMNS = {
    "document": DOCUMENT_COLUMNS,
    "sentence": SENTENCE_COLUMNS,
    "context": CONTEXT_COLUMNS,
    "pair": PAIR_COLUMNS,
}
READERS = {
    ".csv": lambda path: pd.read_csv(path, keep_default_na=False, na_values={"stderr": [""]}),
    ".jsonl": lambda path: pd.read_json(path, lines=True, dtype=False),
    ".parquet": pd.read_parquet,
}


def write_test(made: Made, name: str, swap: bool = False) -> str:
    """The planted test under another name, with X and Y exchanged if asked."""
    text = made.test.read_text("utf-8").replace('name = "planted"', f'name = "{name}"')
    if swap:
        text = text.replace("\nX =", "\nQ =").replace("\nY =", "\nX =").replace("\nQ =", "\nY =")
    Path(f"{name}.toml").write_text(text, "utf-8")
    return f"{name}.toml"


# Solves.


def test_a_solve_says_how_it_went_and_is_taken_again(workplace, clif):
    said = clif("rank", *SOLVED, "--json").json()
    assert (said["method"], said["curvature"], said["tolerance"]) == ("clif", "gn", 1e-3)
    assert (said["converged"], said["solve_reused"], said["reused"]) == (True, False, False)
    assert 0 < said["residual"] <= 1.1e-3
    assert said["iterations"] >= 2
    assert said["noise_error"] == 0
    (solve,) = Path("clif-run/solves").iterdir()
    assert solve.name.startswith("planted.clif.mean_difference.")
    again = clif("rank", *SOLVED, "--unit", "context", "--json").json()
    assert (again["reused"], again["solve_reused"]) == (False, True)
    assert again["residual"] == said["residual"]
    assert "taken from the run" in clif("rank", *SOLVED, "--unit", "pair").out
    anew = clif("rank", *SOLVED, "--no-cache", "--json").json()
    assert not anew["solve_reused"]
    assert [path.name for path in Path("clif-run/solves").iterdir()] == [solve.name]
    # Where nothing is solved, nothing is said.
    block = clif("rank", "--measure", "mean_difference", "--json").json()
    assert {block[key] for key in ("curvature", "tolerance", "converged", "solve_reused", "noise_error")} == {None}


def test_a_solve_of_another_model_is_refused(workplace, made, clif):
    clif("rank", *SOLVED, "--quiet")
    (solve,) = Path("clif-run/solves").iterdir()
    data = solve.read_bytes()
    arrays, about = read_tensors(solve, "a solve", "")
    assert about["identity"]["model"] == open_run("clif-run").identity["model"]
    about["identity"]["model"] = "0" * 64
    write_tensors(solve, arrays, about)
    done = clif("rank", *SOLVED, "--unit", "context")
    assert (done.code, done.out) == (5, "")
    assert f"{solve}: this solve does not belong to the run's model" in done.err
    assert "--no-cache" in done.err
    assert clif("rank", *SOLVED, "--unit", "context", "--no-cache", "--json").json()["solve_reused"] is False
    assert solve.read_bytes() == data


def test_a_solve_that_is_cut_short_warns_or_fails_if_told_so(workplace, clif):
    short = ("rank", *SOLVED, "--steps", "1")
    done = clif(*short, "--json")
    said = done.json()
    assert (said["converged"], said["iterations"]) == (False, 1)
    assert said["residual"] > said["tolerance"]
    (warning,) = said["warnings"]
    assert "the solve stopped after 1 products at a relative residual of" in warning
    assert "Warning: the solve stopped" in clif(*short, "--quiet").err
    assert not Path("clif-run/solves").exists()
    strict = clif(*short, "--strict")
    assert (strict.code, strict.out) == (4, "")
    assert "relative residual" in strict.err
    done = clif("rank", *SOLVED, "--strict", "--json").json()
    assert (done["converged"], done["warnings"]) == (True, [])


@pytest.mark.parametrize("method", ["clif", "source", "lissa", "kfac", "mirrored", "representer"])
def test_every_method_that_predicts_ranks_documents_like_the_default(method, workplace, clif):
    from scipy.stats import spearmanr

    influence = {}
    for name in ("block", method):
        said = clif("rank", "--method", name, "--measure", "mean_difference", "--json").json()
        assert said["method"] == name
        influence[name] = pd.read_csv(said["ranking"]).set_index("doc_id")["influence"].sort_index()
    assert len(influence[method]) == DOCUMENTS
    assert spearmanr(influence["block"], influence[method]).statistic > 0.5


def test_the_exact_curvature_and_dense_sums_can_be_had(workplace, clif):
    lists = {}
    for options in ((), ("--dense",), ("--curvature", "exact")):
        said = clif("rank", *SOLVED, "--damping", "300", "--tolerance", "1e-5", *options, "--json").json()
        assert said["converged"]
        assert said["curvature"] == ("exact" if "exact" in options else "gn")
        lists[options] = pd.read_csv(said["ranking"]).set_index("doc_id")["influence"].sort_index()
    assert len(list(Path("clif-run/rankings").glob("planted.clif.*.csv"))) == 3
    gn, dense, exact = lists.values()
    # So few words are summed exactly anyway.
    pd.testing.assert_series_equal(gn, dense, rtol=1e-3)
    assert gn.corr(exact) > 0.9
    assert not gn.equals(exact)


@pytest.mark.parametrize("method", ["block", "clif"])
def test_threads_change_nothing(method, workplace, clif):
    found = []
    for threads in (1, 2, 3):
        said = clif("rank", "--method", method, "--threads", threads, "--no-cache", "--json").json()
        found.append(Path(said["ranking"]).read_bytes())
    assert found[0] == found[1] == found[2]


# Several tests.


def test_several_tests_give_several_rankings(workplace, made, clif):
    tests = ("--test", "planted.toml", "--test", write_test(made, "turned", swap=True))
    said = clif("rank", *SOLVED, *tests, "--json").json()
    assert list(said) == ["rankings"]
    first, second = said["rankings"]
    assert (first["test"], second["test"]) == ("planted", "turned")
    assert first["value"] == pytest.approx(-second["value"])
    alone = clif("rank", *SOLVED, "--test", "planted.toml", "--json").json()
    assert alone == {**first, "reused": True, "out": None}
    tables = [pd.read_csv(each["ranking"]) for each in (first, second)]
    # The other way round the same documents come first, with the other sign.
    assert tables[0]["influence"].tolist() == pytest.approx((-tables[1]["influence"]).tolist(), rel=1e-4, abs=1e-9)
    shown = clif("rank", *SOLVED, *tests)
    assert shown.code == 0
    assert shown.out.index("planted: mean difference") < shown.out.index("turned: mean difference")
    grouped = clif("rank", *SOLVED, *tests, "--by", "carrier", "--json").json()
    assert [each["groups"]["field"] for each in grouped["rankings"]] == ["carrier"] * 2


def test_one_file_does_not_hold_several_lists(workplace, made, clif):
    done = clif("rank", "--test", "planted.toml", "--test", write_test(made, "other"), "--out", "r.csv")
    assert done.code == 2
    assert "one file cannot hold the lists of 2 tests" in done.err
    assert not Path("r.csv").exists()


# Units.


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("unit", COLUMNS)
@pytest.mark.parametrize("method", ["block", "clif"])
def test_lists_of_every_unit_are_tables_that_others_read(method, unit, ending, workplace, clif):
    out = Path(f"r{ending}")
    rank = ("rank", "--method", method, "--measure", "mean_difference", "--unit", unit, "--out", out, "--json")
    said = clif(*rank, "--top", 40).json()
    assert (said["unit"], said["out"]) == (unit, str(out))
    assert (said["zero_crossing"] is None) == (unit != "document")
    table = READERS[ending](out)
    assert tuple(table) == COLUMNS[unit]
    assert table["rank"].tolist() == list(range(1, 41))
    assert (said["value"] * table["influence"]).is_monotonic_increasing
    assert table["stderr"].isna().all()
    stored = pd.read_csv(said["ranking"], keep_default_na=False).head(40)
    assert table["influence"].tolist() == pytest.approx(stored["influence"].tolist(), rel=1e-12)
    again = clif(*rank, "--top", 40).json()
    assert (again["reused"], again["warnings"]) == (True, [])


def test_sentences_hold_their_words_and_sum_to_their_documents(workplace, clif):
    said = clif("rank", *SOLVED, "--unit", "sentence", "--top", "all", "--json").json()
    table = pd.read_csv(said["ranking"], keep_default_na=False)
    corpus = open_run("clif-run").corpus
    assert len(table) == len(corpus.sentences) > DOCUMENTS
    first = table.iloc[0]
    start = corpus.offsets[corpus.number[first["doc_id"]]] + first["position"]
    words = [corpus.types[token] for token in corpus.tokens[start : start + first["tokens"]]]
    assert first["text"] == " ".join(words)
    documents = pd.read_csv(clif("rank", *SOLVED, "--json").json()["ranking"]).set_index("doc_id")
    sums = table.groupby("doc_id")[["influence", "tokens"]].sum()
    expected = documents.loc[sums.index]
    assert sums["tokens"].tolist() == expected["tokens"].tolist()
    scale = documents["influence"].abs().max()
    assert sums["influence"].tolist() == pytest.approx(expected["influence"].tolist(), rel=1e-6, abs=1e-9 * scale)
    numbers = table.sort_values("position").groupby("doc_id")["sentence"].apply(list)
    assert all(own == list(range(1, len(own) + 1)) for own in numbers)


@pytest.mark.parametrize("method", ["block", "clif"])
def test_contexts_pairs_and_groups_are_parts_of_one_sum(method, workplace, clif):
    rank = ("rank", "--method", method, "--measure", "mean_difference", "--json")
    documents = pd.read_csv(clif(*rank).json()["ranking"]).set_index("doc_id")["influence"]
    total, scale = documents.sum(), documents.abs().sum()
    contexts, pairs = (
        pd.read_csv(clif(*rank, "--unit", unit, "--top", "all").json()["ranking"], keep_default_na=False)
        for unit in ("context", "pair")
    )
    sums = contexts.groupby("doc_id")["influence"].sum().reindex(documents.index, fill_value=0)
    assert sums.tolist() == pytest.approx(documents.tolist(), rel=1e-5, abs=1e-6 * documents.abs().max())
    assert pairs["influence"].sum() == pytest.approx(total, rel=1e-5, abs=1e-6 * scale)
    assert not pairs.duplicated(["input", "output"]).any()
    weights = contexts.groupby(["input", "output"])["weight"].sum()
    assert weights.loc[list(zip(pairs["input"], pairs["output"], strict=True))].tolist() == pytest.approx(
        pairs["weight"].tolist(), rel=1e-5
    )
    groups = clif(*rank, "--by", "carrier").json()["groups"]["rows"]
    assert sum(row["influence"] for row in groups) == pytest.approx(total, rel=1e-6, abs=1e-9 * scale)
    words = {word for group in BiasTest.from_toml("planted.toml").sets.values() for word in group}
    inside = set(contexts["input"]) <= words
    assert inside == (method == "block")


@pytest.mark.parametrize("unit", ["sentence", "context", "pair"])
def test_the_screen_shows_the_first_of_them(unit, workplace, clif):
    done = clif("rank", *SOLVED, "--unit", unit)
    assert done.code == 0
    assert "Rank 1 reduces" not in done.out
    assert "Solve: " in done.out
    stored = pd.read_csv(f"clif-run/rankings/planted.clif.mean_difference.{unit}.csv", keep_default_na=False)
    assert f"The list holds the first {len(stored):,}." in done.out
    first = stored.iloc[0]
    shown = f"{first['doc_id']} #{first['sentence']}" if unit == "sentence" else f"{first['input']} → {first['output']}"
    assert shown in done.out


def test_progress_and_memory_are_told_on_stderr_alone(workplace, clif):
    done = clif("rank", *SOLVED, "--json")
    json.loads(done.out)
    assert "This needs about" in done.err
    assert clif("rank", *SOLVED, "--json", "--quiet", "--no-cache").err == ""
