"""The figures of docs/large-corpora.md are those that its script works out, and the arithmetic is that of a hand."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def large(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    yield importlib.import_module("large")
    sys.modules.pop("large", None)


def test_the_page_has_the_tables_of_the_script(large):
    page = (ROOT / "docs/large-corpora.md").read_text("utf-8")
    for table in large.tables(large.WIKINEWS):
        assert table in page


def test_needs_by_hand(large):
    rates = large.WIKINEWS
    found = large.needs(10**9, rates)
    assert found.encode == pytest.approx(1000 * rates.encode / 3600)
    assert found.train == pytest.approx(5 * 1000 * rates.train / 3600)
    assert found.retrain == pytest.approx(14 * found.train)
    assert found.model == pytest.approx(found.words * 100 * 2 * 4)
    assert found.words == pytest.approx(31_405 * (1000 / 5.872363) ** 0.51)
    assert found.run == pytest.approx(4.75e9 + 5 * found.model)
    assert found.documents == pytest.approx(10**9 / 304.63, rel=1e-4)


def test_needs_of_the_corpus_itself_are_what_was_measured(large):
    rates = large.WIKINEWS
    found = large.needs(rates.tokens, rates)
    assert (found.words, found.pairs, found.documents) == (rates.words, rates.pairs, rates.documents)


@pytest.mark.parametrize(
    ("hours", "said"), [(0.001, "3.6 s"), (0.5, "30 min"), (1.5, "1.5 h"), (47, "47 h"), (240, "10 days")]
)
def test_durations(large, hours, said):
    assert large.duration(hours) == said


def test_sizes_and_numbers(large):
    assert large.size(2.5e9) == "2.5 GB"
    assert large.number(1e12) == "1 trillion"
    assert large.number(31_405) == "31,405"


def test_rates_of_a_small_corpus(large):
    found = large.measure(ROOT / "data/planted.jsonl", str(ROOT / "data/planted.toml"))
    assert (found.tokens, found.documents, found.words) == (73_831, 1000, 248)
    assert found.bytes_tokens == pytest.approx(4, abs=0.01)
    assert min(found.encode, found.train, found.count, found.score_block, found.score_clif, found.product) > 0
