"""Frames to predict on, one at a time: a picture, a folder of pictures, a video, or a camera."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from hyperseg.errors import UserError

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})
COLOUR_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"})  # 8 bits


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


def open_source(source: str, limit: int | None = None) -> Source:
    """The frames of a picture's or a video's path, a folder's, or of the camera of that number (0 is the first).

    At most `limit` frames are given. Raises :class:`UserError`, for a damaged picture when its turn comes.
    """
    path = Path(source)
    if source.isdigit() and not path.exists():
        return _moving(f"camera {source}", *_camera(int(source)), limit)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in PICTURES and file.is_file())
        if not files:
            raise UserError(f"{path} holds no picture ({', '.join(sorted(PICTURES))}); name a folder with pictures")
        names = [file.relative_to(path).with_suffix("").as_posix().replace("/", "-") for file in files]
        for name, file in zip(names, files, strict=True):
            if names.count(name) > 1:
                raise UserError(f"{file} has a namesake in {path}, and results are named after pictures; rename one")
        frames = (Frame(name, read_picture(file)) for name, file in list(zip(names, files, strict=True))[:limit])
        return Source(f"{len(files[:limit])} pictures of {path}", frames, moving=False, count=len(files[:limit]))
    if not path.is_file():
        raise UserError(f"there is no picture, folder or video {source}; check the path, or give a camera's number")
    if path.suffix.lower() in PICTURES:
        return Source(str(path), iter([Frame(path.stem, read_picture(path))]), moving=False, count=1)
    return _moving(str(path), str(path), None, limit)


def read_picture(path: Path) -> np.ndarray:
    """A picture file as uint8 RGB (H, W, 3), turned upright as its EXIF orientation says. Raises UserError."""
    try:
        with Image.open(path) as picture:
            if picture.mode not in COLOUR_MODES:
                raise UserError(f"{path} is a {picture.mode} picture, not one of 8 bits a channel; convert it first")
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"cannot read picture {path}: {' '.join(str(error).split())}; replace or remove it") from error


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
    return Source(title, _decoded(title, container, limit), moving=True, rate=float(stream.average_rate or 25))


def _decoded(title: str, container: Any, limit: int | None) -> Iterator[Frame]:
    av = import_av()
    try:
        for number, frame in enumerate(container.decode(video=0)):
            if limit is not None and number >= limit:
                return
            pixels = frame.to_ndarray(format="rgb24")
            turns = round((frame.rotation or 0) / 90) % 4  # counter-clockwise, as the player would turn it
            yield Frame(f"{number:06d}", np.ascontiguousarray(np.rot90(pixels, turns)))
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
