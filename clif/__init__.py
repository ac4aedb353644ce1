"""clif: which documents put the bias into a word embedding."""

__version__ = "0.1.0"
