"""Build one report: read records and facts, make tables, figures, metrics and the page, put them in place at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hyperseg.errors import UserError
from hyperseg.report.collection import Collection, load
from hyperseg.report.facts import PaperRow, PeerRow, read_paper, read_peers
from hyperseg.report.figures.accuracy_runtime import accuracy_runtime
from hyperseg.report.figures.classes import class_figures
from hyperseg.report.figures.published import published_figure
from hyperseg.report.figures.scaling import scaling_figure
from hyperseg.report.figures.training import training_figure
from hyperseg.report.metrics import to_json
from hyperseg.report.output import CONTENTS, check_replaceable, contents, replace_folder
from hyperseg.report.page.embed import Card, Photo, read_card, read_photo
from hyperseg.report.page.render import Contents, render
from hyperseg.report.tables.accuracy import accuracy_table
from hyperseg.report.tables.bench import bench_tables
from hyperseg.report.tables.classes import class_tables
from hyperseg.report.tables.formats import to_csv, to_latex, to_markdown
from hyperseg.report.tables.model import Table
from hyperseg.report.tables.published import published_table
from hyperseg.report.tables.runtime import runtime_tables
from hyperseg.report.tables.scaling import scaling_tables
from hyperseg.report.tables.speed import peers_table
from hyperseg.report.tables.summary import summary_table
from hyperseg.report.tables.training import training_table


@dataclass(frozen=True)
class Sources:
    """What a report is made from, besides records."""

    title: str | None = None
    paper: Path | None = None
    peers: Sequence[Path] = ()
    cards: Sequence[Path] = ()
    pictures: Sequence[Path] = ()


def build_report(out: Path, records: Sequence[Path], sources: Sources | None = None) -> Collection:
    """Write tables, figures, metrics.json and index.html to the folder `out`; returns what was reported.

    An earlier report in `out` is replaced as a whole; on any error it stays. Raises :class:`UserError` for records
    that do not fit, for two records of one cell, for facts that cannot be read and for a folder that is not a report's.
    """
    sources = sources or Sources()
    check_replaceable(out)
    collection = load(records)
    page = _contents(collection, sources)
    files = _files(collection, page)
    replace_folder(out, files | {CONTENTS: contents(collection, files)})
    return collection


def tables_of(collection: Collection, paper: Sequence[PaperRow]) -> list[Table]:
    """Every table that records alone give, in the order of the page."""
    accuracy = [accuracy_table(collection, paper), *class_tables(collection)] if collection.evaluation else []
    training = [training_table(collection)] if collection.training else []
    runtime = [*runtime_tables(collection, paper), *scaling_tables(collection), *_bench(collection)]
    return [summary_table(collection), *accuracy, *runtime, *training]


def _bench(collection: Collection) -> list[Table]:
    peers = peers_table(collection)
    return [*bench_tables(collection), *([peers] if peers.rows else [])]


def _contents(collection: Collection, sources: Sources) -> Contents:
    paper: tuple[PaperRow, ...] = read_paper(sources.paper) if sources.paper else ()
    peers: list[PeerRow] = [row for path in sources.peers for row in read_peers(path)]
    cards: list[Card] = [read_card(path) for path in sources.cards]
    photos: list[Photo] = [read_photo(path) for path in sources.pictures]
    twice = sorted({photo.name for photo in photos if sum(photo.name == other.name for other in photos) > 1})
    if twice:
        raise UserError(f"two pictures are named {twice[0]}; rename one of them")
    return Contents(
        title=sources.title or f"Report: {', '.join(collection.campaigns)}",
        collection=collection,
        summary=summary_table(collection),
        accuracy=accuracy_table(collection, paper) if collection.evaluation else None,
        classes=class_tables(collection),
        runtime=runtime_tables(collection, paper),
        scaling=scaling_tables(collection),
        bench=_bench(collection),
        training=training_table(collection) if collection.training else None,
        published=published_table(peers) if peers else None,
        main_figure=accuracy_runtime(collection, paper),
        class_figures=class_figures(collection),
        scaling_figure=scaling_figure(collection),
        training_figure=training_figure(collection),
        published_figure=published_figure(peers, paper),
        photos=photos,
        cards=cards,
    )


def _files(collection: Collection, page: Contents) -> dict[str, bytes]:
    files = {"index.html": render(page).encode(), "metrics.json": to_json(collection).encode()}
    for table in page.tables:
        files[f"tables/{table.id}.csv"] = to_csv(table).encode()
        files[f"tables/{table.id}.md"] = to_markdown(table).encode()
        files[f"tables/{table.id}.tex"] = to_latex(table).encode()
    for picture in page.figures:
        files[f"figures/{picture.name}.svg"] = picture.svg.encode()
        files[f"figures/{picture.name}.png"] = picture.png
    return files | {f"pictures/{photo.name}": photo.data for photo in page.photos}
