"""Kinds of bias tests: which sets of words each needs, by which measures it is read, and where it comes from.

A kind is data and a maker: `make` turns the words of a test that a vocabulary holds into an objective. Those of this
package are in KINDS; others come with installed packages (see `clif.objectives.plugins`) and are imported only where a
test names them. In all of them zero means no bias, as documents are ranked by what brings T nearer zero.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from clif.errors import UsageError

if TYPE_CHECKING:
    from clif.objectives.bias_tests import BiasTest
    from clif.objectives.coverage import Coverage

WEAT_KIND = "weat"


@dataclass(frozen=True)
class Kind:
    """One way to measure a bias.

    name        as a test says it: kind = "ripa"
    summary     one line that says what is measured
    source      the paper
    measures    ways to read it; the first is the default
    make        from a Coverage to an objective: a `BiasObjective`, or a `Measurable` for kinds that are not ranked for
    least       how many words each set needs that it needs at all, by X, Y, A, B
    optional    sets that may be there too
    positive    what a positive value says, with {X}, {Y}, {A}, {B} for the labels of the sets
    part        what the part of T that belongs to a target word says of the word, with the same places
    towards     the sign of a part where the word goes with A: 1 or -1, 0 where parts do not tell A from B
    paired      whether A and B are pairs, the first word of A with the first of B and so on
    small       whether sets of fewer than four words will do, if all of their words are known
    permutes    whether exchanging words between X and Y gives a p-value: the parts are then one a target word, X first
    ranked      whether it has a gradient, so that documents can be ranked for it
    options     numbers that a test may set in its table [options], with their defaults
    published   from T to the number as the paper has it, where that is another one
    test        a test of its own that a plug-in may bring, for --test NAME; a BiasTest or the path of a TOML file
    """

    name: str
    summary: str
    source: str
    measures: tuple[str, ...]
    make: Callable[[Coverage], Any]
    least: Mapping[str, int] = field(default_factory=lambda: {"X": 1, "A": 1, "B": 1})
    optional: tuple[str, ...] = ()
    positive: str = "{X} with {A}"
    part: str = "the part of T that is the word's own"
    towards: int = 0
    paired: bool = False
    small: bool = True
    permutes: bool = False
    ranked: bool = True
    options: Mapping[str, float] = field(default_factory=dict)
    published: Callable[[float], float] | None = None
    test: Any = None

    def check_measure(self, measure: str | None) -> str:
        """The measure asked for, or the default; raises UsageError for one that the kind does not have."""
        if measure is None:
            return self.measures[0]
        if measure not in self.measures:
            raise UsageError(
                f"unknown measure {measure!r} for a test of kind {self.name!r}",
                where="--measure",
                next=f"Choose one of: {', '.join(self.measures)}.",
            )
        return measure

    def in_words(self, text: str, labels: Mapping[str, str]) -> str:
        """`positive` or `part` with the labels of a test's sets, which may hold braces themselves."""
        parts = re.split(r"\{([XYAB])\}", text)
        return "".join(labels[part] if place % 2 else part for place, part in enumerate(parts))

    def to_dict(self) -> dict[str, Any]:
        """What a list of kinds says of it."""
        return {
            "kind": self.name,
            "summary": self.summary,
            "source": self.source,
            "measures": list(self.measures),
            "sets": [*self.least, *(f"{key} (optional)" for key in self.optional)],
            "paired": self.paired,
            "ranked": self.ranked,
            "options": dict(self.options),
        }


def _make(module: str, name: str, coverage: Coverage) -> Any:
    return getattr(importlib.import_module(f"clif.objectives.{module}"), name)(coverage)


