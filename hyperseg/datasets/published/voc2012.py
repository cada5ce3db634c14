"""PASCAL VOC 2012 with the SBD labels ("SegmentationClassAug"): train_aug and val."""

from hyperseg.data.description import ClassInfo
from hyperseg.data.reading import Reading
from hyperseg.datasets.published.published import Archive, Published

NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip


def palette_colour(index: int) -> tuple[int, int, int]:
    """VOC's colour of a class (VOCdevkit, VOClabelcolormap): the index's bits, spread over the channels' high bits."""
    red = green = blue = 0
    for bit in range(8):
        red |= (index >> 3 * bit & 1) << 7 - bit
        green |= (index >> 3 * bit + 1 & 1) << 7 - bit
        blue |= (index >> 3 * bit + 2 & 1) << 7 - bit
    return red, green, blue


DATASET = Published(
    id="voc2012",
    title="PASCAL VOC 2012 with SBD augmented labels (21 classes)",
    short_title="PASCAL VOC 2012",
    homepage="http://host.robots.ox.ac.uk/pascal/VOC/voc2012/",
    licence="The pictures are from Flickr under its terms of use; the annotations are offered for research.",
    citation=(
        "Everingham, Eslami, Van Gool, Williams, Winn, Zisserman: The PASCAL visual object classes challenge: a "
        "retrospective. IJCV 111(1), 2015. Hariharan, Arbelaez, Bourdev, Maji, Malik: Semantic contours from inverse "
        "detectors. ICCV 2011."
    ),
    classes=tuple(ClassInfo(name=name, colour=palette_colour(index)) for index, name in enumerate(NAMES)),
    splits=({"train_aug": 10582, "val": 1449},),
    archives=(
        Archive(
            file="VOCtrainval_11-May-2012.tar",
            urls=(
                "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar",
                "https://thor.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar",
                "http://pjreddie.com/media/files/VOCtrainval_11-May-2012.tar",
            ),
            bytes=1999639040,
            size="2.0 GB",
            sha256="e14f763270cf193d0b5f74b169f44157a4b0c6efa708f4dd0ff78ee691763bcb",
            md5="6cd6e144f989b92b3379bac3b3de84fd",
        ),
        Archive(
            file="SegmentationClassAug.zip",
            urls=(
                "http://cs.jhu.edu/~cxliu/data/SegmentationClassAug.zip",
                "https://www.dropbox.com/s/oeu149j8qtbs1x0/SegmentationClassAug.zip?dl=1",
                "http://vllab1.ucmerced.edu/~whung/adv-semi-seg/SegmentationClassAug.zip",
            ),
            size="40 MB",
            note=(
                "One public source reports sha256 63b2c2e40badf93e7c4a91e2c5e6dd2eb68ace6a639736f9a2447b446ec2a13d for "
                "the third address; not enforced, as the copies may differ. 12031 labels: train_aug is all of them but "
                "those of val."
            ),
        ),
    ),
    readings={
        "paper": Reading(void="ignore", geometry="pad", normalization="imagenet", released_normalization="half"),
        "standard": Reading(void="ignore", geometry="pad", normalization="imagenet"),
        "selection": Reading(void="ignore", geometry="pad", normalization="imagenet"),
    },
    prepare="hyperseg.datasets.voc2012:prepare_train_aug",
)
