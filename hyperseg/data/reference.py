"""A record's account of the dataset that a number was measured on."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from hyperseg.data.card import stored_card
from hyperseg.data.pictures import PictureError, picture_size
from hyperseg.data.prepared import PreparedDataset, Sample
from hyperseg.errors import UserError
from hyperseg.processors import usable_cores
from hyperseg.records import DatasetRef


def dataset_ref(dataset: PreparedDataset, split: str) -> DatasetRef:
    """Id, version, split and what tells one copy from another: title, source, whether partial, count and sizes.

    Raises UserError for an unknown split or a file that is no picture.
    """
    return DatasetRef(
        id=dataset.id,
        version=dataset.version,
        split=split,
        images=len(dataset.samples(split)),
        title=dataset.title,
        source=dataset.info.source,
        partial=dataset.info.partial,
        image_sizes=_image_sizes(dataset, split),
    )


def _image_sizes(dataset: PreparedDataset, split: str) -> dict[str, int]:
    """'<width>x<height>' -> images, the most frequent first: from the card, else from the pictures' headers."""
    sizes: Counter[str] = Counter()
    card = stored_card(dataset)
    for part in split.split("+"):
        known = card.splits.get(part) if card else None
        if known and sum(known.sizes.values()) == known.images:
            sizes.update(known.sizes)
            continue
        with ThreadPoolExecutor(usable_cores()) as pool:
            sizes.update(pool.map(_size_of, dataset.samples(part)))
    return dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))


def _size_of(sample: Sample) -> str:
    try:
        width, height = picture_size(sample.image)
    except PictureError as error:
        raise UserError(f"cannot read image {sample.image}: {error}; run `hyperseg data verify`") from error
    return f"{width}x{height}"
