"""PNG files whose bytes depend on nothing but the pixels and the palette.

zlib, zlib-ng and their versions compress the same pixels to different bytes, and a dataset's version is a hash of
bytes: two laboratories that make the same pixels must get the same version. So the little of deflate (RFC 1951) that
is needed is here: stored blocks, which any picture can have (3.2.4), and for labels runs, as matches at distance 1 in
one block of fixed Huffman codes (3.2.6), after PNG's "up" filter has turned everything that repeats the row above into
zeros. Container: PNG specification (third edition); stream: RFC 1950.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from hyperseg.data.description import IGNORED, ClassInfo

_BLOCK = 65535  # bytes of the longest stored block
_LONGEST = 258  # bytes of the longest match deflate knows
_SHORTEST = 3


def encode_rgb(image: np.ndarray) -> bytes:
    """A PNG, stored, of an image uint8 (H, W, 3)."""
    height, width, _ = image.shape
    return _file(height, width, 2, b"", _unfiltered(image.reshape(height, width * 3)), _stored)


def encode_palette(labels: np.ndarray, palette: Sequence[tuple[int, int, int]]) -> bytes:
    """An indexed PNG, stored, of labels uint8 (H, W): viewers show the colours, readers get the indices."""
    colours = bytes(value for colour in palette for value in colour)
    height, width = labels.shape
    return _file(height, width, 3, colours, _unfiltered(labels), _stored)


def encode_index(labels: np.ndarray, palette: bytes) -> bytes:
    """As :func:`encode_palette`, compressed. `labels` is uint8 (H, W), `palette` up to 256 RGB triples."""
    height, width = labels.shape
    rows = np.empty((height, width + 1), np.uint8)
    rows[:, 0] = 2  # filter "up"
    rows[0, 1:] = labels[0]
    np.subtract(labels[1:], labels[:-1], out=rows[1:, 1:])  # modulo 256, as PNG wants it
    return _file(height, width, 3, palette, rows, _deflate_runs)


def palette_of(classes: tuple[ClassInfo, ...], first: int = 0) -> bytes:
    """256 RGB colours: the classes' own from the value `first` on, black for other values, white for 255 (ignored)."""
    table = np.zeros((256, 3), np.uint8)
    table[first : first + len(classes)] = [entry.colour for entry in classes]
    table[IGNORED] = 255
    return table.tobytes()


def _file(
    height: int, width: int, colour_type: int, palette: bytes, rows: np.ndarray, deflate: Callable[[np.ndarray], bytes]
) -> bytes:
    """Signature, header, palette where there is one, one data chunk, end. `rows` (H, 1 + bytes) begin with a filter."""
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    data = rows.ravel()
    # 0x7801: deflate, 32 KiB window, fastest level
    stream = b"\x78\x01" + deflate(data) + struct.pack(">I", zlib.adler32(data.tobytes()))
    colours = _chunk(b"PLTE", palette) if palette else b""
    signature = b"\x89PNG\r\n\x1a\n"
    return b"".join((signature, _chunk(b"IHDR", header), colours, _chunk(b"IDAT", stream), _chunk(b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _unfiltered(rows: np.ndarray) -> np.ndarray:
    filtered = np.zeros((rows.shape[0], rows.shape[1] + 1), np.uint8)  # filter 0, "none"
    filtered[:, 1:] = rows
    return filtered


def _stored(data: np.ndarray) -> bytes:
    """Blocks of type 0: last flag, length, its complement, bytes."""
    raw = data.tobytes()
    parts = []
    for start in range(0, len(raw), _BLOCK):
        block = raw[start : start + _BLOCK]
        parts += [struct.pack("<BHH", start + _BLOCK >= len(raw), len(block), len(block) ^ 0xFFFF), block]
    return b"".join(parts)


def _deflate_runs(data: np.ndarray) -> bytes:
    """One final block: every run is a literal, then matches at distance 1 (or one or two literals more)."""
    starts = np.flatnonzero(np.concatenate([[True], data[1:] != data[:-1]]))
    values = data[starts]
    lengths = np.diff(starts, append=len(data)) - 1  # after the first literal
    longest, rest = np.divmod(lengths, _LONGEST)
    literals = 1 + np.where(rest < _SHORTEST, rest, 0)
    counts = literals + longest + (rest >= _SHORTEST)

    run = np.repeat(np.arange(len(starts)), counts)
    place = np.arange(len(run)) - np.repeat(np.cumsum(counts) - counts, counts)
    symbol = np.where(place < literals[run], values[run], 256 + rest[run])
    symbol[(place >= literals[run]) & (place < (literals + longest)[run])] = 256 + _LONGEST

    codes, sizes = _code_table()
    size = sizes[symbol]
    first = 3 + np.concatenate([[0], np.cumsum(size)])  # after the block's header
    bits = np.zeros(first[-1] + 7, np.uint8)  # 7 zeros end the block
    bits[:2] = 1  # final block; fixed codes
    code = codes[symbol]
    for bit in range(int(sizes.max())):
        has = size > bit
        bits[first[:-1][has] + bit] = code[has] >> bit & 1
    return np.packbits(bits, bitorder="little").tobytes()


@cache
def _code_table() -> tuple[np.ndarray, np.ndarray]:
    """Bits and their number for literals 0..255 and, at 256 + n, for a match of n bytes at distance 1."""
    codes = np.zeros(256 + _LONGEST + 1, np.int64)
    sizes = np.zeros(256 + _LONGEST + 1, np.int64)
    for literal in range(256):
        codes[literal], sizes[literal] = _fixed_code(literal)
    length = _SHORTEST
    for symbol in range(257, 285):
        extra = max(0, (symbol - 261) // 4)
        for step in range(1 << extra):
            code, size = _fixed_code(symbol)
            # After the length code come its extra bits, then the code of distance 1: five zeros.
            codes[256 + length], sizes[256 + length] = code | step << size, size + extra + 5
            length += 1
    code, size = _fixed_code(285)
    codes[256 + _LONGEST], sizes[256 + _LONGEST] = code, size + 5
    return codes, sizes


def _fixed_code(symbol: int) -> tuple[int, int]:
    """RFC 1951, 3.2.6, with the bits in the order in which they are written."""
    if symbol < 144:
        code, size = 0x30 + symbol, 8
    elif symbol < 256:
        code, size = 0x190 + symbol - 144, 9
    elif symbol < 280:
        code, size = symbol - 256, 7
    else:
        code, size = 0xC0 + symbol - 280, 8
    return int(format(code, f"0{size}b")[::-1], 2), size
