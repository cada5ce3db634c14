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
from hyperseg.report.tables.model import Table, view


@dataclass(frozen=True)
class Contents:
    """Everything a page shows, made from records and facts; None and empty parts are left out."""

    title: str
    collection: Collection
    summary: Table
    accuracy: Table | None = None
    classes: Sequence[Table] = ()
    runtime: Sequence[Table] = ()
    scaling: Sequence[Table] = ()
    bench: Sequence[Table] = ()
    training: Table | None = None
    published: Table | None = None
    main_figure: Picture | None = None
    class_figures: Sequence[Picture] = ()
    scaling_figure: Picture | None = None
    training_figure: Picture | None = None
    published_figure: Picture | None = None
    photos: Sequence[Photo] = field(default=())
    cards: Sequence[Card] = field(default=())

    @property
    def tables(self) -> list[Table]:
        maybe = [
            self.summary,
            self.accuracy,
            *self.classes,
            *self.runtime,
            *self.scaling,
            *self.bench,
            self.training,
            self.published,
        ]
        return [table for table in maybe if table is not None]

    @property
    def figures(self) -> list[Picture]:
        maybe = [
            self.main_figure,
            *self.class_figures,
            self.scaling_figure,
            self.training_figure,
            self.published_figure,
        ]
        return [picture for picture in maybe if picture is not None]


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
    loader = PackageLoader("hyperseg.report.page", "templates")
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
        summary=view(contents.summary),
        accuracy=contents.accuracy and view(contents.accuracy),
        classes=list(map(view, contents.classes)),
        runtime=list(map(view, contents.runtime)),
        scaling=list(map(view, contents.scaling)),
        bench=list(map(view, contents.bench)),
        training=contents.training and view(contents.training),
        published=contents.published and view(contents.published),
        main_figure=_inline(contents.main_figure),
        class_figures=list(map(_inline, contents.class_figures)),
        scaling_figure=_inline(contents.scaling_figure),
        training_figure=_inline(contents.training_figure),
        published_figure=_inline(contents.published_figure),
        photos=contents.photos,
        cards=contents.cards,
        environments=used,
        records=listed_records(contents.collection, letters),
    )


def _inline(picture: Picture | None) -> Inline | None:
    if picture is None:
        return None
    return Inline(
        name=picture.name,
        title=picture.title,
        caption=picture.caption,
        wide=inline_svg(picture.svg, f"{picture.name}-wide", picture.title),
        narrow=inline_svg(picture.narrow_svg, f"{picture.name}-narrow", picture.title),
    )
