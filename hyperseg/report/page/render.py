"""Fill the page's template; every value is escaped, only our own figures are markup."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hyperseg import __version__
from hyperseg.report.audit import findings
from hyperseg.report.collection import Collection
from hyperseg.report.figures.style import Picture
from hyperseg.report.page.embed import Card, Photo, inline_svg
from hyperseg.report.page.provenance import environments, facts, listed_records, warnings
from hyperseg.report.part import SECTIONS
from hyperseg.report.tables.model import Table, view


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
    collection: Collection
    sections: Sequence[Section]
    photos: Sequence[Photo] = ()
    cards: Sequence[Card] = ()

    @property
    def tables(self) -> list[Table]:
        return [table for section in self.sections for table in section.tables]

    @property
    def figures(self) -> list[Picture]:
        return [picture for section in self.sections for picture in section.figures]


@dataclass(frozen=True)
class Inline:
    """A figure as the template wants it."""

    name: str
    title: str
    caption: str
    wide: Markup
    narrow: Markup


def render(contents: Contents) -> str:
    """The page as HTML text."""
    loader = PackageLoader("hyperseg.report.page")
    jinja = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    style = loader.get_source(jinja, "style.css")[0]
    used, letters = environments(contents.collection)
    return jinja.get_template("index.html.j2").render(
        title=contents.title,
        style=Markup(style),
        version=__version__,
        facts=facts(contents.collection),
        warnings=warnings(contents.collection),
        findings={finding.id: finding for finding in findings()},
        sections=[
            {
                "id": section.id,
                "title": section.title,
                "figures": list(map(_inline, section.figures)),
                "tables": list(map(view, section.tables)),
            }
            for section in contents.sections
        ],
        photos=contents.photos,
        cards=contents.cards,
        environments=used,
        records=listed_records(contents.collection, letters),
    )


def _inline(picture: Picture) -> Inline:
    return Inline(
        name=picture.name,
        title=picture.title,
        caption=picture.caption,
        wide=inline_svg(picture.svg, f"{picture.name}-wide", picture.title),
        narrow=inline_svg(picture.narrow_svg, f"{picture.name}-narrow", picture.title),
    )
