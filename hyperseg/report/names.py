"""Readable names for this project's ids."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from hyperseg.datasets.published import find_published

_HOMES = {"camvid": "CamVid", "cityscapes": "Cityscapes", "voc": "VOC"}
_NETWORKS = {
    "unet": "U-Net",
    "fpn": "FPN",
    "deeplabv3plus": "DeepLabV3+",
    "pan": "PAN",
    "linknet": "LinkNet",
    "lraspp": "LR-ASPP head",
    "segformer_b0": "SegFormer-B0, no ImageNet weights",
}
_ABLATIONS = {
    "static": "static weights",
    "image": "weights per image",
    "patch64": "patches of 64×64",
    "patch128": "patches of 128×128",
    "described": "slices as described",
    "context1": "1 context level",
    "context3": "3 context levels",
    "expansion1": "expansion 1",
    "expansion4": "expansion 4",
    "no_reduction": "features not reduced",
}
_VARIANT = re.compile(r"([a-z]+)_hyperseg_([a-z])(?:_(\w+))?")


def slug(*parts: str) -> str:
    """A file's name made of ids: letters, digits, '-' and '_' alone, whatever a record calls its dataset."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", "_".join(parts))


def distinct(names: Iterable[str]) -> list[str]:
    """The names in their order; one that comes again gets a number: 'a', 'b', 'a_2'."""
    taken: Counter[str] = Counter()
    found = []
    for name in names:
        taken[name] += 1
        found.append(f"{name}_{taken[name]}" if taken[name] > 1 else name)
    return found


def listed(parts: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def signed(points: float) -> str:
    """Two decimals behind a sign, '+1.50' or '−1.50'."""
    return f"{points:+.2f}".replace("-", "−")


def dataset_title(dataset: str) -> str:
    """The short title of a published dataset; other ids stay as they are."""
    published = find_published(dataset)
    return published.short_title if published else dataset


def network_title(network: str) -> str:
    """'camvid_hyperseg_s' -> 'HyperSeg-S (CamVid)'; other ids stay as they are."""
    found = _VARIANT.fullmatch(network)
    if found is None:
        return _NETWORKS.get(network, network)
    title = f"HyperSeg-{found[2].upper()} ({_HOMES.get(found[1], found[1])})"
    return f"{title}, {_ABLATIONS.get(found[3], found[3].replace('_', ' '))}" if found[3] else title


def is_published_variant(network: str) -> bool:
    """Whether it is one of the paper's networks, not a change of one nor another method."""
    found = _VARIANT.fullmatch(network)
    return found is not None and not found[3]


def device_title(device_name: str) -> str:
    """A processor's name without the words that say nothing: trademarks, core counts, clock rates."""
    name = re.sub(r"\((?:R|TM|r|tm)\)|®|™", "", device_name)
    name = re.sub(r"\s+(?:CPU|Processor|\d+-Core Processor)\b", "", name)
    name = re.sub(r"\s*@.*$", "", name)
    return re.sub(r"\s+", " ", name).strip()


def hw(height: int, width: int) -> str:
    return f"{height}×{width}"
