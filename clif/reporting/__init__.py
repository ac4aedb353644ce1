"""What a run holds as one HTML page, and as pictures for papers."""

from clif.reporting.gathering import Findings, gather
from clif.reporting.making import PICTURES, REPORT, Pictures, Report, plot, report
from clif.reporting.pictures import KINDS, Picture, all_pictures

__all__ = [
    "KINDS",
    "PICTURES",
    "REPORT",
    "Findings",
    "Picture",
    "Pictures",
    "Report",
    "all_pictures",
    "gather",
    "plot",
    "report",
]
