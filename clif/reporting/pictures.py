"""The pictures of a run, for its report and for papers: each knows how to draw itself from what was gathered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clif.objectives.kinds import WEAT_KIND
from clif.reporting import drawings
from clif.reporting.gathering import Findings
from clif.reporting.results import Retraining
from clif.showing.pictures import drawing, png, svg
from clif.showing.telling import done_until
from clif.tradeoffs.picture import size_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = {
    "effect-sizes": "effect sizes of the audit's tests of WEAT, with intervals over the models that the run keeps",
    "influence": "influence of all documents, in rank order",
    "groups": "influence by the fields of the documents",
    "retraining": "bias before and after each retraining, beside random sets",
    "verification": "predicted against realised changes",
    "curve": "bias against documents or sentences removed, on the way to a goal",
    "tradeoffs": "what each retraining did to the other tests",
    "policies": "bias against usefulness, by several ways to lower the bias",
    "words": "the words of the test in two dimensions, before and after",
    "convergence": "residual of each stored solve by products taken",
}
# How a run comes by what a picture shows.
MAKE = {
    "effect-sizes": "a vocabulary that covers a test of WEAT",
    "groups": "documents that have fields, such as a year or a source",
    "retraining": "clif retrain --remove-top-k 100",
    "verification": "clif verify",
    "curve": "clif retrain --until 0.3",
    "tradeoffs": "clif retrain --remove-top-k 100, and a vocabulary that covers another test",
    "policies": "clif tradeoff, and a vocabulary with words of WordSim-353 or analogies",
    "words": "clif retrain --remove-top-k 100",
    "convergence": "clif rank --method clif --no-cache",
}


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of one kind: `name` for a file, `title`, and `text` for those who do not see it; size in inches."""

    kind: str
    name: str
    title: str
    text: str
    size: tuple[float, float]
    draw: Callable[[Figure], None]

    def svg(self, titled: bool = True) -> str:
        """The picture as SVG, the same bytes from the same run."""
        with drawing(*self.size) as figure:
            self._fill(figure, titled)
            return svg(figure)

    def png(self) -> bytes:
        """The picture as PNG."""
        with drawing(*self.size) as figure:
            self._fill(figure, titled=True)
            return png(figure)

    def _fill(self, figure: Figure, titled: bool) -> None:
        if titled:
            figure.suptitle(drawings.label(self.title, 90), fontsize=9, x=0.02, ha="left")
        self.draw(figure)


def all_pictures(findings: Findings) -> Iterator[Picture]:
    """Every picture that the run has something for, in the order of the report."""
    yield from effect_sizes(findings)
    yield from influence(findings)
    yield from groups(findings)
    for one in findings.retrainings:
        yield from of_retraining(one)
    yield from policies(findings)
    yield from verifications(findings)
    yield from convergence(findings)


def effect_sizes(findings: Findings) -> Iterator[Picture]:
    """The audit, as far as it is of WEAT: other kinds have other scales."""
    tests = [one for one in findings.audited.tests if one.result.kind == WEAT_KIND]
    models = len(findings.audited.seeds)
    if not tests:
        return
    found = "; ".join(f"{one.result.test} {one.result.value:+.2f}" for one in tests)
    spread = f", with the mean and its 95% interval over {models} models" if models > 1 else ""
    size = (5.0, 0.75 + 0.26 * len(tests))
    yield Picture(
        "effect-sizes", "effect-sizes", f"Effect sizes{spread}", f"Effect sizes: {found}.", size,
        lambda figure: drawings.effect_sizes(figure, tests),
    )  # fmt: skip


def influence(findings: Findings) -> Iterator[Picture]:
    """The ranking."""
    about = findings.ranking.about
    values, crossing = findings.ranking.influence, about["zero_crossing"]
    text = (
        f"Influence of {len(values):,} documents in rank order, from {values[0]:+.2g} at rank 1 to {values[-1]:+.2g} "
        "at the last rank; most lie near zero."
    )
    yield Picture(
        "influence", "influence", f"Influence on {about['test']} by {about['method']}, in rank order", text, (5.0, 2.5),
        lambda figure: drawings.influence(figure, values, crossing),
    )  # fmt: skip


def groups(findings: Findings) -> Iterator[Picture]:
    """Influence by each field."""
    for one in findings.groups:
        shown = drawings.strongest(one, findings.sign)
        first, sums = one.columns["group"][0], one.columns["influence"]
        yield Picture(
            "groups", f"groups.{drawings.slug(one.field)}", f"Influence added up by {one.field}",
            f"Influence by {one.field}: {len(one):,} groups; at rank 1 {first} with {sums[0]:+.2g}, at the last "
            f"{one.columns['group'][-1]} with {sums[-1]:+.2g}. The table below has them.",
            drawings.size_of_groups(shown),
            lambda figure, shown=shown: drawings.groups(figure, shown),  # type: ignore[misc]
        )  # fmt: skip


