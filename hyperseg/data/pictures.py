"""Reading picture files: upright, 8 bits a channel, one frame; anything else is refused by name."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import IO, Any

import numpy as np

# Registered here, before any thread opens a picture: at the first use, as Pillow does it, is not thread-safe.
from PIL import (
    BmpImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from hyperseg.errors import UserError

_PLUGINS = (PngImagePlugin, JpegImagePlugin, BmpImagePlugin, TiffImagePlugin, WebPImagePlugin)
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")  # what images may be; labels are PNG alone
_NAMING = Lock()
_LABEL_MODES = frozenset({"1", "L", "P"})  # Pillow's names of pictures that store indices of 8 bits or fewer
_SCALED_GREY = frozenset({"L;2", "L;4"})  # as Pillow reads it, a stored 1 is 85 or 17
_RGB_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"})  # 8 bits a channel or fewer
_GREY16_MODES = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})
_ORIENTATION = 0x0112  # EXIF tag


class PictureError(Exception):
    """A file that cannot be used as a picture; the message is a clause."""


def read_picture(file: Path | bytes) -> np.ndarray:
    """An image as uint8 RGB (H, W, 3), turned upright by its EXIF orientation.

    16-bit grey is scaled to 8 bits (65535 becomes 255); transparency is dropped. Raises PictureError for what is no
    PNG, JPEG, BMP, TIFF or WebP, has several frames, or stores floating-point or 32-bit values, whose range is unknown.
    """
    with _opened(file) as picture:
        if picture.mode in _GREY16_MODES:
            grey = np.asarray(_upright(picture)).astype(np.uint32)
            return np.repeat(((grey + 128) // 257).astype(np.uint8)[..., None], 3, axis=2)
        if picture.mode not in _RGB_MODES:
            raise PictureError(
                f"its pixels are of mode {picture.mode}, whose range is not known; save it with 8 or 16 bits a channel"
            )
        return np.asarray(_upright(picture).convert("RGB"))


def read_indices(file: Path | bytes) -> np.ndarray:
    """The stored values of a greyscale or palette PNG of 8 bits or fewer, uint8 (H, W), upright.

    Raises PictureError for anything else: other formats under the name ``.png`` change values when they compress, and
    grey of 2 or 4 bits is scaled by some programs and not by others.
    """
    with _opened(file) as picture:
        _check_png(picture)
        if picture.mode not in _LABEL_MODES:
            raise PictureError(f"its pixels are of mode {picture.mode}; labels are grey or palette PNGs of 8 bits")
        if isinstance(picture, PngImagePlugin.PngImageFile) and picture.tile[0].args in _SCALED_GREY:
            raise PictureError("grey of 2 or 4 bits, which programs scale to 8; save it with 8 bits")
        return np.asarray(_upright(picture)).astype(np.uint8, copy=False)


def read_colours(file: Path) -> Image.Image:
    """A colour-coded label: an RGB PNG, upright. Raises PictureError for anything else."""
    with _opened(file) as picture:
        _check_png(picture)
        if picture.mode not in {"RGB", "RGBA", "P", "L", "1"}:
            raise PictureError(f"a {picture.mode} picture, not an RGB picture")
        return _upright(picture).convert("RGB")


def picture_size(file: Path) -> tuple[int, int]:
    """(width, height) of an upright picture from its header. Raises PictureError."""
    with _opened(file) as picture:
        width, height = picture.size
        turned = _orientation(picture) >= 5 and picture.format != "TIFF"  # whose size Pillow gives upright
        return (height, width) if turned else (width, height)


def is_coloured(file: Path) -> bool:
    """Whether a file is a PNG that stores colours, not grey values or indices. Raises PictureError."""
    with _opened(file) as picture:
        return picture.format == "PNG" and picture.mode in {"RGB", "RGBA"}


def palette_colours(file: Path) -> dict[int, tuple[int, int, int]]:
    """RGB of each value that a palette PNG uses; empty for other pictures. Raises PictureError."""
    with _opened(file) as picture:
        if picture.format != "PNG" or picture.mode != "P":
            return {}
        channels = picture.getpalette("RGB") or []
        colours = list(zip(channels[::3], channels[1::3], channels[2::3], strict=True))
        return {value: colours[value] for value in np.unique(np.asarray(picture)).tolist() if value < len(colours)}


def _check_png(picture: Image.Image) -> None:
    if picture.format != "PNG":
        raise PictureError(f"a {picture.format} picture, no PNG; labels are PNGs, which keep every value")


def _upright(picture: Image.Image) -> Image.Image:
    return ImageOps.exif_transpose(picture) if _orientation(picture) > 1 else picture


def _orientation(picture: Image.Image) -> int:
    found = picture.getexif().get(_ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


@contextmanager
def _opened(file: Path | bytes) -> Iterator[Image.Image]:
    source: Path | IO[bytes] = io.BytesIO(file) if isinstance(file, bytes) else file
    try:
        with Image.open(source, formats=FORMATS) as picture:
            frames = getattr(picture, "n_frames", 1)
            if frames > 1 and picture.format != "MPO":  # cameras put a preview behind the picture of an MPO
                raise PictureError(f"it holds {frames} frames or pages; save the one that is meant as a picture")
            yield picture
    except (PictureError, UserError):
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(f"of over {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels; cut it into parts") from error
    except UnidentifiedImageError as error:
        raise PictureError(_not_a_picture(file)) from error
    except OSError as error:
        if error.strerror:  # of the disk, not of the decoder
            raise PictureError(error.strerror.lower()) from error
        raise PictureError(f"a damaged picture: {_words(error)}") from error
    except Exception as error:  # whatever a decoder raises on damaged bytes
        raise PictureError(f"a damaged picture: {_words(error)}") from error


def _not_a_picture(file: Path | bytes) -> str:
    try:
        with _NAMING, Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as picture:
            return f"a {picture.format} picture; images are PNG, JPEG, BMP, TIFF or WebP, labels PNG"
    except Exception:  # not of any format
        return "no picture"


def _words(error: Any) -> str:
    return " ".join(str(error).split()) or type(error).__name__
