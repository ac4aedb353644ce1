"""Word vectors in the formats of other tools: word2vec text and binary, GloVe, gensim."""

from clif.formats.exporting import FORMATS, export_vectors
from clif.formats.loading import load_vectors
from clif.formats.memory import Vectors, keyed_vectors, vectors_of

__all__ = ["FORMATS", "Vectors", "export_vectors", "keyed_vectors", "load_vectors", "vectors_of"]
