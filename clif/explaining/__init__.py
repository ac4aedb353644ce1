"""Explain one document: which of its words, pairs of words and contexts give it its influence on a test."""

from clif.explaining.explanation import COLUMNS, Association, Explanation, PairShare, WordShare
from clif.explaining.making import explain, explain_many
from clif.explaining.passages import choose_passages
from clif.explaining.texts import DocumentText, read_text, read_texts

__all__ = [
    "COLUMNS",
    "Association",
    "DocumentText",
    "Explanation",
    "PairShare",
    "WordShare",
    "choose_passages",
    "explain",
    "explain_many",
    "read_text",
    "read_texts",
]
