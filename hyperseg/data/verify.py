"""``hyperseg data verify``: is a prepared folder what its manifest and its description say?"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from hyperseg.data.hashing import cores, sha256_files
from hyperseg.data.manifest import dataset_files, read_manifest
from hyperseg.data.offenders import first_ten
from hyperseg.data.prepared import IGNORED, PreparedDataset, Sample, read_index_png, read_info
from hyperseg.errors import UserError


def verify(root: Path) -> PreparedDataset:
    """Check hashes, pairs, sizes and label values of a prepared folder on all cores.

    Raises one UserError that names the first ten offenders and the total.
    """
    info = read_info(root)
    manifest = read_manifest(root)
    offenders = _changed_files(root)
    dataset = PreparedDataset(
        root, info.id, info.title, info.classes, info.void, manifest.version, manifest.splits, info, manifest
    )
    damaged = {name for name, _ in offenders}
    samples = [(split, sample) for split in dataset.splits for sample in dataset.samples(split)]
    sound = [(s, x) for s, x in samples if not damaged & set(_names(root, x))]
    with ThreadPoolExecutor(cores()) as pool:
        for found in pool.map(lambda pair: _check_sample(dataset, *pair), sound):
            offenders += found
    if offenders:
        listed = first_ten(f"{name} ({what})" for name, what in offenders)
        raise UserError(f"{root} is not sound: {listed}; restore these files or prepare the dataset again")
    return dataset


def _names(root: Path, sample: Sample) -> list[str]:
    return [path.relative_to(root).as_posix() for path in (sample.image, sample.label) if path]


def _changed_files(root: Path) -> list[tuple[str, str]]:
    listed = read_manifest(root).files
    present = dataset_files(root)
    digests = sha256_files(path for name, path in present.items() if name in listed)
    offenders = [(name, "missing") for name in listed if name not in present]
    offenders += [(name, "not in the manifest") for name in present if name not in listed]
    offenders += [
        (name, "other bytes")
        for name, path in present.items()
        if name in listed and digests[path] != listed[name].sha256
    ]
    return offenders


def _check_sample(dataset: PreparedDataset, split: str, sample: Sample) -> list[tuple[str, str]]:
    image = sample.image.relative_to(dataset.root).as_posix()
    try:
        with Image.open(sample.image) as picture:
            picture.load()
            size = picture.size
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        return [(image, f"no picture: {error}")]
    if sample.label is None:
        return [] if split in dataset.info.unlabelled else [(image, "no label beside it")]
    label = sample.label.relative_to(dataset.root).as_posix()
    try:
        values = read_index_png(sample.label)
    except UserError as error:
        return [(label, str(error))]
    if values.shape != size[::-1]:
        return [(label, f"{values.shape[1]}x{values.shape[0]}, its image {size[0]}x{size[1]}")]
    allowed = {*range(len(dataset.classes)), IGNORED, dataset.void}
    wrong = [int(value) for value in np.flatnonzero(np.bincount(values.ravel(), minlength=256)) if value not in allowed]
    return [(label, f"value {', '.join(map(str, wrong))} is no class")] if wrong else []
