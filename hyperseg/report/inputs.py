"""What a report is made from: records, and published facts."""

from dataclasses import dataclass

import pandas as pd

from hyperseg.report.collection import Collection
from hyperseg.report.facts import PaperRow, PeerRow


@dataclass(frozen=True)
class Inputs:
    """Everything a table or a figure may use."""

    collection: Collection
    paper: tuple[PaperRow, ...] = ()
    peers: tuple[PeerRow, ...] = ()
    claims: pd.DataFrame | None = None  # the verdicts on the paper's claims, see hyperseg.report.coverage
