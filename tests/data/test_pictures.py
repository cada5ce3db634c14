"""Pictures become pixels in one place: upright, of the right range, one frame, or refused by name."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hyperseg.data.pictures import PictureError, is_coloured, picture_size, read_indices, read_picture

GREY = np.random.default_rng(0).integers(0, 256, (6, 9), dtype=np.uint8)


def saved(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


# what a viewer does with the stored picture, by EXIF orientation
UPRIGHT = {
    2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1], 5: lambda a: a.T,
    6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).T, 8: lambda a: np.rot90(a),
}  # fmt: skip


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_pictures_and_labels_are_turned_upright(orientation, kind, tmp_path):
    options = {"lossless": True} if kind == "WEBP" else {}
    picture = Image.fromarray(np.stack([GREY] * 3, axis=2)) if kind == "WEBP" else Image.fromarray(GREY)
    data = saved(picture, kind, exif=turned(orientation), **options)
    expected = UPRIGHT[orientation](GREY)
    assert (read_picture(data)[..., 0] == expected).all()
    (tmp_path / "x").write_bytes(data)
    assert picture_size(tmp_path / "x") == expected.shape[::-1]
    if kind == "PNG":
        assert (read_indices(data) == expected).all()


def test_a_jpeg_is_turned_upright():
    half = np.zeros((16, 32), np.uint8)
    half[:, 16:] = 255
    assert read_picture(saved(Image.fromarray(half), "JPEG", exif=turned(3)))[:, :16].mean() > 250


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_means_nothing_changes_nothing(orientation):
    assert (read_picture(saved(Image.fromarray(GREY), exif=turned(orientation)))[..., 0] == GREY).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_to_8_bits(kind):
    wide = Image.fromarray(GREY.astype(np.uint16) * 257)
    assert wide.mode == "I;16"
    assert (read_picture(saved(wide, kind)) == GREY[..., None]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_values_of_unknown_range_are_refused_by_the_name_of_their_mode(dtype):
    with pytest.raises(PictureError, match=r"of mode [FI], whose range is not known; save it with 8 or 16 bits"):
        read_picture(saved(Image.fromarray(GREY.astype(dtype)), "TIFF"))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_several_frames_are_refused(kind):
    frames = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (0, 255)]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(PictureError, match="it holds 2 frames or pages"):
        read_picture(data)


@pytest.mark.parametrize("kind", ["JPEG", "BMP", "TIFF", "WEBP"])
def test_a_label_is_a_png_whatever_it_is_called(kind):
    with pytest.raises(PictureError, match=f"a {kind} picture, no PNG"):
        read_indices(saved(Image.fromarray(GREY).convert("RGB" if kind == "WEBP" else "L"), kind))


def test_formats_that_are_no_images_are_named():
    with pytest.raises(PictureError, match="a GIF picture; images are PNG, JPEG, BMP, TIFF or WebP, labels PNG"):
        read_picture(saved(Image.fromarray(GREY), "GIF"))
    with pytest.raises(PictureError, match=r"\Ano picture\Z"):
        read_picture(b"text")


def test_any_damage_is_a_clause():
    whole = {kind: saved(Image.fromarray(np.stack([GREY] * 3, axis=2)), kind) for kind in ("PNG", "JPEG", "TIFF")}
    clauses = []
    for data in whole.values():
        for place in range(0, len(data), 7):
            broken = bytearray(data)
            broken[place] ^= 0xFF
            for damaged in (bytes(broken), data[:place]):
                try:
                    read_picture(damaged)
                except PictureError as error:
                    clauses.append(str(error))
    assert len(clauses) > 50
    assert not [clause for clause in clauses if "\n" in clause]


def test_colours_are_told_from_indices(tmp_path):
    for name, picture in {"rgb": Image.new("RGB", (2, 2)), "grey": Image.new("L", (2, 2))}.items():
        (tmp_path / name).write_bytes(saved(picture))
    assert is_coloured(tmp_path / "rgb")
    assert not is_coloured(tmp_path / "grey")
    with pytest.raises(PictureError, match="no such file"):
        is_coloured(Path(tmp_path / "none"))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_of_few_bits_is_no_label_where_programs_differ_on_its_values(bits):
    rows = bytes([0, 0b0001_0001])  # one row of 8 / bits values, its filter first
    header = struct.pack(">IIBBBBB", 8 // bits, 1, bits, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )
    if bits == 1:
        assert read_indices(data).tolist() == [[0, 0, 0, 1, 0, 0, 0, 1]]
        return
    with pytest.raises(PictureError, match="save it with 8 bits"):
        read_indices(data)
