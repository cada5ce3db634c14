"""Fill the page's template; every value is escaped, only our own figures are markup."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hyperseg import __version__
from hyperseg.records.strips import evaluation_key
from hyperseg.report.audit import bars, findings
from hyperseg.report.collection import Collection
from hyperseg.report.coverage import VERDICTS, counts, lead
from hyperseg.report.figures.style import Picture
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import network_title
from hyperseg.report.page.embed import Card, Photo
from hyperseg.report.page.provenance import environments, facts, headline, listed_records, warnings
from hyperseg.report.page.svg import InlineFigures
from hyperseg.report.part import SECTIONS
from hyperseg.report.tables.model import BADGES, EMPTY, Table, view


@dataclass
class Section:
    """One heading of the page with its figures and tables."""

    id: str
    figures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    @property
    def title(self) -> str:
        return SECTIONS.get(self.id, self.id)


@dataclass(frozen=True)
class Contents:
    """Everything a page shows, made from records and facts."""

    title: str
    inputs: Inputs
    sections: Sequence[Section]
    data: str  # the raw records as JSON, safe inside a script element
    photos: Sequence[Photo] = ()
    cards: Sequence[Card] = ()

    @property
    def tables(self) -> list[Table]:
        return [table for section in self.sections for table in section.tables]

    @property
    def figures(self) -> list[Picture]:
        return [picture for section in self.sections for picture in section.figures]


def render(contents: Contents) -> str:
    """The page as HTML text."""
    loader = PackageLoader("hyperseg.report.page", "templates")
    jinja = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    collection, claims = contents.inputs.collection, contents.inputs.claims
    used, letters = environments(collection)
    figures = InlineFigures()
    judged = {} if claims is None or claims.empty else counts(claims)
    sections = [
        {
            "id": section.id,
            "title": section.title,
            "figures": [_inline(picture, figures) for picture in section.figures],
            "tables": list(map(_seen, section.tables)),
        }
        for section in contents.sections
    ]
    return jinja.get_template("index.html.j2").render(
        title=contents.title,
        short_title="hyperseg report",
        style=Markup(loader.get_source(jinja, "style.css")[0] + figures.css),
        script=Markup(loader.get_source(jinja, "page.js")[0]),
        data=Markup(contents.data),
        version=__version__,
        lead=[] if claims is None or claims.empty else lead(claims),
        verdict_counts=[(*VERDICTS[verdict], verdict, number) for verdict, number in judged.items()],
        headline=headline(collection),
        campaigns=collection.campaigns,
        facts=facts(collection),
        warnings=warnings(collection),
        findings={finding.id: finding for finding in findings()},
        bars=bars(collection),
        sections=sections,
        badges=BADGES,
        photos=_captioned(contents.photos, collection),
        cards=contents.cards,
        environments=used,
        records=listed_records(collection, letters),
    )


def _seen(table: Table) -> SimpleNamespace:
    """A table's view with the campaign of each row, for the page's filter."""
    seen = view(table)
    campaigns = [str(row.get("campaign", EMPTY).value or "") for row in table.rows]
    return SimpleNamespace(
        table=table, columns=seen.columns, rows=seen.rows, folded=seen.folded, notes=seen.notes, campaigns=campaigns
    )


def _captioned(photos: Sequence[Photo], collection: Collection) -> list[SimpleNamespace]:
    """Pictures with their captions; one of a list has the evaluation of the same weights, split and protocol."""
    scored = {evaluation_key(entry.record): entry for entry in collection.evaluation}
    shown = []
    for photo in photos:
        entry = scored.get(photo.strip.key) if photo.strip else None
        caption = photo.caption(network_title(entry.record.network.id) if entry else "")
        shown.append(SimpleNamespace(uri=photo.uri, name=photo.name, caption=caption, entry=entry))
    return shown


def _inline(picture: Picture, figures: InlineFigures) -> SimpleNamespace:
    """A figure as the template wants it: its panes, or the whole where it has none; inlined once."""
    panes = [
        SimpleNamespace(
            svg=figures.element(pane.svg, pane.title, pane.marks),
            title=pane.title,
            caption=pane.caption,
        )
        for pane in picture.panes
    ]
    return SimpleNamespace(
        name=picture.name,
        title=picture.title,
        caption=picture.caption,
        panes=panes,
        wide=picture.wide,
        choose=picture.choose and len(panes) > 1,
        whole=None if panes else figures.element(picture.svg, picture.title),
    )
