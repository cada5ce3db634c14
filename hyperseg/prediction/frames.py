"""Frames to predict on, one at a time: a picture, a folder of pictures, a video, or a camera."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hyperseg.data import pictures
from hyperseg.data.manifest import check_name, dataset_files
from hyperseg.errors import UserError, first_ten

MISSING_S = 1.0  # between a video's last frame and its end: more than a frame's time, less than anyone would miss
OVERLAY_SUFFIX = ".overlay.jpg"  # of a result's name, after the picture's
LONGEST_NAME = 255  # bytes, of a file
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})


@dataclass(frozen=True)
class Frame:
    """One picture, uint8 RGB (H, W, 3), upright; `name` is its file's without suffix, or its number."""

    name: str
    pixels: np.ndarray


@dataclass(frozen=True)
class Source:
    """Where frames come from; `moving`: a video or a camera, of `rate` frames a second."""

    title: str
    frames: Iterator[Frame]
    moving: bool
    count: int | None = None  # frames, where that is known
    rate: float = 25.0
    notes: list[str] = field(default_factory=list)  # notes for the user after the last frame
    unread: list[str] = field(default_factory=list)  # pictures of a folder that were left out, each with the reason


def open_source(source: str, limit: int | None = None, out: Path | None = None) -> Source:
    """The frames of a picture's or a video's path, a folder's, or of the camera of that number (0 is the first).

    At most `limit` frames are given. A folder's are those of its folders and links too, but not what lies in `out`,
    where results go; one that cannot be read is left out and noted. Raises :class:`UserError`, for a video that cannot
    be decoded further when its turn comes, and where `out` is the folder of a picture or a video, which a result could
    replace.
    """
    path = Path(source)
    if source.isdecimal() and len(source) < 10 and not path.exists():
        return _moving(f"camera {source}", *_camera(int(source)), limit)
    if path.is_dir():
        files = [file for file in dataset_files(path).values() if file.suffix.lower() in {*PICTURES, ".gif"}]
        if out and out.resolve() != path.resolve():
            files = [file for file in files if not file.resolve().is_relative_to(out.resolve())]
        gifs = [file for file in files if file.suffix.lower() == ".gif"]
        files = [file for file in files if file.suffix.lower() in PICTURES]
        if not files:
            raise UserError(f"{path} holds no picture ({', '.join(sorted(PICTURES))}); name a folder with pictures")
        names = [file.relative_to(path).with_suffix("").as_posix().replace("/", "-") for file in files]
        counts = Counter(names)
        for name, file in zip(names, files, strict=True):
            if counts[name] > 1:
                raise UserError(f"{file} has a namesake in {path}, and results are named after pictures; rename one")
        for name, file in zip(names, files, strict=True):
            _check_length(file, name)
            _check_apart(file, out)
        unread: list[str] = []
        frames = _readable(list(zip(names, files, strict=True))[:limit], unread)
        count = len(files[:limit])
        notes = [f"left out, as a GIF is read as a video, which is predicted alone: {first_ten(gifs)}"] if gifs else []
        return Source(f"{count} pictures of {path}", frames, False, count, notes=notes, unread=unread)
    if not path.is_file():
        raise UserError(f"there is no picture, folder or video {source}; check the path, or give a camera's number")
    _check_apart(path, out)
    if path.suffix.lower() in PICTURES:
        check_name(path, path.name)
        _check_length(path, path.stem)
        return Source(str(path), iter([Frame(path.stem, read_picture(path))]), moving=False, count=1)
    return _moving(str(path), str(path), None, limit)


def _readable(named: list[tuple[str, Path]], unread: list[str]) -> Iterator[Frame]:
    """The pictures in order; `unread` gets a clause for each that cannot be read."""
    for name, file in named:
        try:
            yield Frame(name, pictures.read_picture(file))
        except pictures.PictureError as error:
            unread.append(f"{file} ({error})")


def read_picture(path: Path) -> np.ndarray:
    """A picture file as :func:`hyperseg.data.pictures.read_picture` gives it. Raises UserError."""
    try:
        return pictures.read_picture(path)
    except pictures.PictureError as error:
        raise UserError(f"cannot read picture {path}: {error}; replace or remove it") from error


def _check_apart(file: Path, out: Path | None) -> None:
    if out and file.parent.resolve() == out.resolve():
        raise UserError(f"{file} lies in {out}, where results of its name would replace it; choose another --out")


def _check_length(file: Path, name: str) -> None:
    if len(os.fsencode(f"{name}{OVERLAY_SUFFIX}")) > LONGEST_NAME:
        raise UserError(
            f"{name}{OVERLAY_SUFFIX}, the result of {file}, is too long a name for a file; shorten its name"
        )


def _moving(title: str, file: str, format_: str | None, limit: int | None) -> Source:
    av = import_av()
    try:
        container = av.open(file, format=format_)
        stream = container.streams.video[0]
    except (av.error.FFmpegError, OSError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "it holds no video"
        raise UserError(
            f"cannot open {title}: {reason.lower()}; give a picture, a folder, a video or a camera"
        ) from error
    stream.thread_type = "AUTO"
    notes: list[str] = []
    frames = _decoded(title, container, limit, notes)
    return Source(title, frames, moving=True, rate=float(stream.average_rate or 25), notes=notes)


def _decoded(title: str, container: Any, limit: int | None, notes: list[str]) -> Iterator[Frame]:
    """Frames in order; where they end long before the video says that it does, `notes` gets a sentence."""
    av = import_av()
    ended_s: float | None = None
    try:
        for number, frame in enumerate(container.decode(video=0)):
            if limit is not None and number >= limit:
                return
            ended_s = frame.time
            pixels = frame.to_ndarray(format="rgb24")
            turns = round((frame.rotation or 0) / 90) % 4  # counter-clockwise, as the player would turn it
            yield Frame(f"{number:06d}", np.ascontiguousarray(np.rot90(pixels, turns)))
        length_s = (container.duration or 0) / 1e6  # none of a camera
        if ended_s is not None and length_s - ended_s > MISSING_S:
            notes.append(f"{title} ends after {ended_s:.1f} s of {length_s:.1f} s; it may have been cut short")
    except av.error.FFmpegError as error:
        raise UserError(f"{title} cannot be decoded further: {str(error).lower()}; repair or cut it") from error
    finally:
        container.close()


def _camera(number: int) -> tuple[str, str]:
    device = Path(f"/dev/video{number}")
    if not device.exists():
        raise UserError(f"there is no camera {number} ({device}); check that it is plugged in and may be read")
    return str(device), "v4l2"


def import_av() -> Any:
    """PyAV, or a :class:`UserError` that says how to install it."""
    try:
        import av
    except ImportError as error:
        raise UserError("videos and cameras need PyAV; install hyperseg-bench[video]") from error
    return av
