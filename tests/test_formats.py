"""Word vectors in and out: exact round trips, gensim on the other side, and every way a file can be wrong."""

import gzip
import pickle
import shutil
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from clif.errors import ClifError, InputError, UsageError
from clif.formats import FORMATS, export_vectors, load_vectors
from clif.model import SkipGram
from clif.settings import TrainingSettings

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
# One word after another, as the formats allow them: no ASCII white space, but any other character.
WORDS = st.text(min_size=1, max_size=8).filter(lambda word: not any(c in " \t\n\r\x0b\x0c" for c in word))


@st.composite
def models(draw: st.DrawFn) -> SkipGram:
    words = draw(st.lists(WORDS, min_size=1, max_size=6, unique=True))
    dim = draw(st.integers(1, 5))
    return SkipGram(words, draw(arrays(np.float32, (len(words), dim), elements=FINITE)))


def small() -> SkipGram:
    U = np.random.default_rng(0).normal(size=(7, 4)).astype(np.float32)
    return SkipGram(["he", "she", "naïve", "日本", "5", "1e3", "nan"], U, C=-U, counts=np.arange(70, 77))


@pytest.fixture(scope="module")
def trained():
    from gensim.models import Word2Vec

    rng = np.random.default_rng(1)
    texts = [[f"w{i}" for i in rng.integers(0, 30, 20)] for _ in range(60)]
    return Word2Vec(
        texts,
        vector_size=6,
        window=3,
        negative=4,
        sg=1,
        epochs=2,
        min_count=2,
        sample=1e-2,
        seed=9,
        workers=1,
    )


def same_vectors(left: SkipGram, right: SkipGram) -> None:
    assert left.words == right.words
    assert left.U.dtype == np.float32
    np.testing.assert_array_equal(left.U, right.U)


# Round trips


