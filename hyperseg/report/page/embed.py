"""What a self-contained page carries inside it besides figures and records: pictures as data URIs, dataset cards."""

import base64
import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from hyperseg.csv_text import inert
from hyperseg.errors import UserError
from hyperseg.report.names import dataset_title

_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


@dataclass(frozen=True)
class Photo:
    """A picture given by the user, such as an overlay of a prediction."""

    name: str
    data: bytes
    uri: str
    caption: str
    place: int = 0  # in the list beside it: the worst image first


@dataclass(frozen=True)
class Card:
    """A dataset card: any JSON object."""

    name: str
    content: dict[str, object]

    @property
    def title(self) -> str:
        return str(self.content.get("title") or self.content.get("name") or self.content.get("id") or self.name)


def read_photo(path: Path) -> Photo:
    """A PNG, JPEG or GIF; anything else is refused with a :class:`UserError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read picture {path}: {error.strerror}; give a PNG or JPEG") from error
    kind = next((kind for signature, kind in _SIGNATURES.items() if data.startswith(signature)), None)
    if kind is None:
        raise UserError(f"picture {path} is neither PNG, JPEG nor GIF; give one of these")
    return Photo(path.name, data, f"data:{kind};base64,{base64.b64encode(data).decode()}", *_listed(path, data))


def _listed(path: Path, data: bytes) -> tuple[str, int]:
    """What ``strips.csv`` beside a picture says of it, and its row there; its name where there is no such list.

    Raises :class:`UserError` for a picture that is not the listed one any more.
    """
    listed = path.with_name("strips.csv")
    if not listed.is_file():
        return path.name, 0
    with listed.open(encoding="utf-8", newline="") as file:
        found = [(place, row) for place, row in enumerate(csv.DictReader(file)) if row.get("file") == inert(path.name)]
    if not found:
        return path.name, 0
    place, row = found[0]
    if hashlib.sha256(data).hexdigest() != row["sha256"]:
        raise UserError(f"picture {path} is not the one that {listed} lists; make both anew with `hyperseg overlay`")
    caption = (
        f"{row['image']}: mIoU {float(row['miou_percent']):.1f} %, {dataset_title(row['dataset'])}, {row['split']}, "
        f"{row['protocol']}, input {row['input'].replace('x', '×')}; weights {row['weights_sha256'][:12]}"
    )
    return caption, place


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