def of_retraining(one: Retraining) -> Iterator[Picture]:
    """What came of one retraining: the bias, the way to a goal, the other tests, the words."""
    values, name = one.values, one.folder.name
    what = one.edited
    text = ", ".join(
        f"{label} {values[key]['mean']:+.3g}"
        for key, label in (("before", "before"), ("after", "after"), ("controls", "with random sets"))
        if values[key]["runs"]
    )
    yield Picture(
        "retraining", f"retraining.{name}", f"{one.test}, {what}", f"Bias by run; means: {text}.", (5.0, 1.75),
        lambda figure: drawings.retraining(figure, values),
    )  # fmt: skip
    if values["until"]:
        yield Picture(
            "curve", f"curve.{name}", f"{one.test}, until {values['until']['goal']}",
            f"Bias against {done_until(values['until'])}: predicted as a line, retrained as points. The table "
            "below has them.",
            (5.0, 3.0), lambda figure: drawings.curve(figure, values["until"]),
        )  # fmt: skip
    others = {test: found for test, found in values["tests"].items() if test != one.test}
    if others:
        yield Picture(
            "tradeoffs", f"tradeoffs.{name}", f"Change of the other tests, {what} for {one.test}",
            "Change of the effect size of the other tests, by the edit and by random sets. The table below has them.",
            (5.0, 0.9 + 0.3 * len(others)), lambda figure: drawings.tradeoffs(figure, others),
        )  # fmt: skip
    moved = one.words()
    if moved is not None:
        yield Picture(
            "words", f"words.{name}", f"Words of {one.test}, before and after ({what})",
            "A map of the words of the test by the first two principal components of their vectors before; an arrow "
            "leads to where a word is after.",
            drawings.size_of_words(moved), lambda figure: drawings.words(figure, moved),
        )  # fmt: skip


def policies(findings: Findings) -> Iterator[Picture]:
    """Each trade-off whose usefulness could be measured."""
    for one in findings.tradeoffs:
        values = one.values
        if not one.measured:
            continue
        seeds = len(values["seeds"])
        yield Picture(
            "policies", f"policies.{one.folder.name}",
            f"{one.test}: bias against usefulness, mean and deviation of {seeds} seed{'s' * (seeds > 1)}",
            "Bias against usefulness of the vectors, a line a policy. The table below has the points.",
            size_of(values), lambda figure, values=values: drawings.policies(figure, values),  # type: ignore[misc]
        )  # fmt: skip


def verifications(findings: Findings) -> Iterator[Picture]:
    """Predicted against realised, a picture a verification and test, by the method that was asked for first."""
    for one in findings.verifications:
        for test in one.tests:
            method = next(method for name, method in one.sets if name == test)
            sets = one.sets[test, method]
            chosen = sum(each["kind"] in ("reduce", "increase") for each in sets)
            yield Picture(
                "verification", f"verification.{one.folder.name}.{drawings.slug(test)}",
                f"{test}, predicted by {method}, against retraining",
                f"Predicted and realised changes of {len(sets)} sets of documents, {chosen} of them chosen by the "
                "ranking; on the dashed line predictions come true.",
                (4.4, 4.0), lambda figure, sets=sets: drawings.verification(figure, sets),  # type: ignore[misc]
            )  # fmt: skip


def convergence(findings: Findings) -> Iterator[Picture]:
    """The solves that say more than their last residual."""
    solves = [one for one in findings.solves if len(one["report"].get("residuals", ())) > 1]
    if solves:
        last = "; ".join(
            f"{one['question']['method']} for {one['question']['test']['name']} {one['report']['residual']:.1e} after "
            f"{one['report']['iterations']} products"
            for one in solves
        )
        yield Picture(
            "convergence", "convergence", "Relative residual by products with the curvature",
            f"Relative residuals fall: {last}.", (5.0, 2.6), lambda figure: drawings.convergence(figure, solves),
        )  # fmt: skip


def write_picture(picture: Picture, path: Path) -> Path:
    """Write it in the format of the ending of `path`, .svg or .png."""
    from clif.storage.files import whole_file, write_marked

    if path.suffix == ".png":
        with whole_file(path) as temporary:
            temporary.write_bytes(picture.png())
    else:
        write_marked(path, picture.svg())
    return path