@pytest.mark.parametrize("ending", [".txt", ".vec.gz", ".bin", ".bin.gz", ".glove", ".glove.gz", ".kv"])
def test_what_is_exported_is_read_back_exactly(ending, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trip")

    @settings(max_examples=40, deadline=None)
    @given(models())
    def trip(model):
        if ".bin" in ending:  # a few float32 made of printable bytes alone pass for text
            assume(not model.U[0].tobytes().decode("utf-8", "replace").replace("\ufffd", "\0").isprintable())
        path = export_vectors(model, folder / f"v{ending}")
        same_vectors(load_vectors(path, allow_pickle=ending == ".kv"), model)

    trip()
    assert len(list(folder.iterdir())) == 1  # no temporary file is left


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_bytes_are_vectors_or_an_input_error(data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any"
    head = data.draw(st.sampled_from([b"", b"2 3\n", b"1 1\n", b"a 1 2\n", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"]))
    path.write_bytes(head + data.draw(st.binary(max_size=60)))
    # Anything but an InputError fails the test.
    with suppress(InputError):
        assert load_vectors(path).U.size


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(1, 10**6), ending=st.sampled_from([".txt", ".txt.gz", ".bin", ".bin.gz", ".kv"]))
def test_a_file_cut_off_anywhere_is_an_input_error(cut, ending, tmp_path_factory):
    path = export_vectors(small(), tmp_path_factory.getbasetemp() / f"cut{ending}")
    data = path.read_bytes()
    # Without its last line feed a file is still whole, and so is text without the last digits.
    path.write_bytes(data[: cut % (len(data) - 12)])
    with pytest.raises(InputError):
        load_vectors(path, allow_pickle=True)


@pytest.mark.parametrize("ending", [".txt", ".bin", ".glove"])
def test_zstd_is_read_and_its_truncation_seen(ending, tmp_path):
    path = export_vectors(small(), tmp_path / f"v{ending}")
    packed = tmp_path / "no-ending"
    half = path.stat().st_size // 2
    compress = zstandard.ZstdCompressor(write_content_size=False).compress
    frames = compress(path.read_bytes()[:half]) + compress(path.read_bytes()[half:])
    packed.write_bytes(frames)
    same_vectors(load_vectors(packed), small())
    packed.write_bytes(frames[:-5])
    with pytest.raises(InputError, match="zstd"):
        load_vectors(packed)


def test_gzip_may_have_members_and_padding_and_its_checksum_counts(tmp_path):
    text = export_vectors(small(), tmp_path / "v.txt").read_bytes()
    path = tmp_path / "v"
    path.write_bytes(gzip.compress(text[:50]) + gzip.compress(text[50:]) + bytes(600))
    same_vectors(load_vectors(path), small())
    damaged = bytearray(gzip.compress(text))
    damaged[-6] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(InputError, match="gzip"):
        load_vectors(path)


def test_many_blocks_give_the_same_matrix(tmp_path):
    U = np.random.default_rng(2).normal(size=(30_000, 10)).astype(np.float32)
    model = SkipGram([f"w{i}" for i in range(len(U))], U)
    for ending in (".txt", ".txt.gz", ".bin", ".bin.gz", ".glove"):
        same_vectors(load_vectors(export_vectors(model, tmp_path / f"v{ending}")), model)


def test_same_vectors_make_the_same_file(tmp_path):
    for ending in (".txt.gz", ".bin.gz", ".kv"):
        one, two = (export_vectors(small(), tmp_path / f"{name}{ending}") for name in "ab")
        assert one.read_bytes() == two.read_bytes()


# Variants that are right


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"2 2\na 1 2 \nb 3 4 \n", ["a", "b"]),  # the original word2vec ends lines with a space
        (b"2 2\r\na 1 2\r\nb 3 4\r\n", ["a", "b"]),
        (b"\xef\xbb\xbf2 2\na 1 2\nb 3 4", ["a", "b"]),
        (b"2\t2\na\t1\t2\nb\t+3\t4e0\n\n", ["a", "b"]),
        (b"a 1 2\n. . 3 4\n", ["a", ". ."]),
        (b"1 1 2\n2 3 4\n", ["1", "2"]),  # numbers may be words
        (b"2 2\nna\xefve 1 2\nb 3 4\n", ["na\\xefve", "b"]),
        ("2 2\nnew\u2028york 1 2\na\u00a0b 3 4\n".encode(), ["new\u2028york", "a\u00a0b"]),
    ],
)
def test_text_variants(text, words, tmp_path):
    path = tmp_path / "v"
    path.write_bytes(text)
    model = load_vectors(path)
    assert model.words == words
    np.testing.assert_array_equal(model.U, [[1, 2], [3, 4]])
    assert model.C is model.counts is model.settings is None


@pytest.mark.parametrize("separator", [b"", b"\n"])
def test_binary_with_and_without_line_feeds(separator, tmp_path):
    rows = [b"a " + np.float32([1, 2]).tobytes(), b"\xff " + np.float32([3, 4]).tobytes()]
    path = tmp_path / "v"
    path.write_bytes(b"2 2\n" + separator.join(rows) + separator)
    model = load_vectors(str(path))
    assert model.words == ["a", "\\xff"]
    np.testing.assert_array_equal(model.U, [[1, 2], [3, 4]])


# gensim on the other side


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_files_of_gensim_are_read(trained, binary, packed, tmp_path):
    path = tmp_path / f"v{packed}"
    trained.wv.save_word2vec_format(str(path), binary=binary)
    model = load_vectors(path)
    assert model.words == trained.wv.index_to_key
    np.testing.assert_array_equal(model.U, trained.wv.vectors)


@pytest.mark.parametrize("ending", [".txt", ".txt.gz", ".bin", ".bin.gz"])
def test_gensim_reads_our_word2vec(ending, tmp_path):
    from gensim.models import KeyedVectors

    path = export_vectors(small(), tmp_path / f"v{ending}", matrix="output")
    keyed = KeyedVectors.load_word2vec_format(str(path), binary=".bin" in ending)
    assert keyed.index_to_key == small().words
    np.testing.assert_array_equal(keyed.vectors, -small().U)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # gensim leaves the file open
def test_gensim_reads_our_glove(tmp_path):
    from gensim.models import KeyedVectors

    path = export_vectors(small(), tmp_path / "v.glove")
    keyed = KeyedVectors.load_word2vec_format(str(path), no_header=True)
    np.testing.assert_array_equal(keyed.vectors, small().U)


def test_gensim_reads_our_keyed_vectors(tmp_path):
    from gensim.models import KeyedVectors

    # Also an array beyond gensim's limit for separate files stays in the one file.
    U = np.random.default_rng(3).normal(size=(2, 1_400_000)).astype(np.float32)
    path = export_vectors(SkipGram(["a", "b"], U), tmp_path / "large.kv")
    np.testing.assert_array_equal(KeyedVectors.load(str(path)).vectors, U)
    path = export_vectors(small(), tmp_path / "v.kv")
    keyed = KeyedVectors.load(str(path))
    assert keyed.get_vecattr("he", "count") == 70
    np.testing.assert_array_equal(load_vectors(path, allow_pickle=True).counts, small().counts)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["large.kv", "v.kv"]


@pytest.mark.parametrize(("name", "separately"), [("m.model", None), ("m.gz", None), ("m", ["syn1neg"])])
def test_a_word2vec_model_keeps_output_vectors_counts_and_settings(trained, name, separately, tmp_path):
    path = tmp_path / name
    trained.save(str(path), separately=separately)
    model = load_vectors(path, allow_pickle=True)
    assert model.words == trained.wv.index_to_key
    np.testing.assert_array_equal(model.U, trained.wv.vectors)
    np.testing.assert_array_equal(model.C, trained.syn1neg)
    assert model.counts.tolist() == [trained.wv.get_vecattr(word, "count") for word in model.words]
    assert model.settings == TrainingSettings(
        trainer="gensim", dim=6, window=3, negative=4, epochs=2, min_count=2, sample=1e-2, seed=9, workers=1
    )
    assert "gensim Word2Vec" in model.source


def test_a_gzipped_pickle_is_known_by_its_content(trained, tmp_path):
    trained.wv.save(str(tmp_path / "v.kv"))
    path = tmp_path / "packed"
    path.write_bytes(gzip.compress((tmp_path / "v.kv").read_bytes()))
    np.testing.assert_array_equal(load_vectors(path, allow_pickle=True).U, trained.wv.vectors)
    with pytest.raises(InputError, match="pickle"):
        load_vectors(path)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"sg": 0}, "CBOW"),
        ({"sg": 1, "hs": 1}, "hierarchical softmax"),
        ({"sg": 1, "hs": 1, "negative": 0}, "hierarchical softmax"),
    ],
)
def test_models_of_another_loss_give_input_vectors_only(options, reason, tmp_path):
    from gensim.models import Word2Vec

    path = tmp_path / "m.model"
    Word2Vec([["a", "b", "c"]] * 9, vector_size=4, min_count=1, workers=1, **options).save(str(path))
    model = load_vectors(path, allow_pickle=True)
    assert model.C is None
    assert model.settings is None
    assert model.counts.tolist() == [9, 9, 9]
    assert reason in model.source


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"shrink_windows": False}, "fixed size"), ({"sample": 3}, "count"), ({"min_alpha": 0}, "min_alpha")],
)
def test_settings_that_do_not_fit_are_left_out_but_not_the_vectors(options, reason, tmp_path):
    from gensim.models import Word2Vec

    path = tmp_path / "m.model"
    Word2Vec([["a", "b", "c"]] * 9, vector_size=4, min_count=1, workers=1, sg=1, **options).save(str(path))
    model = load_vectors(path, allow_pickle=True)
    assert model.C is not None
    assert model.settings is None
    assert reason in model.source


