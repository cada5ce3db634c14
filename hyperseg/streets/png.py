"""PNG files whose bytes do not depend on any compressor: the pixels go into stored (uncompressed) deflate blocks.

Source: PNG specification (third edition), RFC 1950 (zlib), RFC 1951 (deflate, section 3.2.4).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BLOCK = 65535


def encode_rgb(image: NDArray[np.uint8]) -> bytes:
    """A PNG of an image uint8 (H, W, 3)."""
    height, width, _ = image.shape
    return _file(height, width, 2, b"", image.reshape(height, width * 3))


def encode_palette(labels: NDArray[np.uint8], palette: Sequence[tuple[int, int, int]]) -> bytes:
    """An indexed PNG of labels uint8 (H, W); viewers show the palette's colours, readers get the indices."""
    height, width = labels.shape
    colours = bytes(value for colour in palette for value in colour)
    return _file(height, width, 3, _chunk(b"PLTE", colours), labels)


def _file(height: int, width: int, colour_type: int, extra: bytes, rows: NDArray[np.uint8]) -> bytes:
    """Signature, header, palette, one data chunk, end. Every row starts with filter type 0 (none)."""
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    filtered = np.zeros((height, rows.shape[1] + 1), dtype=np.uint8)
    filtered[:, 1:] = rows
    data = filtered.tobytes()
    # 0x7801: deflate, 32 KiB window, fastest level; then blocks of type 0: last flag, length, its complement, bytes.
    parts = [b"\x78\x01"]
    for start in range(0, len(data), _BLOCK):
        block = data[start : start + _BLOCK]
        last = start + _BLOCK >= len(data)
        parts += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    parts.append(struct.pack(">I", zlib.adler32(data)))
    return b"".join(
        (_SIGNATURE, _chunk(b"IHDR", header), extra, _chunk(b"IDAT", b"".join(parts)), _chunk(b"IEND", b""))
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))
