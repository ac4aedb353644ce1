"""The text of a document after an edit of its tokens: without sentences, or with other words, all else as written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import accumulate, pairwise

from clif.corpus.layouts import Revision
from clif.corpus.sentences import last_end
from clif.corpus.tokenising import Tokeniser


def cut_text(tokeniser: Tokeniser, text: str, lengths: Sequence[int], gone: Collection[int]) -> Revision:
    """Take the sentences `gone`, numbered from 1, out of a text whose sentences with words have `lengths` tokens.

    A sentence goes from the end of the one before it, with the white space there, to its own; its closing marks go with
    it. So what stays has the tokens of the other sentences, whatever is cut.
    """
    spans = tokeniser.spans(text)
    ends = list(accumulate(lengths))
    cuts = [0]
    for last in ends[:-1]:
        begin, end = spans[last - 1][1], spans[last][0]
        inside = None if tokeniser.pretokenised else last_end(text[begin:end])
        cuts.append(end if inside is None else begin + inside)
    pieces = [text[start:stop] for start, stop in pairwise([*cuts, len(text)])]
    kept = "".join(piece for number, piece in enumerate(pieces, 1) if number not in gone)
    return Revision(kept.strip(), tuple((number, pieces[number - 1].strip()) for number in sorted(gone)))


def replace_words(tokeniser: Tokeniser, text: str, other: Callable[[int, str], str | None]) -> Revision:
    """Replace words of a text: `other(n, word)` is what stands for its word n, from 0, or None to leave it."""
    parts, done = [], 0
    for n, (start, end) in enumerate(tokeniser.spans(text)):
        word = other(n, text[start:end])
        if word is not None:
            parts += [text[done:start], word]
            done = end
    return Revision("".join([*parts, text[done:]]))
