"""What a self-contained page carries inside it: figures as inline SVG, pictures as data URIs, dataset cards."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from hyperseg.errors import UserError
from hyperseg.report.figures.style import INK

_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
_CSS_PX_PER_PT = 96 / 72


@dataclass(frozen=True)
class Photo:
    """A picture given by the user, such as an overlay of a prediction."""

    name: str
    data: bytes
    uri: str


@dataclass(frozen=True)
class Card:
    """A dataset card: any JSON object."""

    name: str
    content: dict[str, object]

    @property
    def title(self) -> str:
        return str(self.content.get("title") or self.content.get("name") or self.content.get("id") or self.name)


Marks = Sequence[tuple[str, tuple[str, ...]]]


def inline_svg(svg: str, prefix: str, label: str, marks: Marks = ()) -> Markup:
    """A matplotlib SVG as an element of an HTML page.

    Its ids get `prefix`, so that figures do not share any; its ink becomes the page's text colour; it shrinks with the
    page but never grows. The group ``point-<i>`` gets the text and the records of ``marks[i]``, for hover and keyboard.
    `svg` must be matplotlib's own: it is trusted as markup.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"(\d+\.\d\d)\d+", r"\1", body)  # a hundredth of a point is below any screen's pixel
    body = re.sub(r"\n\s*", "\n", body)
    for index, (text, records) in enumerate(marks):
        opened = f'<g id="point-{index}">'
        known = f' data-r="{" ".join(records)}" data-q="point" data-text="' if records else ' data-text="'
        body = body.replace(
            opened, f'{opened[:-1]} tabindex="0" role="img"{known}{escape(text)}" aria-label="{escape(text)}">'
        )
    used = set(re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', body))
    body = re.sub(r' id="([^"]+)"', lambda found: f' id="{prefix}-{found[1]}"' if found[1] in used else "", body)
    body = re.sub(r'(xlink:href="#|url\(#)', rf"\1{prefix}-", body)
    body = body.replace(INK, "currentColor")
    found = re.search(r'<svg\b[^>]*?viewBox="0 0 ([\d.]+) [\d.]+"[^>]*>', body)
    assert found is not None
    box = re.search(r'viewBox="[^"]+"', found[0])
    assert box is not None
    width = float(found[1]) * _CSS_PX_PER_PT
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {box[0]} role="img" '
        f'aria-label="{escape(label)}" style="width:100%;max-width:{width:.0f}px;height:auto;overflow:visible">'
    )
    return Markup(head + body[body.index(found[0]) + len(found[0]) :])


def read_photo(path: Path) -> Photo:
    """A PNG, JPEG or GIF; anything else is refused with a :class:`UserError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read picture {path}: {error.strerror}; give a PNG or JPEG") from error
    kind = next((kind for signature, kind in _SIGNATURES.items() if data.startswith(signature)), None)
    if kind is None:
        raise UserError(f"picture {path} is neither PNG, JPEG nor GIF; give one of these")
    return Photo(path.name, data, f"data:{kind};base64,{base64.b64encode(data).decode()}")


def read_card(path: Path) -> Card:
    """A dataset card; a :class:`UserError` where it is not a JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read card {path}: {error.strerror}; give a card.json") from error
    except ValueError as error:
        raise UserError(f"card {path} is not JSON; give a card.json") from error
    if not isinstance(content, dict):
        raise UserError(f"card {path} is not a JSON object; give a card.json")
    return Card(path.parent.name or path.stem, content)
