"""Word vectors in the formats of other tools: word2vec text and binary, GloVe, gensim."""

from clif.formats.exporting import FORMATS, export_vectors
from clif.formats.loading import load_vectors

__all__ = ["FORMATS", "export_vectors", "load_vectors"]
