"""What is kept of a prediction: overlays, index pictures, a video, and the classes' areas as a table."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image

from hyperseg.data.description import ClassInfo
from hyperseg.data.overlay import overlay
from hyperseg.data.png import encode_index, palette_of
from hyperseg.errors import UserError
from hyperseg.files import write_bytes_atomic, write_text_atomic
from hyperseg.prediction.frames import Frame, import_av

OPACITY = 0.55
AREAS_FILE = "areas.csv"


class Writer:
    """Writes into one folder; a context manager that closes the video and writes the table of areas.

    Pictures give ``NAME.overlay.jpg`` and ``NAME.png`` (the class of each pixel, with the classes' colours as palette);
    moving frames give ``overlay.mp4``, and the index pictures where asked for.
    """

    def __init__(self, folder: Path, classes: Sequence[ClassInfo], rate: float | None, indices: bool) -> None:
        self.folder, self.classes, self.rate, self.indices = folder, tuple(classes), rate, indices
        self.areas: list[tuple[str, list[float]]] = []
        self._video: _Video | None = None

    def __enter__(self) -> "Writer":
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UserError(f"cannot make the folder {self.folder}: {reason}; choose another --out") from error
        return self

    def add(self, frame: Frame, indices: np.ndarray) -> None:
        """Keep one frame's prediction, class indices uint8 (H, W)."""
        shown = overlay(frame.pixels, indices, self.classes, opacity=OPACITY)
        counts = np.bincount(indices.ravel(), minlength=len(self.classes))[: len(self.classes)]
        self.areas.append((frame.name, (100 * counts / indices.size).tolist()))
        if self.rate is None:
            buffer = io.BytesIO()
            Image.fromarray(shown).save(buffer, "JPEG", quality=90)
            write_bytes_atomic(self.folder / f"{frame.name}.overlay.jpg", buffer.getvalue())
        else:
            if self._video is None:
                self._video = _Video(self.folder / "overlay.mp4", self.rate, shown.shape[1], shown.shape[0])
            self._video.add(shown)
        if self.indices:
            write_bytes_atomic(self.folder / f"{frame.name}.png", encode_index(indices, palette_of(self.classes)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._video:
            self._video.close()
        if self.areas:
            text = io.StringIO()
            table = csv.writer(text, lineterminator="\n")
            table.writerow(["frame", *(f"{entry.name} %" for entry in self.classes)])
            table.writerows([name, *(f"{share:.3f}" for share in shares)] for name, shares in self.areas)
            write_text_atomic(self.folder / AREAS_FILE, text.getvalue())

    def mean_areas(self) -> list[float]:
        """Percent of all pixels per class, every frame counting the same."""
        return list(np.mean([shares for _, shares in self.areas], axis=0)) if self.areas else []


class _Video:
    """An H.264 file that appears under its name when it is whole."""

    def __init__(self, path: Path, rate: float, width: int, height: int) -> None:
        from fractions import Fraction

        self.av: Any = import_av()
        self.path, self.part = path, path.with_name(f".{path.stem}.part{path.suffix}")
        self.size = width // 2 * 2, height // 2 * 2  # the format stores colour for pairs of pixels
        self.container = self.av.open(str(self.part), "w")
        self.stream = self.container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
        self.stream.width, self.stream.height = self.size
        self.stream.pix_fmt = "yuv420p"

    def add(self, pixels: np.ndarray) -> None:
        width, height = self.size
        if pixels.shape[0] // 2 * 2 != height or pixels.shape[1] // 2 * 2 != width:  # a stream that changes its size
            pixels = np.asarray(Image.fromarray(pixels).resize(self.size))
        cut = np.ascontiguousarray(pixels[:height, :width])
        self.container.mux(self.stream.encode(self.av.VideoFrame.from_ndarray(cut, format="rgb24")))

    def close(self) -> None:
        self.container.mux(self.stream.encode(None))
        self.container.close()
        self.part.replace(self.path)
