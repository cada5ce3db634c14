"""Making the dataset card: what a dataset is and holds, computed from its files."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hyperseg.data.card import ClassStatistics, DatasetCard, SplitStatistics, class_warnings, stored_card
from hyperseg.data.description import IGNORED, DatasetInfo
from hyperseg.data.manifest import CARD_FILE, Manifest
from hyperseg.data.prepared import open_dataset
from hyperseg.datasets.inspection import Seen, inspect
from hyperseg.errors import first_ten
from hyperseg.files import write_text_atomic


def card_of(info: DatasetInfo, manifest: Manifest, seen: Mapping[str, Seen]) -> DatasetCard:
    """The card of a sound folder that was looked at."""
    labels = np.array([one.values for one in seen.values() if one.values is not None], np.int64).reshape(-1, 256)
    channels = np.zeros((3, 256), np.int64)  # integer sums do not depend on the order
    for one in seen.values():
        if one.channels is not None:
            channels += one.channels
    pixels = labels.sum(axis=0)
    mean, std = _moments(channels)
    values = list(info.label_values)
    scored, total = int(pixels[values].sum()), int(pixels.sum())
    void = int(pixels[info.void]) if info.void not in {None, IGNORED} else 0
    return DatasetCard(
        dataset=info.id,
        title=info.title,
        version=manifest.version,
        source=info.source,
        licence=info.licence,
        citation=info.citation,
        notes=info.notes,
        splits={split: _split_statistics(split, seen) for split in manifest.splits},
        classes=tuple(
            ClassStatistics(
                index=index,
                name=entry.name,
                colour=entry.colour,
                pixels=int(pixels[value]),
                share_percent=_percent(int(pixels[value]), scored),
                images=int((labels[:, value] > 0).sum()),
            )
            for index, (entry, value) in enumerate(zip(info.classes, values, strict=True))
        ),
        void_percent=_percent(void, total),
        ignored_percent=_percent(total - scored - void, total),
        mean_rgb=mean,
        std_rgb=std,
        files=len(manifest.files),
        bytes=sum(entry.bytes for entry in manifest.files.values()),
        warnings=(*class_warnings(info, pixels), *_picture_warnings(seen)),
    )


def _picture_warnings(seen: Mapping[str, Seen]) -> list[str]:
    plain = [name for name, one in seen.items() if one.channels is not None and (one.channels > 0).sum() == 3]
    if not plain:
        return []
    which = "1 picture is" if len(plain) == 1 else f"{len(plain)} pictures are"
    return [f"{which} of one colour throughout: {first_ten(plain)}; check that the source was read as it is meant"]


def write_card(root: Path, card: DatasetCard) -> None:
    """Write card.json: the same bytes for the same files."""
    content = card.model_dump(mode="json", exclude=set() if card.warnings else {"warnings"})
    write_text_atomic(root / CARD_FILE, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_card(root: Path) -> DatasetCard:
    """The card of a prepared folder: card.json where it is of the present version, else computed anew, not written."""
    dataset = open_dataset(root)
    return stored_card(dataset) or card_of(dataset.info, dataset.manifest, inspect(root))


def _split_statistics(split: str, seen: Mapping[str, Seen]) -> SplitStatistics:
    images = [one for name, one in seen.items() if name.startswith(f"{split}/images/")]
    sizes = Counter(f"{one.size[0]}x{one.size[1]}" for one in images if one.size)
    ranked = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    labelled = sum(name.startswith(f"{split}/labels/") for name in seen)
    return SplitStatistics(images=len(images), labelled=labelled, sizes=dict(ranked[:10]))


def _moments(channels: np.ndarray) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and standard deviation of each channel from its histogram."""
    levels = np.arange(256)
    count = np.maximum(channels.sum(axis=1), 1)
    mean = channels @ levels / count
    variance = channels @ levels**2 / count - mean**2
    return _triple(mean), _triple(np.sqrt(np.maximum(variance, 0)))


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = (round(float(value), 3) for value in values)
    return red, green, blue


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 4) if whole else 0.0
