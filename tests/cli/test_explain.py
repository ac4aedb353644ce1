"""clif explain: what it shows of a document, with colour and without, and what a user can get wrong."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from conftest import OPTIONS, Clif, Made
from rich.text import Text

from clif.cli.marking import STYLES, level
from clif.storage.files import write_json

FIRST = "planted.block.mean_difference.document.csv"


def ranked_ids() -> list[str]:
    """Ids in the order of the ranking that is stored in the workplace."""
    lines = (Path("clif-run/rankings") / FIRST).read_text("utf-8").splitlines()[1:]
    return [line.split(",")[1] for line in lines]


@pytest.fixture
def first(workplace: Path) -> str:
    """The first document of the stored ranking."""
    return ranked_ids()[0]


def records_of(made: Made) -> list[dict[str, str]]:
    """The documents of the corpus."""
    return [json.loads(line) for line in made.corpus.read_text("utf-8").splitlines()]


def train_with(clif: Clif, made: Made, *more: dict[str, str]) -> None:
    """Train run `s` on the corpus and further documents."""
    lines = "".join(json.dumps(record) + "\n" for record in more)
    Path("more.jsonl").write_text(made.corpus.read_text("utf-8") + lines, "utf-8")
    assert clif("train", "more.jsonl", "--out", "s", *OPTIONS).code == 0


# What is shown.


def test_the_parts_of_an_explanation(first, clif):
    done = clif("explain", first)
    assert done.code == 0, done.err
    for part in (
        f"{first}: rank 1 of 200, influence -",
        "Without this document the mean difference of planted, now +",
        "[-word] carries the bias",
        "Pairs of words: 10 of ",
        "Words whose vectors these pairs move",
        "Association: how much closer a word is to ",
        "is predicted to move towards ",
        "Total -",
    ):
        assert part in done.out
    assert "Next: clif rank --measure mean_difference --unit context  or  clif retrain --remove-top-k 20" in done.err
    assert clif("explain", "clif-run", first).out == done.out  # with the run named


def test_what_is_shown_is_the_text_with_marks(first, clif, made):
    text = next(record["text"] for record in records_of(made) if record["id"] == first)
    out = clif("explain", first, "--full").out
    begin, end = out.index("\n\n"), out.index("\n\n[-word]")
    shown = re.sub(r"\[[-+]{1,2}(.*?)\*?\]", r"\1", " ".join(out[begin:end].split())).replace("*", "")
    assert shown == " ".join(text.split())


def test_signs_and_stars_stand_where_the_numbers_say(first, clif):
    values = clif("explain", first, "--json").json()
    out = clif("explain", first).out
    text = out[out.index("\n\n") : out.index("\n\n[-word]")]
    strongest = max(abs(token["influence"]) for token in values["tokens"])
    marks = [mark for mark, _ in re.findall(r"\[([-+]{1,2})(\w+)\*?\]", text)]
    degrees = [level(token["influence"], strongest) for token in values["tokens"]]
    assert marks == [("+" if degree > 0 else "-") * abs(degree) for degree in degrees if degree]
    stars = [token["text"] for token in values["tokens"] if token["word_in_test"]]
    assert re.findall(r"(\w+)\*", text) == stars
    assert stars


def test_levels():
    assert [level(part, 1.0) for part in (-1, -0.5, -0.49, -0.1, -0.09, 0, 0.09, 0.1, 0.5, 1)] == [
        -2, -2, -1, -1, 0, 0, 0, 1, 2, 2,
    ]  # fmt: skip
    assert level(0.0, 0.0) == 0
    assert level(1e-320, 1e-320) == 2


def test_colour_never_stands_alone(first, clif, monkeypatch):
    plain = clif("explain", first).out
    assert "\x1b" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    coloured = clif("explain", first).out
    assert "\x1b[4;" in coloured or ";4;" in coloured or "\x1b[4m" in coloured  # words of the test are underlined
    seen = Text.from_ansi(coloured)
    assert re.findall(r"\[[-+]+\w+", seen.plain) == re.findall(r"\[[-+]+\w+", plain)
    assert "*" not in seen.plain
    assert {str(span.style.bgcolor.name) for span in seen.spans if span.style.bgcolor} <= {
        style.split()[-1] for style in STYLES.values()
    }
    monkeypatch.setenv("NO_COLOR", "1")
    without = clif("explain", first).out
    assert not re.search(r"\x1b\[[0-9;]*[34][0-9]", without)
    assert Text.from_ansi(without).plain.split() == plain.split()


def test_a_bias_of_the_other_sign_turns_the_legend(first, clif, made):
    toml = made.test.read_text("utf-8")
    turned = re.sub(r"^X\b", "swap", toml, flags=re.M)
    turned = re.sub(r"^Y\b", "X", turned, flags=re.M)
    Path("turned.toml").write_text(re.sub(r"^swap\b", "Y", turned, flags=re.M), "utf-8")
    done = clif("explain", first, "--test", "turned.toml", "--measure", "mean_difference")
    assert "rank 1 of 200, influence +" in done.out
    assert "[+word] carries the bias" in done.out
    assert "clif retrain --test turned.toml --measure mean_difference --remove-top-k" in done.err


def test_long_documents_are_shown_in_passages(workplace, made, clif):
    records = records_of(made)
    text = f"Begin. {' '.join(record['text'] for record in records[:20])} End."
    train_with(clif, made, {"id": "long", "text": text})
    args = ("explain", "s", "long", "--test", "planted.toml", "--measure", "mean_difference")
    out = clif(*args).out
    assert 1 <= len(re.findall(r"^Words [\d,]+ to [\d,]+: [-+]", out, re.M)) <= 5
    sums = re.findall(r"^(?:Words|The rest).*: ([-+][\d.]+)$", out, re.M)
    total = float(re.search(r"influence ([-+][\d.]+)", out)[1])
    # Each number is rounded to five decimals.
    assert sum(map(float, sums)) == pytest.approx(total, abs=0.51e-5 * (len(sums) + 1))
    assert "\n... " in out
    assert " ...\n" in out
    assert "--full shows it" in out
    full = clif(*args, "--full").out
    assert "Words " not in full.replace("Words whose", "")
    assert "\nBegin" in full
    assert " End" in full


def test_top_is_the_number_of_pairs(first, clif):
    values = clif("explain", first, "--top", "3", "--json").json()
    assert len(values["pairs"]) == 3
    out = clif("explain", first, "--top", "3").out
    assert f"Pairs of words: 3 of {values['pairs_total']} hold {values['pairs_share']:.0%} of" in out
    assert len(re.findall(" → ", out)) == 3


def test_json_agrees_with_the_list(workplace, clif):
    lines = (Path("clif-run/rankings") / FIRST).read_text("utf-8").splitlines()[1:]
    for line in (lines[0], lines[100], lines[-1]):
        rank, doc_id, influence, *_ = line.split(",")
        values = clif("explain", doc_id, "--json", "--quiet").json()
        assert (values["doc_id"], values["rank"], values["documents"]) == (doc_id, int(rank), 200)
        assert values["influence"] == pytest.approx(float(influence), abs=1e-12)
        assert (values["test"], values["method"], values["measure"]) == ("planted", "block", "mean_difference")
        assert values["original_text"]


def test_json_and_quiet_leave_nothing_else(first, clif):
    json.loads(clif("explain", first, "--json").out)
    quiet = clif("explain", first, "--quiet")
    assert (quiet.code, quiet.err) == (0, "")
    assert quiet.out == clif("explain", first).out
    assert clif("explain", first, "--json", "--quiet").err == ""


def test_the_original_text_or_a_note(first, clif):
    manifest = Path("clif-run/manifest.json")
    assert "These are the tokens" not in clif("explain", first).out
    values = json.loads(manifest.read_text("utf-8"))
    values["corpus"]["sources"] = ["/no/such/file.jsonl"]
    write_json(manifest, values)
    out = clif("explain", first).out
    assert "These are the tokens that were trained on: the source cannot be read now (/no/such/file.jsonl:" in out
    assert "Total -" in out


def test_a_document_without_contexts(workplace, made, clif):
    train_with(clif, made, {"id": "none", "text": "1984"}, {"id": "one", "text": "Word: 1984 ..."})
    for doc_id, text in (("none", "(no words)"), ("one", "Word: 1984 ...")):
        done = clif("explain", "s", doc_id, "--test", "planted.toml")
        assert done.code == 0
        assert f"\n{text}\n" in done.out
        assert "No pair of words is trained here" in done.out
        assert "influence +0.0000" in done.out
        assert "Pairs of words" not in done.out


def test_no_text_and_no_field_steers_the_terminal(workplace, made, clif):
    strange = "\x1b[31m\x07\u202e"
    records = records_of(made)
    for n, record in enumerate(records):
        record["id"] = f"{n}{strange}"
        record["text"] = record["text"].replace(" ", f"{strange}[bold] \r\t\x00", 2)
        record[f"k{strange}"] = f"v{strange}"
    train_with(clif, made, *records)
    for options in ((), ("--full",), ("--method", "gradient")):
        done = clif("explain", "s", f"7{strange}", "--test", "planted.toml", *options)
        assert done.code == 0, done.err
        assert not re.search(r"[^\n\x20-\x7e\u00a0-\u200f\u2010-\u2027\u2030-\uffff]", done.out + done.err)
        assert "\\x1b[31m\\x07\\u202e[bold]" in done.out
        assert "\\x1b[31m" in done.out.splitlines()[0]
    unknown = clif("explain", "s", f"no{strange}")
    assert (unknown.code, "\x1b" in unknown.err) == (1, False)


def test_white_space_and_long_words_stay_in_order(workplace, made, clif):
    records = records_of(made)
    text = (
        " ".join(record["text"] for record in records[:20])
        .replace(" ", f" {'9' * 500} ", 3)
        .replace(". ", ".\n\n\n", 4)
    )
    train_with(clif, made, {"id": "long", "text": text + "x" * 500})
    args = ("explain", "s", "long", "--test", "planted.toml", "--measure", "mean_difference")
    for options in ((), ("--full",)):
        out = clif(*args, *options).out
        assert "\n\n\n" not in out
        assert max(map(len, out.splitlines())) <= 200


# What a user can get wrong.


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ((), 2, "Missing argument '[RUN] DOC_ID'"),
        (("planted-0000x",), 1, "no document of this run has the id 'planted-0000x'"),
        (("planted-0000x",), 1, "Did you mean 'planted-0000"),
        (("clif-run",), 2, "clif-run: is a run; the document is missing"),
        (("clif-run", "a", "b"), 2, "one document is explained at a time, got 3"),
        (("no-run", "planted-00001"), 1, "no-run: there is no run here"),
        (("corpus.jsonl", "planted-00001"), 1, "corpus.jsonl: is a file, not a run"),
        (("planted-00001", "--method", "length"), 2, "length scores documents as a whole"),
        (("planted-00001", "--method", "length"), 2, "next: Use --method block"),
        (("planted-00001", "--method", "bloc"), 2, "unknown method 'bloc'"),
        (("planted-00001", "--measure", "size"), 2, "unknown measure 'size'"),
        (("planted-00001", "--damping", "0"), 2, "the damping must be positive"),
        (("planted-00001", "--tolerance", "2"), 2, "the tolerance must be between 0 and 1"),
        (("planted-00001", "--curvature", "x"), 2, "unknown curvature 'x'"),
        (("planted-00001", "--top", "0"), 2, "--top"),
        (("planted-00001", "--test", "weat6"), 3, "covers none of the tests"),
        (("planted-00001", "--test", "no.toml"), 2, "no.toml"),
    ],
)
def test_bad_input(args, code, says, workplace, clif):
    done = clif("explain", *args)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert "Traceback" not in done.err


def test_a_test_that_is_not_covered_by_the_default(workplace, clif):
    shutil.rmtree("clif-run/rankings")
    done = clif("explain", "planted-00001")
    assert done.code == 3
    assert "gender-career" in done.err
