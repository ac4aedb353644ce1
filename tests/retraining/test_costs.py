"""What a choice costs others, counted again by hand, and caps on it."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from conftest import SETTINGS

from clif.corpus.change import OUTSIDE, Change
from clif.errors import InputError, UsageError
from clif.objectives import BiasTest, cover
from clif.ranking import costs_of, rank
from clif.retraining import Request, retrain
from clif.retraining.caps import Cap
from clif.retraining.planning import make_plan
from clif.training import train

FEW = {"seeds": 1, "controls": 1, "measure": "mean_difference"}


@pytest.fixture
def planted(made):
    return BiasTest.from_toml(made.test)


def by_hand(path, gone, copies=0):
    """Documents and tokens of carriers and others, and occurrences of every word, after an edit."""
    documents, tokens, words = Counter(), Counter(), Counter()
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        found = row["text"].lower().replace(".", " ").split()
        times = copies if row["id"] in gone else 1
        documents[str(row["carrier"]).lower()] += times > 0
        tokens[str(row["carrier"]).lower()] += times * len(found)
        words.update({word: times * n for word, n in Counter(found).items()})
    return documents, tokens, words


@pytest.mark.parametrize("copies", [0, 3])
def test_costs_are_what_counting_gives(opened, made, planted, copies):
    rng = np.random.default_rng(copies)
    counts = np.where(rng.random(len(opened.corpus)) < 0.2, copies, 1)
    gone = {opened.corpus.doc_ids[z] for z in np.flatnonzero(counts != 1)}
    costs = costs_of(opened, Change(1.0 - counts), cover(planted, opened.model.index)).to_dict()
    before, after = by_hand(made.corpus, set()), by_hand(made.corpus, gone, copies)
    rows = {row["value"]: row for row in costs["fields"]["carrier"]}
    for value in ("true", "false"):
        for name, place in (("documents", 0), ("tokens", 1)):
            assert rows[value][name]["before"] == before[place][value]
            assert rows[value][name]["after"] == after[place][value]
    assert costs["tokens"]["after"] == sum(after[1].values())
    assert costs["documents"]["lost"] == pytest.approx(1 - sum(after[0].values()) / len(opened.corpus))
    for key, words in planted.sets.items():
        assert costs["words"][key]["before"] == sum(before[2][word] for word in words)
        assert costs["words"][key]["after"] == sum(after[2][word] for word in words)
        assert all(costs["words"][key]["words"][word] == [before[2][word], after[2][word]] for word in words)


def test_words_that_are_swapped_or_taken_out_are_counted(opened, planted):
    tokens = opened.corpus.tokens
    word, other = (opened.vocabulary.index[planted.sets[key][0]] for key in "AB")
    places = np.flatnonzero(tokens == word)[:3].astype(np.int64)
    change = Change.of_tokens(opened.corpus, places, np.array([other, other, OUTSIDE], dtype=np.uint32))
    costs = costs_of(opened, change, cover(planted, opened.model.index)).to_dict()
    assert costs["documents"]["lost"] == 0
    assert costs["tokens"]["before"] - costs["tokens"]["after"] == 1
    for key, more in (("A", -3), ("B", 2)):
        before, after = costs["words"][key]["words"][planted.sets[key][0]]
        assert after - before == more


def test_fields_with_few_values_come_by_themselves_and_others_when_asked(opened, planted):
    counts = np.ones(len(opened.corpus), dtype=np.int64)
    coverage = cover(planted, opened.model.index)
    assert set(costs_of(opened, Change(1.0 - counts), coverage).fields) == {"carrier"}
    assert set(costs_of(opened, Change(1.0 - counts), coverage, ["file"]).fields) == {"carrier", "file"}
    with pytest.raises(InputError, match="no field"):
        costs_of(opened, Change(1.0 - counts), coverage, ["colour"])


def test_a_test_without_a_set_says_nothing_of_it(opened, planted, workplace, clif):
    (workplace / "alone.toml").write_text(
        f'name = "alone"\nkind = "sc-weat"\nX = {list(planted.X)}\nA = {list(planted.A)}\nB = {list(planted.B)}\n'
    )
    said = clif("rank", "--test", "alone.toml")
    assert said.code == 0, said.err
    assert "Y 0.0%" not in said.out + said.err


def edited(opened, planted, **options):
    plan = make_plan(opened, planted, Request(**FEW, **options))
    return plan.choices[0].edit.documents, plan.about


@pytest.mark.parametrize(
    ("options", "share"),
    [({"remove": 30}, 0.1), ({"remove": "zero"}, 0.8), ({"remove": 30, "goal": "increase"}, 0.1),
     ({"remove": 30, "method": "random"}, 0.1)],
)  # fmt: skip
def test_a_cap_that_binds_binds_every_choice(opened, planted, options, share):
    _, free = edited(opened, planted, **options)
    documents, about = edited(opened, planted, cap=(f"carrier={share}", "words=.5"), **options)
    costs = about["costs"]
    lost = [row["tokens"]["lost"] for row in costs["fields"]["carrier"]] + [w["lost"] for w in costs["words"].values()]
    assert max(lost[:2]) <= share
    assert max(lost[2:]) <= 0.5
    worst = max(row["tokens"]["lost"] for row in free["costs"]["fields"]["carrier"])
    assert worst > share
    assert about["caps"] == [{"name": "carrier", "share": share}, {"name": "words", "share": 0.5}]
    assert len(documents)


def test_an_adaptive_ranking_is_chosen_anew_within_caps(opened, planted):
    rank(opened, planted, measure="mean_difference", adaptive=20)
    documents, about = edited(opened, planted, remove=20, cap=("carrier=.1",))
    assert all(row["tokens"]["lost"] <= 0.1 for row in about["costs"]["fields"]["carrier"])
    assert len(set(documents)) == 20


@pytest.mark.parametrize("options", [{"goal": "increase"}, {"ranking": "list.csv"}])
def test_within_caps_the_list_and_the_end_that_were_asked_for_are_taken(opened, planted, workplace, options):
    ranking = rank(opened, planted, measure="mean_difference")
    ranking.to_frame().iloc[::-1].to_csv("list.csv", index=False)
    wanted = edited(opened, planted, remove=5, **options)[0]
    rank(opened, planted, measure="mean_difference", adaptive=20)  # the newest
    documents, about = edited(opened, planted, remove=5, cap=("words=.9",), **options)
    assert set(documents) == set(wanted)
    assert about["predicted"] > 0


@pytest.mark.parametrize("limits", [{"cap": ("words=.9",)}, {"near_duplicates": 0.9}])
@pytest.mark.parametrize("k", [0, -2])
def test_no_documents_cannot_be_chosen_within_limits_either(opened, planted, limits, k):
    with pytest.raises(UsageError, match=f"cannot choose {k} documents"):
        edited(opened, planted, remove=k, **limits)


def test_a_misspelt_field_costs_no_training(opened, planted, quick_retraining):
    with pytest.raises(InputError, match="no field 'colour'"):
        retrain(opened, planted, until="0.01", by=("colour",), **FEW)
    assert not quick_retraining


def test_fewer_documents_than_asked_for_are_said(opened, planted):
    documents, about = edited(opened, planted, remove=100, cap=("words=.05",))
    assert len(documents) < 100
    assert any("limits leave no others" in warning for warning in about["warnings"])
    with pytest.raises(UsageError, match="no document fits"):
        edited(opened, planted, remove=3, cap=("words=0", "carrier=0"))


@pytest.mark.parametrize("text", ["carrier", "carrier=", "=.2", "carrier=1", "carrier=-.1", "carrier=x"])
def test_what_is_no_cap(text):
    with pytest.raises(UsageError, match="no cap"):
        Cap.parse(text)


def test_planted_duplicates_go_together(made, planted, tmp_path, quick_retraining):
    lines = made.corpus.read_text("utf-8").splitlines()
    copies = []
    for number, line in enumerate(lines[:120]):
        row = json.loads(line)
        words = row["text"].split()
        words[number % len(words)] = "linen"
        copies += [json.dumps({**row, "id": f"{row['id']}-copy", "text": " ".join(words)})]
    corpus = tmp_path / "twice.jsonl"
    corpus.write_text("\n".join([*lines, *copies]), "utf-8")
    run = train([corpus], tmp_path / "run", SETTINGS).run
    result = retrain(run, planted, remove=21, near_duplicates=0.8, **FEW).to_dict()
    with open(result["edited_corpus"]["removed"][0], encoding="utf-8") as file:
        gone = {json.loads(line)["id"] for line in file}
    doubled = {json.loads(line)["id"] for line in lines[:120]}
    assert 19 <= len(gone) <= 21
    assert all((name in gone) == (f"{name}-copy" in gone) for name in doubled)
    assert any(name.endswith("-copy") for name in gone)
    about = result["near_duplicates"]
    assert about["units_of_several"] == 120
    assert about["documents_in_them"] == 240
    assert about["units"] == 200
    assert about["edited_units"] == len({name.removesuffix("-copy") for name in gone})
    zero = make_plan(run, planted, Request(remove="zero", near_duplicates=0.8, **FEW)).choices[0].edit.documents
    names = {run.corpus.doc_ids[z] for z in zero}
    assert all((name in names) == (f"{name}-copy" in names) for name in doubled)


def test_the_screens_say_what_it_costs(workplace, clif, quick_retraining):
    ranked = clif("rank", "--test", "planted.toml", "--measure", "mean_difference")
    assert "They hold" in ranked.out
    assert "carrier true would lose most" in " ".join(ranked.out.split())
    found = clif("rank", "--test", "planted.toml", "--measure", "mean_difference", "--json").json()
    assert {"documents", "tokens", "fields", "words"} == found["costs"].keys()
    said = clif("retrain", "--remove-top-k", 10, "--cap", "carrier=.1", "--by", "file", "--near-duplicates",
                "--seeds", 1, "--controls", 1)  # fmt: skip
    assert said.code == 0, said.err
    assert "What it costs" in said.out
    assert "file corpus.jsonl" in said.out
    assert "Near-duplicates" in said.out
    wrong = clif("retrain", "--remove-top-k", 10, "--cap", "colour=.1")
    assert wrong.code == 1
    assert "no field 'colour'" in wrong.err