def test_fasttext_and_counts_that_gensim_made_up(tmp_path):
    from gensim.models import FastText, KeyedVectors

    FastText([["aa", "bb"]] * 9, vector_size=4, min_count=1, workers=1, sg=1, bucket=10).save(str(tmp_path / "f"))
    model = load_vectors(tmp_path / "f", allow_pickle=True)
    assert model.C is None
    assert "FastText" in model.source
    text = export_vectors(small(), tmp_path / "v.txt")
    KeyedVectors.load_word2vec_format(str(text)).save(str(tmp_path / "v.kv"))
    assert load_vectors(tmp_path / "v.kv", allow_pickle=True).counts is None


# Pickles that are wrong


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("packed", [False, True])
def test_a_pickle_is_refused_without_running_it(protocol, packed, tmp_path):
    target = tmp_path / "harm"
    path = tmp_path / "vectors.txt"
    data = pickle.dumps(Malicious(target), protocol)
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(InputError, match="can run any code") as caught:
        load_vectors(path)
    assert "--allow-pickle" in caught.value.next
    assert "save_word2vec_format" in caught.value.next
    assert not target.exists()
    pickle.loads(data)
    assert target.exists()  # it would have


@pytest.mark.parametrize("protocol", [0, 1])
def test_old_pickles_are_no_vectors_even_when_pickles_are_allowed(protocol, tmp_path):
    target = tmp_path / "harm"
    (tmp_path / "v").write_bytes(pickle.dumps(Malicious(target), protocol))
    with pytest.raises(InputError, match="not in a format"):
        load_vectors(tmp_path / "v", allow_pickle=True)
    assert not target.exists()


