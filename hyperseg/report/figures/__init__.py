"""The report's figures: one file of this folder per figure, found by being there.

The same records give the same bytes.
"""

from hyperseg.report.figures.style import Picture
from hyperseg.report.part import Part, parts_of


def figure_parts() -> tuple[Part[Picture], ...]:
    """Every figure of this folder, in the order of the page."""
    return parts_of(__name__)
