"""Somebody who repeats the paper to the letter, and the verdicts on what they leave."""

from pathlib import Path

import pandas as pd
from record_factory import evaluation, latency, machine, network, sha, training, write

import hyperseg
from hyperseg.records import DatasetRef, Record
from hyperseg.report.claims import Claims
from hyperseg.report.claims_judge import judge
from hyperseg.report.facts import PeerRow

GPU = machine(cpu="Test CPU", fingerprint="1080" * 3, gpus=["NVIDIA GeForce GTX 1080 Ti"])
# variant: mIoU and FPS that the paper states, classes, backbone, epochs, images an epoch, split of the selection
PAPER: dict[str, tuple[float, float | None, int, str, int, int]] = {
    "camvid_hyperseg_s": (78.4, 38.0, 12, "tf_efficientnet_b1", 120, 2000),
    "camvid_hyperseg_l": (79.1, 16.6, 12, "tf_efficientnet_b1", 120, 2000),
    "cityscapes_hyperseg_m": (76.2, 36.9, 19, "tf_efficientnet_b1", 360, 4000),
    "cityscapes_hyperseg_s": (78.2, 16.1, 19, "tf_efficientnet_b1", 360, 4000),
    "voc_hyperseg_l": (80.6, None, 21, "tf_efficientnet_b3", 160, 20000),
}
SIZES = {
    "camvid_hyperseg_s": (576, 768), "camvid_hyperseg_l": (768, 1024), "cityscapes_hyperseg_m": (512, 1024),
    "cityscapes_hyperseg_s": (768, 1536), "voc_hyperseg_l": (512, 512),
}  # fmt: skip
DATASETS = {
    "camvid": ("camvid_authors12", "test", 233, {"960x720": 233}),
    "cityscapes": ("cityscapes", "val", 500, {"2048x1024": 500}),
    "voc": ("voc2012", "val", 1449, {"500x375": 1000, "375x500": 449}),
}  # fmt: skip
READINGS = {
    "camvid": {"void": "class", "geometry": "resize", "normalization": "imagenet"},
    "cityscapes": {"void": "ignore", "geometry": "resize", "normalization": "imagenet"},
    "voc": {"void": "ignore", "geometry": "pad", "normalization": "imagenet"},
}


def dataset_of(variant: str, **changes: object) -> DatasetRef:
    name, split, images, sizes = DATASETS[variant.split("_")[0]]
    fields = {"id": name, "version": sha(name), "split": split, "images": images, "image_sizes": sizes}
    return DatasetRef(**(fields | changes))


def perfect_user(offsets: dict[str, float] | None = None) -> dict[str, Record]:
    """All five variants by three seeds and a GTX 1080 Ti: what somebody leaves who repeats the paper to the letter."""
    records: dict[str, Record] = {}
    for variant, (miou, fps, classes, backbone, epochs, images) in PAPER.items():
        home, offset = variant.split("_")[0], (offsets or {}).get(variant, 0.0)
        selection = "test" if home == "camvid" else "val"
        for seed, spread in enumerate((-0.05, 0.0, 0.05)):
            net = network(variant, weights=f"seed{seed}", backbone=backbone, num_classes=classes)
            recipe = {"id": variant, "epochs": epochs, "images_per_epoch": images}
            records[f"{variant}/seed{seed}/train.json"] = training(
                variant, net=net, seed=seed, selection="best", selection_split=selection, config={"recipe": recipe},
                dataset=dataset_of(variant, split="train"),
            )  # fmt: skip
            records[f"{variant}/seed{seed}/evaluation-paper.json"] = evaluation(
                variant, "paper", miou + offset + spread, classes=[f"class {i}" for i in range(classes)],
                hw=SIZES[variant], net=net, seed=seed, config={"reading": READINGS[home]}, dataset=dataset_of(variant),
            )  # fmt: skip
        net = network(variant, weights=None, backbone=backbone, num_classes=classes)
        milliseconds = 1000 / fps if fps else 30.0
        records[f"{variant}/latency/paper.json"] = latency(
            variant, "paper", milliseconds, at=GPU, batch_norm="deleted", net=net, mean=milliseconds,
        )  # fmt: skip
    return records


def verdicts(folder: Path, records: dict[str, Record], claims: Claims, rivals: tuple[PeerRow, ...]) -> pd.DataFrame:
    return judge(claims, hyperseg.read_records(write(folder, records)), rivals).set_index("claim")
