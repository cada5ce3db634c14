"""Whether a measured number may stand beside the paper's, and if not, why, one sentence each."""

from collections.abc import Sequence

from hyperseg.records import EvaluationNumbers, LatencyNumbers, NetworkRef
from hyperseg.report.collection import Collection, Entry
from hyperseg.report.facts import PaperRow
from hyperseg.report.names import dataset_title, device_title, hw

# The dataset whose frames and label reading are those of the paper's number.
_PAPER_DATASET = {"camvid": "camvid_authors12"}
# The paper's backbones, by the timm architecture they belong to.
_PAPER_BACKBONE = {"voc2012": "efficientnet_b3"}


def paper_dataset(row: PaperRow) -> str:
    """The id of this project's dataset that equals the one the paper scored on."""
    return _PAPER_DATASET.get(row.dataset, row.dataset)


def paper_row(rows: Sequence[PaperRow], network: str, split: str | None) -> PaperRow | None:
    """The paper's row for a network, on the same split where the paper has it."""
    own = [row for row in rows if row.variant == network]
    return next((row for row in own if row.split == split), own[0] if own else None)


def accuracy_differs(entry: Entry[EvaluationNumbers], row: PaperRow, collection: Collection) -> list[str]:
    """Why this mIoU and the paper's are not the same measurement; empty where they are comparable."""
    record, numbers = entry.record, entry.numbers
    reasons = []
    dataset, protocol = record.dataset, record.protocol.id if record.protocol else "none"
    ours, theirs = hw(numbers.input_height, numbers.input_width), hw(row.input_height, row.input_width)
    if dataset is None or dataset.id != paper_dataset(row):
        # other frames or labels: that input size and protocol differ too says nothing more
        title = dataset_title(dataset.id) if dataset else "no dataset"
        reasons.append(f"scored on {title}; the paper's number is for {dataset_title(paper_dataset(row))}")
    else:
        if dataset.split != row.split:
            reasons.append(f"scored on the split {dataset.split}, the paper's number on {row.split}")
        if protocol != "paper":
            reasons.append(f"protocol {protocol}, not the paper's way of scoring")
        if ours != theirs:
            reasons.append(f"input {ours}, the paper's {theirs}")
    reasons += _network_differs(record.network, row)
    training = collection.training_of(record.network.weights_sha256)
    if training and record.network.source == "hyperseg" and training.record.network.backbone_weights is None:
        reasons.append("the backbone started from random weights, the paper's from ImageNet weights")
    return reasons


def latency_differs(entry: Entry[LatencyNumbers], row: PaperRow) -> list[str]:
    """Why this time and the paper's are not the same measurement; empty where they are comparable."""
    record, numbers = entry.record, entry.numbers
    protocol = record.protocol.id if record.protocol else "none"
    reasons = ["a smoke run is a functional check, not a measurement"] if numbers.smoke else []
    if not row.gpu or not _same_gpu(numbers.device_name, row.gpu):
        # on other hardware, what else differs changes nothing
        return [*reasons, f"other hardware: {device_title(numbers.device_name)}, the paper's {row.gpu or 'not stated'}"]
    if protocol != "paper":
        reasons.append(f"latency protocol {protocol}, not the paper's")
    if numbers.engine != "eager" or numbers.precision != "float32":
        reasons.append(f"{numbers.engine} in {numbers.precision}, the paper's eager float32")
    if numbers.batch != 1:
        reasons.append(f"batch {numbers.batch}, the paper's 1")
    ours, theirs = hw(numbers.input_height, numbers.input_width), hw(row.input_height, row.input_width)
    if ours != theirs:
        reasons.append(f"input {ours}, the paper's {theirs}")
    return reasons + _network_differs(record.network, row)


def _network_differs(network: NetworkRef, row: PaperRow) -> list[str]:
    reasons = []
    backbone = _PAPER_BACKBONE.get(row.dataset, "efficientnet_b1")
    # timm's tf_ prefix and weight tags name the origin of ImageNet weights, not another architecture
    if network.source == "hyperseg" and backbone != network.backbone.removeprefix("tf_").split(".")[0]:
        reasons.append(f"backbone {network.backbone}, the paper's {backbone}")
    if network.slices == "described":
        reasons.append("consecutive signal slices as the paper describes them, not as its released weights have them")
    return reasons


def _same_gpu(ours: str, theirs: str) -> bool:
    def bare(name: str) -> str:
        return "".join(c for c in name.lower() if c.isalnum()).removeprefix("nvidia").removeprefix("geforce")

    return bare(ours) == bare(theirs)
