"""Names as a reader knows them, for ids that this project gives."""

import re

_DATASETS = {
    "streets": "streets (generated)",
    "camvid_segnet": "CamVid 480×360 (SegNet copy)",
    "camvid": "CamVid, 11 merged classes",
    "camvid_authors12": "CamVid, authors' 12 classes",
    "cityscapes": "Cityscapes",
    "voc2012": "PASCAL VOC 2012",
}
_HOMES = {"camvid": "CamVid", "cityscapes": "Cityscapes", "voc": "VOC"}
_VARIANT = re.compile(r"([a-z]+)_hyperseg_([a-z])")


def slug(*parts: str) -> str:
    """A file's name made of ids: letters, digits, '-' and '_' alone, whatever a record calls its dataset."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", "_".join(parts))


def dataset_title(dataset: str) -> str:
    return _DATASETS.get(dataset, dataset)


def network_title(network: str) -> str:
    """'camvid_hyperseg_s' -> 'HyperSeg-S (CamVid)'; other ids stay as they are."""
    found = _VARIANT.fullmatch(network)
    return f"HyperSeg-{found[2].upper()} ({_HOMES.get(found[1], found[1])})" if found else network


def device_title(device_name: str) -> str:
    """A processor's name without the words that say nothing: trademarks, core counts, clock rates."""
    name = re.sub(r"\((?:R|TM|r|tm)\)|®|™", "", device_name)
    name = re.sub(r"\s+(?:CPU|Processor|\d+-Core Processor)\b", "", name)
    name = re.sub(r"\s*@.*$", "", name)
    return re.sub(r"\s+", " ", name).strip()


def hw(height: int, width: int) -> str:
    return f"{height}×{width}"
