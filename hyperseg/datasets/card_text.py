"""The dataset card as Markdown, as an HTML fragment for the report's page, and as a table for the terminal."""

from html import escape

from rich.table import Table

from hyperseg.data.card import DatasetCard


def markdown(card: DatasetCard) -> str:
    """The card as a Markdown page."""
    lines = [
        f"# {card.title}",
        "",
        f"`{card.dataset}`, version `{card.version}`",
        "",
        *(f"- **{name}**: {text}" for name, text in facts(card)),
        *(f"- **Note**: {note}" for note in card.notes),
        *(f"- **Warning**: {warning}" for warning in card.warnings),
        "",
        "| split | images | labelled | sizes |",
        "|---|---:|---:|---|",
        *(
            f"| {name} | {split.images} | {split.labelled} | {_sizes(split.sizes, split.images)} |"
            for name, split in card.splits.items()
        ),
        "",
        "| class | name | colour | pixels | share | in images |",
        "|---:|---|---|---:|---:|---:|",
        *(
            f"| {c.index} | {c.name} | {hex_colour(c.colour)} | {c.pixels} | {c.share_percent:.2f} % | {c.images} |"
            for c in card.classes
        ),
        "",
    ]
    return "\n".join(lines)


def html(card: DatasetCard) -> str:
    """The card as one self-contained <section>, styled in place; wide tables scroll inside it."""
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts(card))
    listed += "".join(f"<dt>Note</dt><dd>{escape(note)}</dd>" for note in card.notes)
    listed += "".join(f"<dt>Warning</dt><dd>{escape(warning)}</dd>" for warning in card.warnings)
    splits = "".join(
        f"<tr><td>{escape(name)}</td><td>{split.images}</td><td>{split.labelled}</td>"
        f"<td>{escape(_sizes(split.sizes, split.images))}</td></tr>"
        for name, split in card.splits.items()
    )
    largest = max((c.share_percent for c in card.classes), default=0) or 1
    bar = "<td class='bar'><span style='width:{:.1f}%;background:{}'></span></td>"
    classes = "".join(
        f"<tr><td>{c.index}</td><td><span class='swatch' style='background:{hex_colour(c.colour)}'></span>"
        f"{escape(c.name)}</td><td>{c.share_percent:.2f} %</td>"
        f"{bar.format(100 * c.share_percent / largest, hex_colour(c.colour))}<td>{c.images}</td></tr>"
        for c in card.classes
    )
    return (
        f"<section class='dataset-card' id='dataset-{escape(card.dataset)}'>{_STYLE}<h3>{escape(card.title)}</h3>"
        f"<p><code>{escape(card.dataset)}</code>, version <code>{card.version}</code></p><dl>{listed}</dl>"
        "<div class='wide'><table><tr><th>split</th><th>images</th><th>labelled</th><th>sizes</th></tr>"
        f"{splits}</table></div>"
        "<div class='wide'><table><tr><th></th><th>class</th><th>share</th><th></th><th>in images</th></tr>"
        f"{classes}</table></div></section>\n"
    )


def table(card: DatasetCard) -> Table:
    """The classes, for a terminal."""
    shown = Table(title=f"{card.title}, version {card.version[:12]}", title_justify="left")
    shown.add_column("class")
    for heading in ("share", "pixels", "in images"):
        shown.add_column(heading, justify="right")
    for entry in card.classes:
        swatch = f"[{hex_colour(entry.colour)}]\u2588\u2588[/] {entry.name}"
        shown.add_row(swatch, f"{entry.share_percent:.2f} %", f"{entry.pixels:,}", f"{entry.images:,}")
    shown.caption = "; ".join(f"{name} {split.images}" for name, split in card.splits.items())
    return shown


def facts(card: DatasetCard) -> list[tuple[str, str]]:
    """What is said in sentences, in order."""
    mean, std = (", ".join(f"{value:.1f}" for value in values) for values in (card.mean_rgb, card.std_rgb))
    return [
        ("Source", card.source),
        ("Licence", card.licence),
        ("Citation", card.citation),
        ("Files", f"{card.files} in {card.bytes / 1e6:.1f} MB"),
        (
            "Without a class",
            f"{card.void_percent:.2f} % void, {card.ignored_percent:.2f} % ignored, of all label pixels",
        ),
        ("Mean colour", f"({mean}), standard deviation ({std}), of 0 to 255"),
    ]


def hex_colour(colour: tuple[int, int, int]) -> str:
    """``#rrggbb``."""
    return "#" + "".join(f"{channel:02x}" for channel in colour)


def _sizes(sizes: dict[str, int], images: int) -> str:
    if len(sizes) == 1:
        return next(iter(sizes))
    listed = ", ".join(f"{size} ({count})" for size, count in list(sizes.items())[:3])
    rest = images - sum(list(sizes.values())[:3])
    return f"{listed}, {rest} of other sizes" if rest else listed


_STYLE = (
    "<style>.dataset-card dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}"
    ".dataset-card dt{font-weight:600}.dataset-card dd{margin:0}.dataset-card .wide{overflow-x:auto}"
    ".dataset-card table{border-collapse:collapse;margin:.8em 0}.dataset-card td,.dataset-card th{padding:.2em .7em;"
    "text-align:left;border-bottom:1px solid #8884}.dataset-card .swatch{display:inline-block;width:.9em;height:.9em;"
    "margin-right:.5em;border-radius:2px;border:1px solid #8888;vertical-align:-.1em}.dataset-card .bar{width:9em}"
    ".dataset-card .bar span{display:block;height:.7em;border-radius:2px}"
    ".dataset-card code{overflow-wrap:anywhere}</style>"
)
