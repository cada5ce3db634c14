"""Build one report: read records and facts, make tables, figures, metrics and the page, put them in place at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hyperseg.records.strips import strip_lists
from hyperseg.report.claims_judge import judge_collection
from hyperseg.report.collection import Collection, load
from hyperseg.report.facts import read_paper, read_peers
from hyperseg.report.figures import drawn_parts
from hyperseg.report.inputs import Inputs
from hyperseg.report.metrics import to_json
from hyperseg.report.output import CONTENTS, check_replaceable, contents, replace_folder
from hyperseg.report.page.embed import read_card, read_photos
from hyperseg.report.page.embed_records import embedded
from hyperseg.report.page.render import Contents, Section, render
from hyperseg.report.part import SECTIONS, load_part, ordered
from hyperseg.report.tables import table_parts
from hyperseg.report.tables.formats import to_csv, to_markdown
from hyperseg.report.tables.latex import to_latex
from hyperseg.report.tables.model import Table


@dataclass(frozen=True)
class Sources:
    """What a report is made from, besides records."""

    title: str | None = None
    paper: Path | None = None
    peers: Sequence[Path] = ()
    cards: Sequence[Path] = ()
    pictures: Sequence[Path] = ()
    tables: Sequence[Path] = ()  # Python files that define a table of the user's own


def build_report(out: Path, records: Sequence[Path], sources: Sources | None = None) -> Collection:
    """Write tables, figures, metrics.json and index.html to the folder `out`; returns what was reported.

    An earlier report in `out` is replaced as a whole; on any error it stays. Raises :class:`UserError` for records
    that do not fit, for two records of one cell, for facts that cannot be read and for a folder that is not a report's.
    """
    check_replaceable(out)
    collection, files = report_files(records, sources or Sources())
    replace_folder(out, files | {CONTENTS: contents(collection, files)})
    return collection


def report_files(records: Sequence[Path], sources: Sources) -> tuple[Collection, dict[str, bytes]]:
    """The records read, and every file of their report but the list of contents: relative name -> bytes."""
    lists = strip_lists(records)
    collection = load([path for path in records if path not in lists])
    peers = tuple(row for path in sources.peers for row in read_peers(path))
    inputs = Inputs(
        collection,
        read_paper(sources.paper) if sources.paper else (),
        peers,
        judge_collection(sources.paper, collection, peers) if sources.paper else None,
    )
    return collection, page_files(inputs, sources, lists)


def page_files(inputs: Inputs, sources: Sources, lists: Sequence[Path] = ()) -> dict[str, bytes]:
    """The page, its tables, figures and pictures, and what lies beside it: relative name -> bytes."""
    data, files = embedded(inputs.collection)
    page = Contents(
        title=sources.title or f"Report: {', '.join(inputs.collection.campaigns)}",
        inputs=inputs,
        data=data,
        sections=_sections(inputs, sources.tables),
        photos=read_photos(sources.pictures, lists),
        cards=[read_card(path) for path in sources.cards],
    )
    files |= {"index.html": render(page).encode(), "metrics.json": to_json(inputs.collection).encode()}
    for table in page.tables:
        files |= table_files(table)
    for picture in page.figures:
        files[f"figures/{picture.name}.svg"] = picture.svg.encode()
        files[f"figures/{picture.name}.png"] = picture.png
        files[f"figures/{picture.name}.pdf"] = picture.pdf
    return files | {f"pictures/{photo.name}": photo.data for photo in page.photos}


def table_files(table: Table) -> dict[str, bytes]:
    """A table in each of its formats."""
    return {
        f"tables/{table.id}.csv": to_csv(table).encode(),
        f"tables/{table.id}.md": to_markdown(table).encode(),
        f"tables/{table.id}.tex": to_latex(table).encode(),
    }


def _sections(inputs: Inputs, more: Sequence[Path]) -> list[Section]:
    """What the page shows, section by section; an empty table or figure, and a section without any, are left out."""
    tables = ordered([*table_parts(), *map(load_part, more)])
    found: dict[str, Section] = {}
    for drawn, pictures in drawn_parts(inputs):
        if pictures:
            found.setdefault(drawn.section, Section(drawn.section)).figures += pictures
    for part in tables:
        for table in part.build(inputs) if part.on_page else ():
            if table.rows:
                found.setdefault(part.section, Section(part.section)).tables.append(table)
    found.setdefault("audit", Section("audit"))
    known = [name for name in SECTIONS if name in found]
    return [found[name] for name in [*known, *sorted(set(found) - set(known))]]