@pytest.mark.parametrize("content", [{"a": 1}, [1, 2], np.eye(3), TrainingSettings()])
def test_a_pickle_of_something_else(content, tmp_path):
    (tmp_path / "v").write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match="not word vectors of gensim"):
        load_vectors(tmp_path / "v", allow_pickle=True)


def test_a_missing_array_beside_the_model_is_named(trained, tmp_path):
    trained.save(str(tmp_path / "m.model"), separately=["syn1neg"])
    (tmp_path / "m.model.syn1neg.npy").unlink()
    with pytest.raises(InputError, match=r"m\.model\.syn1neg\.npy is missing"):
        load_vectors(tmp_path / "m.model", allow_pickle=True)


# Text and binary that are wrong

ROW = b"a 0.25 0.50 0.75\n"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"\n\n", "not in a format"),
        (b"2 3\n", "promises 2 vectors"),
        (b"2 3", "promises 2 vectors"),
        (b"hello\n", "not in a format"),
        (b"hello world\n", "not in a format"),
        (b"a,1,2\nb,3,4\n", "not in a format"),
        (b"0 3\n" + ROW, "header says 0 vectors"),
        (b"1 0\n" + ROW, "0 numbers"),
        (b"-1 3\n" + ROW, "header says -1 vectors"),
        (b"1 -3\n" + ROW, "-3 numbers"),
        (b"1 9999999999\n" + ROW, "9999999999 numbers"),
        (b"3 3\n" + ROW + b"b 0.25 0.50 0.75\n", "ends after 2 of the 3"),
        (b"1 3\n" + ROW + b"b 0.25 0.50 0.75\n", "there are more"),
        (b"2 3\n" + ROW + b"b 0.25 0.50000000\n", "line 3 has 2 fields"),
        (b"2 3\n" + ROW + b"b 0.25 0.50 0.75 1.00\n", "line 3 has 4 fields"),
        (b"2 3\n" + ROW + b"\nb 0.25 x.50 0.75\n", "line 4: 'x.50' is not a number"),
        (b"2 3\n" + ROW + b"b 0.25 0_50 0.75\n", "line 3: '0_50' is not a number"),
        (b"2 3\n" + ROW + b"b 0,25 0.50 0.75\n", "line 3: '0,25' is not a number"),
        (b"2 3\n" + ROW + b"b 0.25-0.50  0.75\n", "line 3 has 2 fields"),
        (b"2 3\n" + ROW + b" 0.25 0.50 0.75\n", "line 3 begins with white space"),
        (b"1 3\na b c d e f g\n", "line 2: 'e' is not a number"),
        (b"2 3\n" + ROW + ROW, "'a' has two vectors"),
        (b"2 3\n" + ROW + b"b nan 0.50 0.75\n", "'b' is not finite"),
        (b"2 3\n" + ROW + b"b 0.25 -inf 0.75\n", "'b' is not finite"),
        (b"2 3\n" + ROW + b"b 0.25 0.5 1e39\n", "'b' is not finite"),
        (ROW + ROW.replace(b"a", b"b") + b"c 0.25 0.5\n", "line 3 has 2 fields"),
        (ROW + ROW.replace(b"a", b"b") + b"c 0.25 0.5 0.75 1.0\n", "line 3 has 4 fields"),
        (ROW + ROW.replace(b"a", b"b") + b"c 0.25 ? 0.75\n", "is not a number"),
        (b"title\n" + ROW + ROW, "line 1 has 0 fields"),
        (b"2 2\na " + np.float32([1, 2]).tobytes() + b"b" * 20, "ends after 1 of the 2"),
        (b"1 2\na " + np.float32([1, 2]).tobytes() + b"b", "goes on after the 1 vectors"),
        (b"2 2\na " + np.float32([1, 2]).tobytes() + b" " + np.float32([1, 2]).tobytes() + b"b", "no word"),
        (b"2 2\n" + bytes(1_200_000), "no word stands before vector 1"),
        (b"1 1\na " + np.float32([np.nan]).tobytes(), "'a' is not finite"),
        (bytes(range(256)) * 20, "not in a format"),
        (b"PK\x03\x04" + bytes(50), "zip"),
        (b"x" * 3_000_000, "not in a format"),
        (b"1 1\n" + b"x" * 3_000_000, "without a line break"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_bad_files_name_what_where_and_next(data, what, packed, tmp_path):
    path = tmp_path / "vectors"
    path.write_bytes(gzip.compress(data) if packed else data)
    if packed and what.startswith("promises"):
        what = "ends after 0 of the 2"  # how many bytes will follow is not known
    with pytest.raises(InputError) as caught:
        load_vectors(path)
    assert what in caught.value.what
    assert str(path) in caught.value.where
    assert caught.value.next


@pytest.mark.parametrize("dim", [b"100", b"1000000"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("row", [b"a" + b" 0.5" * 100 + b"\n", b"a " + np.ones(100, "<f4").tobytes()])
def test_a_header_that_promises_too_much_allocates_nothing(dim, packed, row, tmp_path):
    data = b"1000000000000 " + dim + b"\n" + row
    path = tmp_path / "v"
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(InputError):  # the first time also imports what parsing needs
        load_vectors(path)
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            load_vectors(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_vectors(tmp_path / "none")
    with pytest.raises(InputError, match="not a run folder"):
        load_vectors(tmp_path)


# Export


@pytest.mark.parametrize("format", FORMATS)
def test_a_named_format_goes_before_the_ending(format, tmp_path):
    path = export_vectors(small(), tmp_path / "v.other", format=format)
    same_vectors(load_vectors(path, allow_pickle=True), small())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("v", {}),
        ("v.csv", {}),
        ("v.gz", {}),
        ("v.kv.gz", {}),
        ("v.txt", {"format": "csv"}),
        ("v.txt", {"matrix": "both"}),
    ],
)
def test_wrong_usage_of_export(name, options, tmp_path):
    with pytest.raises(UsageError):
        export_vectors(small(), tmp_path / name, **options)
    assert not list(tmp_path.iterdir())


def test_an_unknown_ending_lists_the_choices(tmp_path):
    with pytest.raises(UsageError) as caught:
        export_vectors(small(), tmp_path / "v.csv")
    assert all(ending in caught.value.next for ending in (".txt", ".vec", ".bin", ".kv", ".glove"))


@pytest.mark.parametrize(
    ("word", "ending", "fits"),
    [
        ("new york", ".txt", False),
        ("new york", ".bin", False),
        ("new york", ".glove", True),
        ("new york", ".kv", True),
        ("route 66", ".glove", False),
        ("a\nb", ".glove", False),
        (" a", ".glove", False),
        ("", ".txt", False),
        ("", ".glove", False),
        ("a\tb", ".txt", False),
        ("\ud800", ".txt", False),
        ("a\u00a0b", ".txt", True),
    ],
)
def test_words_that_a_format_cannot_hold_are_refused(word, ending, fits, tmp_path):
    model = SkipGram(["first", word, "last"], small().U[:3])
    if fits:
        path = export_vectors(model, tmp_path / f"v{ending}")
        same_vectors(load_vectors(path, allow_pickle=True), model)
    else:
        with pytest.raises(InputError, match="cannot hold it"):
            export_vectors(model, tmp_path / f"v{ending}")
        assert not list(tmp_path.iterdir())


def test_export_without_output_vectors_or_words(tmp_path):
    model = SkipGram(["a"], small().U[:1])
    with pytest.raises(InputError, match="no output vectors"):
        export_vectors(model, tmp_path / "v.txt", matrix="output")
    with pytest.raises(InputError, match="no vectors"):
        export_vectors(SkipGram([], np.empty((0, 3), np.float32)), tmp_path / "v.txt")


def test_a_failed_export_leaves_the_old_file(tmp_path, monkeypatch):
    path = export_vectors(small(), tmp_path / "v.txt")
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("clif.formats.exporting.os.fsync", full)
    with pytest.raises(InputError, match="No space left"):
        export_vectors(SkipGram(["b"], small().U[:1]), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["v.txt"]


def test_export_into_a_missing_folder_or_onto_one(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        export_vectors(small(), tmp_path / "none" / "v.txt")
    (tmp_path / "v.txt").mkdir()
    with pytest.raises(ClifError, match="cannot be written"):
        export_vectors(small(), tmp_path / "v.txt")
    shutil.rmtree(tmp_path / "v.txt")
    assert not list(tmp_path.iterdir())
