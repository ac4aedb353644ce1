"""Pictures by matplotlib: one look, colours that stay apart for every reader, the same bytes from the same figures."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which readers who do not see red and green tell apart.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#777777",
)  # fmt: skip
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY)

_STYLE: Any = {
    "svg.hashsalt": "clif",  # names of elements in SVG would be random
    "svg.fonttype": "none",  # text stays text
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#eeeeee",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """A figure of this size in inches, in clif's style, to draw on within the block."""
    import matplotlib as mpl
    from matplotlib.figure import Figure  # no window, no global state

    with mpl.rc_context(_STYLE):
        yield Figure(figsize=(width, height), layout="constrained")


def svg(figure: Figure) -> str:
    """The figure as SVG, without the date; call it within `drawing`."""
    text = io.StringIO()
    _save(figure, text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def png(figure: Figure) -> bytes:
    """The figure as PNG at a resolution for print; call it within `drawing`."""
    image = io.BytesIO()
    _save(figure, image, format="png", dpi=200, metadata={"Software": None})
    return image.getvalue()


def _save(figure: Figure, file: IO[Any], **options: Any) -> None:
    with warnings.catch_warnings():
        # Names in scripts that the font lacks: in SVG text stays text, and the reader's own fonts have them.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(file, **options)
