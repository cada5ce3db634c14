"""Whether a measured number can be compared with the paper's; if not, why, one clause each.

A run is given as the columns of :mod:`hyperseg.records.frame`, so that tables made from records and verdicts made from
a frame compare in the same way.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hyperseg.records.frame import run_columns
from hyperseg.report.collection import Collection, Evaluation, Latency
from hyperseg.report.facts import PaperRow
from hyperseg.report.names import dataset_title, device_title, hw

Run = Mapping[str, Any]  # unknown values are missing or None


def paper_row(rows: Sequence[PaperRow], network: str, split: str | None) -> PaperRow | None:
    """The paper's row for a network, on the same split where the paper has it."""
    own = [row for row in rows if row.variant == network]
    return next((row for row in own if row.split == split), own[0] if own else None)


def accuracy_differs(entry: Evaluation, row: PaperRow, collection: Collection) -> list[str]:
    """Why this mIoU and the paper's are not the same measurement; empty where they are comparable."""
    training = collection.training_of(entry.record.network.weights_sha256)
    return accuracy_reasons(run_columns(entry.record), row, run_columns(training.record) if training else None)


def latency_differs(entry: Latency, row: PaperRow) -> list[str]:
    """Why this time and the paper's are not the same measurement; empty where they are comparable."""
    return latency_reasons(run_columns(entry.record), row)


def accuracy_reasons(run: Run, row: PaperRow, training: Run | None) -> list[str]:
    """Why an evaluation is not the paper's measurement. `training` made its weights; None: not known.

    Weights whose training is not known, such as the released ones, are taken as they are.
    """
    reasons = list(_data(run, row))
    reasons += _network(run, row)
    if training and run.get("source") == "hyperseg":
        reasons += _training(training, row)
    return reasons


def latency_reasons(run: Run, row: PaperRow) -> list[str]:
    """Why a latency is not the paper's measurement."""
    reasons = ["a smoke run is a functional check, not a measurement"] if run.get("smoke") else []
    device = str(run.get("device_name"))
    if not row.gpu or not _same_gpu(device, row.gpu):
        # on other hardware the clock changes nothing; engine and input are named all the same
        reasons.append(f"other hardware: {device_title(device)}, the paper's {row.gpu or 'not stated'}")
        if run.get("engine") not in (None, "eager"):
            reasons.append(f"engine {run['engine']}, the paper's eager PyTorch")
        return [*reasons, *_input(run, row)]
    if run.get("protocol") != "paper":
        reasons.append(f"latency protocol {run.get('protocol') or 'none'}, not the paper's")
    if run.get("engine") != "eager" or run.get("precision") != "float32" or run.get("tf32"):
        precision = "TF32" if run.get("tf32") else run.get("precision")
        reasons.append(f"{run.get('engine')} in {precision}, the paper's eager float32")
    if run.get("batch_norm") == "kept":
        reasons.append("batch norms are computed, the paper's are deleted")
    if run.get("batch") != 1:
        reasons.append(f"batch {run.get('batch')}, the paper's 1")
    return [*reasons, *_input(run, row), *_network(run, row)]


def _data(run: Run, row: PaperRow) -> Iterator[str]:
    wanted = row.conditions
    if run.get("dataset") != wanted.dataset:
        # with other frames or labels, input size and protocol are not named
        title = dataset_title(run["dataset"]) if run.get("dataset") else "no dataset"
        yield f"scored on {title}; the paper's number is for {dataset_title(wanted.dataset)}"
        return
    if run.get("partial"):
        yield "scored on a partial copy of the dataset"
    if run.get("split") != row.split:
        yield f"scored on the split {run.get('split')}, the paper's number on {row.split}"
    elif wanted.images is not None and run.get("images") != wanted.images:
        yield f"scored on {run.get('images')} images, the paper's number on {wanted.images}"
    sizes = run.get("image_sizes")
    if wanted.image_size and sizes and sizes != wanted.image_size:
        yield f"images of {sizes} pixels, the paper's {wanted.image_size}"
    if run.get("protocol") != "paper":
        yield f"protocol {run.get('protocol') or 'none'}, not the paper's way of scoring"
    else:
        for name, title in (("void", "void is read"), ("geometry", "geometry"), ("normalization", "normalization")):
            ours, theirs = run.get(name), getattr(wanted, name)
            if ours and theirs and ours != theirs:
                yield f"{title} '{ours}', the paper's '{theirs}'"
    if run.get("flip") is True:
        yield "the scores of the mirror image averaged in, which the authors' code does not do for a single image"
    yield from _input(run, row)


def _input(run: Run, row: PaperRow) -> Iterator[str]:
    ours, theirs = (run.get("input_height"), run.get("input_width")), (row.input_height, row.input_width)
    if ours != theirs and ours[0] and ours[1]:
        yield f"input {hw(int(ours[0]), int(ours[1]))}, the paper's {hw(*theirs)}"


def _network(run: Run, row: PaperRow) -> Iterator[str]:
    backbone, wanted = str(run.get("backbone")), row.conditions.backbone
    # timm's tf_ prefix and weight tags name the origin of ImageNet weights, not another architecture
    if wanted and run.get("source") == "hyperseg" and wanted != backbone.removeprefix("tf_").split(".")[0]:
        yield f"backbone {backbone}, the paper's {wanted}"
    if run.get("slices") == "described":
        yield "consecutive signal slices as the paper describes them, not as its released weights have them"


def _training(training: Run, row: PaperRow) -> Iterator[str]:
    wanted = row.conditions
    if not training.get("pretrained"):
        yield "the backbone started from random weights, the paper's from ImageNet weights"
    for name, unit in (("epochs", "epochs"), ("images_per_epoch", "images an epoch")):
        ours, theirs = training.get(name), getattr(wanted, name)
        if ours and theirs and ours != theirs:
            yield f"trained for {ours} {unit}, the released recipe for {theirs}"
    if beyond := training.get("beyond_released"):
        yield f"trained with {beyond}, which no released recipe has"
    if wanted.selection and training.get("selection"):
        ours, theirs = _checkpoint(training), _checkpoint(wanted.model_dump())
        if ours != theirs:
            yield f"checkpoint: {ours}, the paper's: {theirs}"


def _checkpoint(training: Run) -> str:
    return "the last" if training["selection"] == "last" else f"best on {training.get('selection_split')}"


def _same_gpu(ours: str, theirs: str) -> bool:
    def bare(name: str) -> str:
        return "".join(c for c in name.lower() if c.isalnum()).removeprefix("nvidia").removeprefix("geforce")

    return bare(ours) == bare(theirs)
