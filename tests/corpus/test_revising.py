"""Texts from which sentences were taken out, or in which words were replaced, and the files that hold them."""

from __future__ import annotations

import json
from itertools import chain

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_sentences import any_text, tokenisers

from clif.corpus.layouts import Revision
from clif.corpus.reading import ReadOptions, read_documents
from clif.corpus.revising import cut_text, replace_words
from clif.corpus.tokenising import Tokeniser
from clif.corpus.writing import write_edited

PLAIN = Tokeniser()


@settings(max_examples=150, deadline=None)
@given(text=any_text, tokenise=tokenisers, chance=st.randoms(use_true_random=False))
@example(text="a.\u0338 b", tokenise=Tokeniser(), chance=None)
def test_what_stays_has_the_tokens_of_the_other_sentences(text, tokenise, chance):
    sentences = [words for words in tokenise.sentences(text) if words]
    gone = {n for n in range(1, len(sentences) + 1) if chance is None or chance.random() < 0.5}
    found = cut_text(tokenise, text, [len(words) for words in sentences], gone)
    stays = [words for n, words in enumerate(sentences, 1) if n not in gone]
    assert tokenise(found.text) == list(chain.from_iterable(stays))
    assert [(n, tokenise(part)) for n, part in found.parts] == [(n, sentences[n - 1]) for n in sorted(gone)]


@pytest.mark.parametrize(
    ("gone", "text", "parts"),
    [
        ({1}, 'She said: "No!" (They went.) 4. End', [(1, "He ran.")]),
        ({2}, "He ran. (They went.) 4. End", [(2, 'She said: "No!"')]),
        ({1, 4}, 'She said: "No!" (They went.) 4.', [(1, "He ran."), (4, "End")]),
        ({2, 3, 4}, "He ran.", [(2, 'She said: "No!"'), (3, "(They went.) 4."), (4, "End")]),
        ({1, 2, 3, 4}, "", None),
        (set(), 'He ran. She said: "No!" (They went.) 4. End', []),
    ],
)
def test_marks_go_with_their_sentence(gone, text, parts):
    found = cut_text(PLAIN, 'He ran. She said: "No!" (They went.) 4. End', [2, 3, 2, 1], gone)
    assert found.text == text
    assert parts is None or list(found.parts) == parts


def test_words_are_replaced_and_all_else_stays():
    words = {"he": "she", "His": "Her"}
    found = replace_words(PLAIN, "«he» took\n  his-- His 3 hats, hen!", lambda n, word: words.get(word))
    assert found == Revision("«she» took\n  his-- Her 3 hats, hen!")
    numbered = replace_words(PLAIN, "a b a", lambda n, word: str(n) if word == "a" else None)
    assert numbered.text == "0 b 2"


# Files

TEXTS = {"a": "One two. Three!", "b": "Four five.", "c": "Six. Seven."}
CUT = {"a": Revision("Three!", ((1, "One two."),)), "b": Revision("", ((1, "Four five."),))}
KEPT = [("a", "Three!"), ("c", "Six. Seven.")]
REMOVED = [("a#1", "One two."), ("b#1", "Four five.")]


def by_text(document):
    return next((CUT[key] for key in CUT if TEXTS[key] == document.text), None)


def written(tmp_path, name, data, **options):
    path = tmp_path / name
    path.write_bytes(data) if isinstance(data, bytes) else pq.write_table(data, path)
    files = write_edited([path], ReadOptions(**options), tmp_path / "out", {}, by_text)
    return [
        [(each.doc_id, each.text) for each in read_documents(part, ReadOptions(**options))]
        for part in (files.kept, files.removed)
    ]


@pytest.mark.parametrize("number", [False, True], ids=["ids of text", "ids of numbers"])
@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "parquet"])
def test_formats_with_ids_hold_the_documents_and_what_was_taken_out(tmp_path, kind, number):
    key = {"a": 7, "b": 8, "c": 9} if number else {name: name for name in TEXTS}
    rows = [{"id": key[name], "text": text, "more": 5} for name, text in TEXTS.items()]
    data = {
        "jsonl": lambda: "".join(json.dumps(row) + "\n" for row in rows).encode(),
        "json": lambda: json.dumps(rows).encode(),
        "csv": lambda: ("id,text,more\n" + "".join(f'{r["id"]},"{r["text"]}",5\n' for r in rows)).encode(),
        "parquet": lambda: pa.Table.from_pylist(rows),
    }[kind]()
    kept, removed = written(tmp_path, f"x.{kind}", data)
    shown = {name: str(value) for name, value in key.items()}
    assert kept == [(shown[name], text) for name, text in KEPT]
    assert removed == [(f"{shown[name.partition('#')[0]]}#{name.partition('#')[2]}", text) for name, text in REMOVED]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("options", "line"),
    [({}, "{}"), ({"split": "blank"}, "{}\n"), ({"format": "wnc"}, "1\t{}\tother")],
    ids=["lines", "blocks", "sides"],
)
def test_formats_without_ids_hold_the_texts(tmp_path, options, line, end):
    data = "".join(line.format(text) + "\n" for text in TEXTS.values()).replace("\n", end).encode()
    kept, removed = written(tmp_path, "x.txt", data, **options)
    assert [text for _, text in kept] == [text for _, text in KEPT]
    assert [text for _, text in removed] == [text for _, text in REMOVED]


def test_a_text_of_several_lines_stays_one_block(tmp_path):
    text = "One two.\nThree!\n\nFour five.\n"
    path = tmp_path / "x.txt"
    path.write_text(text, encoding="utf-8")

    def revise(document):
        return Revision("One\n\n two.", ((2, "Three!"),)) if document.text.startswith("One") else None

    options = ReadOptions(split="blank")
    files = write_edited([path], options, tmp_path / "out", {}, revise)
    assert [each.text for each in read_documents(files.kept, options)] == ["One\n two.", "Four five."]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_files_that_are_documents_get_files_of_their_own(tmp_path, suffix):
    import gzip

    folder = tmp_path / "texts"
    folder.mkdir()
    for name, text in TEXTS.items():
        data = text.encode()
        (folder / f"{name}.txt{suffix}").write_bytes(gzip.compress(data) if suffix else data)
    for _ in range(2):  # written again over what is there
        files = write_edited([folder], ReadOptions(), tmp_path / "out", {}, by_text)
    assert [path.name for path in files.kept] == [f"a.txt{suffix}", f"c.txt{suffix}"]
    assert [path.name for path in files.removed] == [f"a#1.txt{suffix}", f"b#1.txt{suffix}"]
    found = [each.text.strip() for each in read_documents([tmp_path / "out" / "kept"], ReadOptions())]
    assert found == [text for _, text in KEPT]
