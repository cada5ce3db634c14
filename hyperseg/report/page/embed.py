"""What a self-contained page carries inside it besides figures and records: pictures as data URIs, dataset cards."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from hyperseg.errors import UserError, reason_of
from hyperseg.records.strips import STRIPS_FILE, Strip, read_strips
from hyperseg.report.names import dataset_title

_SIGNATURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


@dataclass(frozen=True)
class Photo:
    """A picture given by the user, or one that a list of `hyperseg overlay` names."""

    name: str
    data: bytes
    uri: str
    strip: Strip | None = None  # what the list beside it says

    def caption(self, network: str) -> str:
        """What it shows, from the list; without one, its name. `network` is the network of the weights."""
        strip = self.strip
        if strip is None:
            return self.name
        return (
            f"{network}{', ' if network else ''}{strip.image}: mIoU {strip.miou_percent:.1f} %, "
            f"{dataset_title(strip.dataset)}, {strip.split}, {strip.protocol}, "
            f"input {strip.input.replace('x', '×')}; weights {strip.weights_sha256[:12]}"
        )


@dataclass(frozen=True)
class Card:
    """A dataset card: any JSON object."""

    name: str
    content: dict[str, object]

    @property
    def title(self) -> str:
        return str(self.content.get("title") or self.content.get("name") or self.content.get("id") or self.name)


def read_photos(pictures: Iterable[Path], lists: Iterable[Path]) -> list[Photo]:
    """The pictures of the lists in their order, each list the worst image first, then the others by name.

    Several campaigns may use the same file names: the same picture is shown once, and others of one name
    get the start of their hash. Raises :class:`UserError` for a picture that cannot be read, is not the listed one any
    more, or shares its name with one of `pictures`.
    """
    listed = {path.parent / strip.file: strip for path in lists for strip in read_strips(path)}
    shown = {(path.name, strip.sha256): (path, strip) for path, strip in listed.items()}
    uses = Counter(name for name, _ in shown)
    photos = []
    for path, strip in shown.values():
        photo = _read_photo(path, strip)
        name = f"{path.stem}-{strip.sha256[:8]}{path.suffix}"
        photos.append(photo if uses[path.name] == 1 else replace(photo, name=name))
    photos += [_read_photo(path) for path in sorted(pictures, key=lambda path: path.name) if path not in listed]
    names = [photo.name for photo in photos]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(f"two pictures are named {twice[0]}; rename one of them")
    return photos


def _read_photo(path: Path, strip: Strip | None = None) -> Photo:
    """A PNG, JPEG or GIF; anything else is refused with a :class:`UserError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read picture {path}: {reason_of(error)}; give a PNG or JPEG") from error
    kind = next((kind for signature, kind in _SIGNATURES.items() if data.startswith(signature)), None)
    if kind is None:
        raise UserError(f"picture {path} is neither PNG, JPEG nor GIF; give one of these")
    if strip and hashlib.sha256(data).hexdigest() != strip.sha256:
        raise UserError(
            f"picture {path} is not the one that {STRIPS_FILE} beside it lists; make both anew with `hyperseg overlay`"
        )
    return Photo(path.name, data, f"data:{kind};base64,{base64.b64encode(data).decode()}", strip)


def read_card(path: Path) -> Card:
    """A dataset card; a :class:`UserError` where it is not a JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read card {path}: {reason_of(error)}; give a card.json") from error
    except ValueError as error:
        raise UserError(f"card {path} is not JSON; give a card.json") from error
    if not isinstance(content, dict):
        raise UserError(f"card {path} is not a JSON object; give a card.json")
    return Card(path.parent.name or path.stem, content)