def _by(module: str, name: str) -> Callable[[Coverage], Any]:
    """Makes an objective of a class that is imported when it is first needed: classes read tests, and tests kinds."""
    return partial(_make, module, name)


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            WEAT_KIND,
            "two sets of targets against two of attributes, by cosines",
            "Caliskan, Bryson and Narayanan 2017, Science 356:183",
            ("effect_size", "mean_difference"),
            _by("weat", "WEAT"),
            least={"X": 2, "Y": 2, "A": 2, "B": 2},
            positive="{X} with {A}, {Y} with {B}",
            part="Association: how much closer a word is to {A} than to {B}",
            towards=1,
            small=False,
            permutes=True,
        ),
        Kind(
            "sc-weat",
            "one set of targets: each word's own effect size against two sets of attributes, and their mean",
            "Caliskan, Bryson and Narayanan 2017, Science 356:183 (WEFAT)",
            ("effect_size", "mean_difference"),
            _by("sc_weat", "SCWEAT"),
            least={"X": 1, "A": 2, "B": 2},
            part="Association: how much closer a word is to {A} than to {B}",
            towards=1,
        ),
        Kind(
            "ripa",
            "inner product of the words with the direction from B to A, from pairs",
            "Ethayarajh, Duvenaud and Hirst 2019, ACL, Understanding Undesirable Word Embedding Associations",
            ("ripa",),
            _by("ripa", "RIPA"),
            part="Inner product of a word with the direction from {B} to {A}",
            towards=1,
            paired=True,
        ),
        Kind(
            "direct",
            "direct bias: size of the cosine between the words and the direction from B to A, from pairs",
            "Bolukbasi, Chang, Zou, Saligrama and Kalai 2016, NeurIPS, Man is to Computer Programmer as Woman is to "
            "Homemaker?",
            ("direct", "projection"),
            _by("direct", "DirectBias"),
            positive="direct: {X} along the direction from {B} to {A}, either way; projection: {X} with {A}",
            part="Cosine of a word with the direction from {B} to {A}",
            towards=1,
            paired=True,
            options={"c": 1.0},
        ),
        Kind(
            "same",
            "size of the cosine between the words and the difference of the mean attributes",
            "Schroeder, Schulz and Hammer 2024, IJCNN, The SAME score (arXiv:2203.14603)",
            ("same", "skew", "stereotype"),
            _by("same", "SAME"),
            positive="same: {X} along the direction from {B} to {A}, either way; skew: {X} with {A}; stereotype: some "
            "words of {X} more than others",
            part="Cosine of a word with the direction from {B} to {A}",
            towards=1,
        ),
        Kind(
            "rnd",
            "relative norm distance: how much farther the words are from the middle of A than from that of B",
            "Garg, Schiebinger, Jurafsky and Zou 2018, PNAS 115:E3635",
            ("rnd",),
            _by("rnd", "RelativeNormDistance"),
            positive="{X} nearer to {B} than to {A}, as the paper has it",
            part="How much farther a word is from {A} than from {B}",
            towards=-1,
        ),
        Kind(
            "mac",
            "1 - MAC: mean cosine of all targets with both sets of attributes",
            "Manzini, Lim, Tsvetkov and Black 2019, NAACL, Black is to Criminal as Caucasian is to Police",
            ("one_minus_mac",),
            _by("mac", "MAC"),
            optional=("Y",),
            positive="targets near {A} and {B} (the paper's MAC is 1 minus this, and 1 where there is no bias)",
            part="Mean cosine of a word with {A} and {B}",
            published=lambda T: 1 - T,
        ),
        Kind(
            "rnsb",
            "relative negative sentiment bias: how unevenly a classifier of A against B calls the targets negative",
            "Sweeney and Najafian 2019, ACL, A Transparent Framework for Evaluating Unintended Demographic Bias",
            ("rnsb",),
            _by("rnsb", "RNSB"),
            least={"X": 2, "A": 2, "B": 2},
            optional=("Y",),
            positive="some targets are called more negative than others (A positive words, B negative ones)",
            ranked=False,
        ),
        Kind(
            "ect",
            "1 - ECT: how differently the middles of A and of B order the words by similarity",
            "Dev and Phillips 2019, AISTATS, Attenuating Bias in Word Vectors",
            ("one_minus_ect",),
            _by("ect", "ECT"),
            least={"X": 3, "A": 1, "B": 1},
            positive="{A} and {B} order {X} differently (the paper's ECT is 1 minus this; 1 where there is no bias)",
            ranked=False,
            published=lambda T: 1 - T,
        ),
    )
}


def find_kind(name: str) -> Kind:
    """A kind by its name; a plug-in's is imported.

    Raises
    ------
    UsageError
        There is no such kind.
    InputError
        A plug-in cannot be used.

    """
    if name in KINDS:
        return KINDS[name]
    from clif.objectives.plugins import load_kind  # which knows how kinds are made

    return load_kind(name)


def kind_of(test: BiasTest) -> Kind:
    """The kind of a test; errors are those of `find_kind`."""
    return find_kind(test.kind)
