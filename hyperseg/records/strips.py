"""Strips: pictures of predictions beside the truth, each listed in ``strips.csv`` with its score and hashes."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from hyperseg.csv_text import inert, plain
from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.records.raw import UNREADABLE, read_matrices
from hyperseg.records.schema import EvaluationNumbers, Record
from hyperseg.records.scores import mean_iou

STRIPS_FILE = "strips.csv"
SAME_PERCENT = 0.05  # two processors may differ in a few pixels of an image
DEPARTURES = ("--flip", "--normalization")  # options of `hyperseg evaluate` that change how its protocol reads images
Key = tuple[str, ...]


@dataclass(frozen=True)
class Strip:
    """One row of the list: a picture beside it, what it shows, and the hashes of its sources."""

    file: str
    sha256: str
    image: str
    miou_percent: float  # of this image, over the classes in its truth or prediction
    weights_sha256: str
    dataset: str
    version: str
    split: str
    protocol: str
    input: str  # HEIGHTxWIDTH

    @property
    def key(self) -> Key:
        """The key shared with the evaluation that scored this image."""
        return self.weights_sha256, self.version, self.split, self.protocol, self.input


COLUMNS = tuple(column.name for column in fields(Strip))


def strip_lists(paths: Iterable[Path]) -> list[Path]:
    """The lists among the paths themselves, and those in folders, in sorted order."""
    found: list[Path] = []
    for path in paths:
        found += sorted(path.rglob(STRIPS_FILE)) if path.is_dir() else [path] if path.name == STRIPS_FILE else []
    return found


def read_strips(path: Path) -> list[Strip]:
    """The rows of a list, the worst image first. Raises :class:`UserError` for a file that is no such list."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if tuple(rows.fieldnames or ()) != COLUMNS:
                raise UserError(f"{path} is no list of `hyperseg overlay`; make it anew with that command")
            return [_strip(row) for row in rows]
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"cannot read {path} ({str(error)[:120]}); make it anew with `hyperseg overlay`") from error


def _strip(row: dict[str, str]) -> Strip:
    if None in row or None in row.values():
        raise ValueError("a row of another length")
    miou_percent = float(row["miou_percent"])
    if not 0 <= miou_percent <= 100:  # NaN too
        raise ValueError(f"miou_percent {row['miou_percent']:.20} is no number of 0 to 100")
    read = {"file": plain(row["file"]), "image": plain(row["image"]), "miou_percent": miou_percent}
    strip = Strip(**row | read)  # type: ignore[arg-type]
    if Path(strip.file).name != strip.file:
        raise ValueError(f"{strip.file!r} is no name of a file beside it")
    return strip


def list_text(strips: Iterable[Strip]) -> str:
    """The content of a list."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for strip in strips:
        named = {"file": inert(strip.file), "image": inert(strip.image), "miou_percent": repr(strip.miou_percent)}
        rows.writerow((asdict(strip) | named).values())
    return text.getvalue()


def strip_problems(path: Path, evaluations: Mapping[Key, Sequence[tuple[Path, Record]]]) -> Iterator[str]:
    """What is wrong with a list, a clause each: pictures, hashes, and scores derived again where `evaluations` can.

    Evaluations that differ in what the list does not tell (the processor, say) share a key, and a score is right where
    one of them gives it.
    """
    try:
        strips = read_strips(path)
    except UserError as error:
        yield str(error)
        return
    for strip in strips:
        at = path.parent / strip.file
        if not at.is_file():
            yield f"it names {strip.file}, which does not lie beside it"
        elif sha256_file(at) != strip.sha256:
            yield f"the sha256 of {strip.file} is not the one that it names"
        found = {_score(*evaluation, strip.image) for evaluation in evaluations.get(strip.key, ())}
        derived = sorted(score for score in found if score is not None)
        if derived and min(abs(score - strip.miou_percent) for score in derived) > SAME_PERCENT:
            yield (
                f"miou_percent of {strip.image} is {strip.miou_percent:.6g}, "
                f"but its confusion matrix gives {' or '.join(f'{score:.6g}' for score in derived)}"
            )


def evaluation_key(record: Record) -> Key | None:
    """The key of the strips that an evaluation scored; None where its images' matrices were not kept.

    None too where it departed from its protocol, as `hyperseg overlay` never does.
    """
    numbers, dataset, protocol = record.numbers, record.dataset, record.protocol
    if not (isinstance(numbers, EvaluationNumbers) and numbers.matrices_file and dataset and protocol):
        return None
    if any(word.partition("=")[0] in DEPARTURES for word in record.provenance.command):
        return None
    size = f"{numbers.input_height}x{numbers.input_width}"
    return record.network.weights_sha256 or "", dataset.version, dataset.split, protocol.id, size


def image_names(matrices: Path) -> Sequence[str]:
    """The names of the images whose matrices a file holds, in its order."""
    with np.load(matrices, allow_pickle=False) as content:
        return [str(name) for name in content["images"]]


def _score(at: Path, record: Record, image: str) -> float | None:
    """The mIoU in percent of one image by its confusion matrix; None where that is not kept or cannot be read."""
    numbers = record.numbers
    if not isinstance(numbers, EvaluationNumbers) or numbers.matrices_file is None or record.dataset is None:
        return None
    matrices = at.parent / numbers.matrices_file
    try:
        if not matrices.is_file() or image not in (names := image_names(matrices)):
            return None
        per_image = read_matrices(matrices, record.dataset.images, len(numbers.classes))
    except UNREADABLE:  # the record itself is then refused
        return None
    return 100 * float(mean_iou(per_image[names.index(image)], "left_out"))
