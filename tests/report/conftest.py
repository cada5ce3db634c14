from pathlib import Path

import pytest
import record_factory

from hyperseg.report.claims import Claims, read_claims
from hyperseg.report.collection import Collection, load
from hyperseg.report.facts import PaperRow, PeerRow, read_paper, read_peers

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def paper() -> tuple[PaperRow, ...]:
    return read_paper(ROOT / "results/paper/paper.csv")


@pytest.fixture(scope="session")
def rivals() -> tuple[PeerRow, ...]:
    """All published rows of the repository."""
    return tuple(row for path in sorted((ROOT / "results/published").glob("*.csv")) for row in read_peers(path))


@pytest.fixture(scope="session")
def demo_records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records of a made-up demo campaign, as files."""
    return record_factory.write(tmp_path_factory.mktemp("records"), record_factory.demo())


@pytest.fixture(scope="session")
def demo(demo_records: Path) -> Collection:
    return load([demo_records])


@pytest.fixture(scope="session")
def claims(root: Path) -> Claims:
    return read_claims(root / "results/paper/paper.csv")
