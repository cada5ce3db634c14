"""Writes predictions: overlays, index pictures, a video, and a table of the classes' areas."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import numpy as np
from PIL import Image

from hyperseg.csv_text import inert, plain
from hyperseg.data.description import ClassInfo
from hyperseg.data.manifest import is_litter
from hyperseg.data.overlay import overlay
from hyperseg.data.png import encode_index, palette_of
from hyperseg.errors import UserError, first_ten, reason_of
from hyperseg.files import write_bytes_atomic, write_text_atomic
from hyperseg.prediction.frames import OVERLAY_SUFFIX, Frame, import_av

OPACITY = 0.55
AREAS_FILE = "areas.csv"
VIDEO_FILE = "overlay.mp4"
# The first column's name tells pictures from a video: a picture may be called 000000 like a frame.
PICTURE_HEADER, VIDEO_HEADER = "frame", "video frame"


class Writer:
    """Writes into one folder; a context manager that closes the video and the table of areas.

    Pictures give ``NAME.overlay.jpg`` and ``NAME.png`` (the class of each pixel, with the classes' colours as palette);
    moving frames give ``overlay.mp4``, and the index pictures where asked for. A picture's results replace those of its
    name, and the others stay; a video's take the place of another video's. A folder with anything else in it, or with
    pictures' results where a video's are to go and the reverse, is refused when the block is entered, so that no file
    is lost that was not made here. Raises :class:`UserError`.
    """

    def __init__(self, folder: Path, classes: Sequence[ClassInfo], rate: float | None, indices: bool) -> None:
        self.folder, self.classes, self.rate, self.indices = folder, tuple(classes), rate, indices
        self.areas: list[tuple[str, list[float]]] = []  # of this block
        kind = PICTURE_HEADER if rate is None else VIDEO_HEADER
        self._header = [inert(text) for text in (kind, *(f"{entry.name} %" for entry in classes))]
        self._rows: dict[str, list[str]] = {}  # of the folder, by the frame's name
        self._replaced: list[Path] = []  # index pictures of the video whose place this one takes
        self._table: TextIO | None = None
        self._video: _Video | None = None

    def __enter__(self) -> "Writer":
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            present = {path.name for path in self.folder.iterdir() if not is_litter(path.name)}
        self._rows = self._read_table() if AREAS_FILE in present else {}
        made = {AREAS_FILE, VIDEO_FILE} if self._rows else set()
        made |= {f"{name}{suffix}" for name in self._rows for suffix in (".png", OVERLAY_SUFFIX)}
        if present - made:
            raise UserError(
                f"{self.folder} holds files that no prediction made: {first_ten(sorted(present - made))}; choose "
                "another --out"
            )
        if self.rate is not None:
            self._replaced = [self.folder / name for name in present if name.endswith(".png")]
        return self

    def add(self, frame: Frame, indices: np.ndarray) -> None:
        """Keep one frame's prediction, class indices uint8 (H, W)."""
        shown = overlay(frame.pixels, indices, self.classes, opacity=OPACITY)
        counts = np.bincount(indices.ravel(), minlength=len(self.classes))[: len(self.classes)]
        with _writing(self.folder):
            self._add_row(frame.name, (100 * counts / indices.size).tolist())
            if self.rate is None:
                buffer = io.BytesIO()
                Image.fromarray(shown).save(buffer, "JPEG", quality=90)
                write_bytes_atomic(self.folder / f"{frame.name}{OVERLAY_SUFFIX}", buffer.getvalue())
            else:
                if self._video is None:
                    self._video = _Video(self.folder / VIDEO_FILE, self.rate, shown.shape[1], shown.shape[0])
                self._video.add(shown)
            if self.indices:
                write_bytes_atomic(self.folder / f"{frame.name}.png", encode_index(indices, palette_of(self.classes)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._table is None:
            with suppress(OSError):
                self.folder.rmdir()  # where nothing is in it
            return
        self._table.close()
        with _writing(self.folder):
            write_text_atomic(self.folder / AREAS_FILE, self._table_text())  # each frame once
            if self._video:
                self._video.close()

    def mean_areas(self) -> list[float]:
        """Percent of all pixels per class, every frame counting the same."""
        return list(np.mean([shares for _, shares in self.areas], axis=0)) if self.areas else []

    def _add_row(self, frame: str, shares: list[float]) -> None:
        """Write a frame's row before its files, which are then known as made here even after a kill."""
        if self._table is None:
            if self.rate is not None:
                for path in self._replaced:
                    path.unlink(missing_ok=True)
                self._rows.clear()
            write_text_atomic(self.folder / AREAS_FILE, self._table_text())
            self._table = (self.folder / AREAS_FILE).open("a", encoding="utf-8", newline="")
        self.areas.append((frame, shares))
        row = [f"{share:.3f}" for share in shares]
        self._rows[frame] = row
        csv.writer(self._table, lineterminator="\n").writerow([inert(frame), *row])
        self._table.flush()

    def _table_text(self) -> str:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            [self._header, *([inert(name), *row] for name, row in self._rows.items())]
        )
        return text.getvalue()

    def _read_table(self) -> dict[str, list[str]]:
        """The rows of the folder's table; none where it is no table of areas."""
        path = self.folder / AREAS_FILE
        with _writing(path):
            text = path.read_bytes().decode(errors="replace")
        try:
            lines = list(csv.reader(io.StringIO(text, newline="")))
        except csv.Error:
            return {}
        if not lines or lines[0][:1] not in ([PICTURE_HEADER], [VIDEO_HEADER]):
            return {}
        if lines[0][0] != self._header[0]:
            theirs, ours = ("pictures", "a video") if lines[0][0] == PICTURE_HEADER else ("a video", "pictures")
            raise UserError(f"{self.folder} holds the results of {theirs}, not of {ours}; choose another --out")
        if lines[0] != self._header:
            raise UserError(f"{path} is of other classes; choose another --out")
        return {plain(name): row for name, *row in filter(None, lines[1:]) if len(row) == len(self.classes)}


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    """Turn a full or read-only disk into a UserError."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {error.filename or place}: {reason_of(error)}; choose another --out") from error


class _Video:
    """An H.264 file that appears under its name when it is whole."""

    def __init__(self, path: Path, rate: float, width: int, height: int) -> None:
        self.av: Any = import_av()
        self.path, self.part = path, path.with_name(f".{path.stem}.part{path.suffix}")
        # The format stores colour for pairs of pixels.
        self.size = max(width // 2 * 2, 2), max(height // 2 * 2, 2)
        with self._encoding():
            self.container = self.av.open(str(self.part), "w")
            self.stream = self.container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
            self.stream.width, self.stream.height = self.size
            self.stream.pix_fmt = "yuv420p"

    def add(self, pixels: np.ndarray) -> None:
        width, height = self.size
        if pixels.shape[0] // 2 * 2 != height or pixels.shape[1] // 2 * 2 != width:  # a stream that changes its size
            pixels = np.asarray(Image.fromarray(pixels).resize(self.size))
        cut = np.ascontiguousarray(pixels[:height, :width])
        with self._encoding():
            self.container.mux(self.stream.encode(self.av.VideoFrame.from_ndarray(cut, format="rgb24")))

    def close(self) -> None:
        with self._encoding():
            self.container.mux(self.stream.encode(None))
            self.container.close()
            self.part.replace(self.path)

    @contextmanager
    def _encoding(self) -> Iterator[None]:
        try:
            yield
        except (self.av.error.FFmpegError, OSError) as error:
            with suppress(self.av.error.FFmpegError, OSError):
                self.container.close()
            self.part.unlink(missing_ok=True)
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise UserError(f"cannot write {self.path}: {reason}; choose another --out") from error
