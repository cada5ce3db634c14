"""Cityscapes fine annotations: label ids to the 19 train ids, everything else ignored."""

from hyperseg.data.description import ClassInfo
from hyperseg.datasets.published.published import Archive, Published

# label id -> class, colour, in train id order: cityscapesscripts.helpers.labels
SCORED: dict[int, tuple[str, tuple[int, int, int]]] = {
    7: ("road", (128, 64, 128)),
    8: ("sidewalk", (244, 35, 232)),
    11: ("building", (70, 70, 70)),
    12: ("wall", (102, 102, 156)),
    13: ("fence", (190, 153, 153)),
    17: ("pole", (153, 153, 153)),
    19: ("traffic light", (250, 170, 30)),
    20: ("traffic sign", (220, 220, 0)),
    21: ("vegetation", (107, 142, 35)),
    22: ("terrain", (152, 251, 152)),
    23: ("sky", (70, 130, 180)),
    24: ("person", (220, 20, 60)),
    25: ("rider", (255, 0, 0)),
    26: ("car", (0, 0, 142)),
    27: ("truck", (0, 0, 70)),
    28: ("bus", (0, 60, 100)),
    31: ("train", (0, 80, 100)),
    32: ("motorcycle", (0, 0, 230)),
    33: ("bicycle", (119, 11, 32)),
}


DATASET = Published(
    id="cityscapes",
    title="Cityscapes, fine annotations (2048x1024, 19 classes)",
    short_title="Cityscapes",
    homepage="https://www.cityscapes-dataset.com",
    licence=(
        "Cityscapes is for non-commercial research and teaching under the terms that an account at its site accepts."
    ),
    citation=(
        "Cordts, Omran, Ramos, Rehfeld, Enzweiler, Benenson, Franke, Roth, Schiele: The Cityscapes dataset for "
        "semantic urban scene understanding. CVPR 2016."
    ),
    classes=tuple(ClassInfo(name=name, colour=colour) for name, colour in SCORED.values()),
    unlabelled=("test",),  # its label files are dummies that hold ignored regions only
    splits=({"train": 2975, "val": 500, "test": 1525},),
    sizes=("2048x1024",),
    archives=(
        Archive(
            file="leftImg8bit_trainvaltest.zip",
            size="11 GB",
            md5="0a6e97e94b616a514066c9e2adb0c97f",
            gated="needs an account at cityscapes-dataset.com",
        ),
        Archive(
            file="gtFine_trainvaltest.zip",
            size="241 MB",
            md5="4237c19de34c8a376e9ba46b495d6f66",
            gated="needs an account at cityscapes-dataset.com",
        ),
    ),
    unpacked_bytes=24 << 30,
    alternative="`hyperseg data fetch cityscapes --account`, which asks for your account as csDownload does",
    prepare="hyperseg.datasets.cityscapes:prepare_train_ids",
)
