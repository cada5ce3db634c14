"""Matplotlib's SVG as elements of an HTML page: unique ids, the page's text colour, styles shared as classes, small."""

import hashlib
import re
from collections.abc import Sequence

from markupsafe import Markup, escape

from hyperseg.report.figures.style import INK

_CSS_PX_PER_PT = 96 / 72
Marks = Sequence[tuple[str, tuple[str, ...]]]


class InlineFigures:
    """Turns figures into page elements; equal styles of all of them become one CSS class each."""

    def __init__(self) -> None:
        self._classes: dict[str, str] = {}
        self._count = 0

    @property
    def css(self) -> str:
        return "\n".join(f"svg .{name}{{{style}}}" for style, name in self._classes.items())

    def element(self, svg: str, label: str, marks: Marks = ()) -> Markup:
        """One figure. Its ids are the page's own; it shrinks with the page but never grows.

        The group ``point-<i>`` gets the text and the records of ``marks[i]``, for hover and keyboard. `svg` must be
        matplotlib's own: it is trusted as markup.
        """
        opened = re.search(r'<svg\b[^>]*?viewBox="(0 0 ([\d.]+) [\d.]+)"[^>]*>', svg)
        assert opened is not None
        body = _marked(_small(svg[opened.end() :]), marks)
        self._count += 1
        body = _prefixed(body, f"i{self._count}").replace(INK, "currentColor")
        body = re.sub(r' style="([^"]*)"', self._class, body)
        width = float(opened[2]) * _CSS_PX_PER_PT
        head = (
            f'<svg viewBox="{opened[1]}" role="img" aria-label="{escape(label)}" '
            f'style="width:100%;max-width:{width:.0f}px;height:auto;overflow:visible">'
        )
        return Markup(head + body)

    def _class(self, found: re.Match[str]) -> str:
        style = re.sub(r"font-family: [^;]+;? ?", "", found[1])
        # named by its content: the same figures give the same page in any order
        name = self._classes.setdefault(style, f"f{hashlib.sha256(style.encode()).hexdigest()[:6]}")
        return f' class="{name}"'


def _marked(body: str, marks: Marks) -> str:
    for index, (text, records) in enumerate(marks):
        known = f' data-r="{" ".join(records)}" data-q="point"' if records else ""
        said = escape(text)
        new = f'<g id="point-{index}" tabindex="0" role="img"{known} aria-label="{said}">'
        body = body.replace(f'<g id="point-{index}">', new)
    return body


def _small(body: str) -> str:
    """Without metadata, idle groups and digits that no screen shows."""
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", body, flags=re.DOTALL)
    # coordinates alone: a number in a text is what a reader reads
    body = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d+\.\d\d)\d+", r"\1", tag[0]), body)
    body = re.sub(r' transform="rotate\(-0 [^"]*"', "", body)
    body = re.sub(r"\s*\n\s*", " ", body)
    body = re.sub(r"> +<", "><", body).replace("xlink:href", "href")
    body = re.sub(r" ?([MLCQz]) ?(?=[-\d\"])", r"\1", body)
    for _ in range(3):
        body = re.sub(r"<g(?: id=\"(?!point-)[^\"]*\")?>(<(path|use|text)\b[^>]*(?:/>|>[^<]*</\2>))</g>", r"\1", body)
    return body.replace("<defs></defs>", "")


def _prefixed(body: str, prefix: str) -> str:
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    body = re.sub(r' id="([^"]+)"', lambda found: f' id="{prefix}-{found[1]}"' if found[1] in used else "", body)
    return re.sub(r'(href="#|url\(#)', rf"\1{prefix}-", body)
