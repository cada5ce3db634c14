"""Colour labels to indices, against a plain loop; both readings of CamVid; index PNGs whose bytes depend on nothing."""

import hashlib
import io
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from hyperseg.data.png import encode_index, palette_of
from hyperseg.datasets.camvid_classes import CLASSES, COLOURS, VOID, authors_values, merged_values
from hyperseg.datasets.colours import ColourMap

CHANNEL = st.sampled_from([0, 1, 64, 127, 128, 192, 254, 255])
COLOUR = st.tuples(CHANNEL, CHANNEL, CHANNEL)
SHAPES = npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)


@settings(max_examples=120, deadline=None)
@given(
    values=st.dictionaries(COLOUR, st.one_of(st.integers(0, 253), st.just(255)), min_size=1, max_size=12),
    pixels=SHAPES.flatmap(lambda shape: npst.arrays(np.uint8, (*shape, 3), elements=CHANNEL)),
)
def test_mapping_is_what_a_loop_over_the_pixels_gives(values, pixels):
    label, unknown = ColourMap(values).apply(Image.fromarray(pixels))
    counted: Counter[tuple[int, int, int]] = Counter()
    for row in range(pixels.shape[0]):
        for column in range(pixels.shape[1]):
            colour = tuple(int(channel) for channel in pixels[row, column])
            if colour in values:
                assert label[row, column] == values[colour]
            else:
                assert label[row, column] == 255
                counted[colour] += 1
    assert unknown == dict(counted), "every unknown colour is named with its number of pixels"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
def test_any_mode_of_picture_is_read_by_its_colours(mode):
    plain = Image.new("RGB", (3, 2), (128, 128, 128))
    picture = plain.quantize(4) if mode == "P" else plain.convert(mode)
    label, unknown = ColourMap({(128, 128, 128): 7}).apply(picture)
    assert (label == 7).all()
    assert unknown == {}


@pytest.mark.parametrize("value", [-1, 254, 256])
def test_a_map_to_a_value_that_is_no_label_is_refused(value):
    with pytest.raises(ValueError, match="label values are"):
        ColourMap({(0, 0, 0): value})


def test_the_table_has_camvids_32_colours_once_each():
    assert len(COLOURS) == 32
    assert len({colour for colour, _ in COLOURS.values()}) == 32
    assert [name for name, (_, merged) in COLOURS.items() if merged is None] == ["Void"]
    expected = "Sky Building Pole Road Pavement Tree SignSymbol Fence Car Pedestrian Bicyclist"
    assert [entry.name for entry in CLASSES] == expected.split()
    assert {merged for _, merged in COLOURS.values()} - {None} == {entry.name for entry in CLASSES}


def test_merged_reading_groups_every_named_colour():
    values = merged_values()
    index = {entry.name: place for place, entry in enumerate(CLASSES)}
    assert len(values) == 32
    for name, merged in {
        "Bridge": "Building", "TrafficCone": "Pole", "LaneMkgsNonDriv": "Road", "RoadShoulder": "Pavement",
        "VegetationMisc": "Tree", "TrafficLight": "SignSymbol", "Truck_Bus": "Car", "Animal": "Pedestrian",
        "MotorcycleScooter": "Bicyclist",
    }.items():  # fmt: skip
        assert values[COLOURS[name][0]] == index[merged]
    assert values[(0, 0, 0)] == VOID == 11


def test_authors_reading_takes_twelve_exact_colours_and_ignores_twenty():
    """Their class list, in their order: an array search over 12 colours, 255 where none fits."""
    theirs = [
        (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (0, 0, 192), (128, 128, 0), (192, 128, 128),
        (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192), (0, 0, 0),
    ]  # fmt: skip
    picture = np.array([[colour for colour, _ in COLOURS.values()]], np.uint8)
    expected = np.full(32, 255, np.uint8)
    for place, colour in enumerate(theirs):
        expected[(picture[0] == colour).all(axis=1)] = place
    label, unknown = ColourMap(authors_values()).apply(Image.fromarray(picture))
    assert (label[0] == expected).all()
    assert unknown == {}, "the twenty are known, and ignored on purpose"
    assert int((label == 255).sum()) == 20


@settings(max_examples=120, deadline=None)
@given(
    label=npst.arrays(np.uint8, SHAPES, elements=st.sampled_from([0, 1, 11, 143, 144, 254, 255])),
    wide=st.integers(1, 700),
)
def test_index_png_comes_back_as_it_was(label, wide):
    label = np.repeat(label, wide, axis=1)  # runs of every length around deflate's longest match, 258
    picture = Image.open(io.BytesIO(encode_index(label, palette_of(CLASSES))))
    assert picture.mode == "P"
    assert (np.asarray(picture) == label).all()
    coloured = np.asarray(picture.convert("RGB"))
    assert (coloured[label == 0] == CLASSES[0].colour).all()


def test_index_png_has_the_same_bytes_everywhere():
    label = np.arange(40 * 60, dtype=np.uint32).reshape(40, 60) // 37 % 12
    data = encode_index(label.astype(np.uint8), palette_of(CLASSES))
    assert hashlib.sha256(data).hexdigest() == "70e0cfe5fde1dd333d56838a43338f0ada51c99627915721b8edde07069c7762"
