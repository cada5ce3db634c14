"""The report's tables: one file of this folder per table, found by being there.

A file defines ``PART``, a :class:`~hyperseg.report.part.Part` whose ``build`` gives tables from the report's inputs.
"""

from hyperseg.report.part import Part, parts_of
from hyperseg.report.tables.model import Table


def table_parts() -> tuple[Part[Table], ...]:
    """Every table of this folder, in the order of the page."""
    return parts_of(__name__)
