"""Label pictures as index PNGs whose bytes depend on nothing but the pixels and the palette.

zlib, zlib-ng and their versions compress the same pixels to different bytes, and a dataset's version is a hash of
bytes: two laboratories that prepare the same archive must get the same version. So the little that labels need of
deflate (RFC 1951) is here: runs, as matches at distance 1, in one block of fixed Huffman codes, after PNG's "up"
filter has turned everything that repeats the row above into zeros.
"""

import struct
import zlib
from functools import cache
from pathlib import Path

import numpy as np

from hyperseg.data.description import ClassInfo

_LONGEST = 258  # bytes of the longest match deflate knows
_SHORTEST = 3


def write_index_png(path: Path, label: np.ndarray, classes: tuple[ClassInfo, ...]) -> None:
    """Write label values, uint8 (H, W), as a palette PNG that opens in the colours of its classes."""
    path.write_bytes(encode_index_png(label, palette_of(classes)))


def palette_of(classes: tuple[ClassInfo, ...]) -> bytes:
    """256 RGB colours: the classes' own, black for all other values, white for 255 (ignored)."""
    table = np.zeros((256, 3), np.uint8)
    table[: len(classes)] = [entry.colour for entry in classes]
    table[255] = 255
    return table.tobytes()


def encode_index_png(label: np.ndarray, palette: bytes) -> bytes:
    """The bytes of a palette PNG of 8 bits. `label` is uint8 (H, W), `palette` 256 RGB triples."""
    height, width = label.shape
    rows = np.empty((height, width + 1), np.uint8)
    rows[:, 0] = 2  # filter "up"
    rows[0, 1:] = label[0]
    np.subtract(label[1:], label[:-1], out=rows[1:, 1:])  # modulo 256, as PNG wants it
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", palette),
            _chunk(b"IDAT", _zlib_stream(rows.ravel())),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _zlib_stream(data: np.ndarray) -> bytes:
    return b"\x78\x01" + _deflate_runs(data) + struct.pack(">I", zlib.adler32(data.tobytes()))


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
