"""Published results of other methods that state mIoU, time and GPU: facts, not measurements of this project."""

import re
from collections.abc import Sequence

from hyperseg.report.facts import PeerRow
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import dataset_title, hw
from hyperseg.report.part import Part
from hyperseg.report.tables.model import Cell, Column, Table
from hyperseg.report.tables.runtime import milliseconds

# On the paper's GPU, what ran the network, where the source says so (results/published/README.md).
_FRAMEWORK = {
    "PingoLH/FCHarDNet": "PyTorch",
    "juntang-zhuang/ShelfNet": "PyTorch",
    "Reagan1311/DABNet": "PyTorch",
    "MichaelFan01/STDC-Seg": "TensorRT",
    "VITA-Group/FasterSeg": "TensorRT",
    "PaddlePaddle/PaddleSeg": "TensorRT",
}
PAPER_GPU = "GTX 1080 Ti"

_COLUMNS = (
    Column("dataset", "Dataset"), Column("split", "Split"), Column("method", "Method"), Column("backbone", "Backbone"),
    Column("input_height_px", "", shown=False), Column("input_width_px", "", shown=False),
    Column("input", "Input [px], as printed"),
    Column("miou_percent", "mIoU [%]", numeric=True), Column("latency_ms", "Latency [ms]", numeric=True),
    Column("hardware", "Hardware"), Column("source", "Source"), Column("web_only", "Web page only"),
    Column("note", "", shown=False),
)  # fmt: skip


def comparable_peers(peers: Sequence[PeerRow]) -> list[PeerRow]:
    """Rows with a split, a single-scale mIoU, a time and a GPU; the paper's own rows come from elsewhere."""
    return [
        peer for peer in peers
        if peer.miou_percent is not None and peer.milliseconds is not None and peer.gpu and peer.split
        and not peer.multi_scale_test.startswith("ms") and not peer.method.startswith("HyperSeg")
    ]  # fmt: skip


def hardware(peer: PeerRow) -> str:
    """The GPU in one spelling; on the paper's GPU also the framework, which decides comparability there."""
    bare = re.sub(r"[^a-z0-9]", "", peer.gpu.lower()).removeprefix("gtx").removeprefix("rtx").removeprefix("tesla")
    names = {
        "1080ti": PAPER_GPU, "2080": "RTX 2080", "2080ti": "RTX 2080 Ti", "3090": "RTX 3090", "v100": "V100",
        "v10016gb": "V100", "titanrtx": "Titan RTX", "titanxp": "Titan Xp", "titanx": "Titan X", "k80": "Tesla K80",
    }  # fmt: skip
    gpu = names.get(bare, peer.gpu)
    if gpu != PAPER_GPU:
        return gpu
    return f"{gpu}, {_FRAMEWORK.get(peer.source_repo, 'framework not stated')}"


def published_table(peers: Sequence[PeerRow]) -> Table:
    rows = sorted(
        comparable_peers(peers), key=lambda p: (p.dataset, p.split, hardware(p), p.milliseconds, p.method, p.source)
    )
    return Table(
        id="published_peers",
        title="Published results of other methods",
        caption="As their sources print them, on the hardware named; nothing here was measured by this project. "
        f"Times are comparable with the paper's only on the {PAPER_GPU} with PyTorch.",
        columns=_COLUMNS,
        rows=tuple(_row(peer) for peer in rows),
        findings=("clock",),
    )


def _row(peer: PeerRow) -> dict[str, Cell]:
    stated, score = peer.milliseconds, peer.miou_percent
    size = hw(peer.input_height, peer.input_width) if peer.input_height and peer.input_width else ""
    return {
        "dataset": Cell(peer.dataset, dataset_title(peer.dataset).split(",")[0]),
        "split": Cell(peer.split),
        "method": Cell(peer.method),
        "backbone": Cell(peer.backbone or None),
        "input_height_px": Cell(peer.input_height),
        "input_width_px": Cell(peer.input_width),
        "input": Cell(size or None),
        "miou_percent": Cell(score, f"{score:.1f}" if score is not None else ""),
        "latency_ms": Cell(stated, milliseconds(stated) if stated is not None else ""),
        "hardware": Cell(hardware(peer)),
        "source": Cell(peer.source),
        "web_only": Cell("yes" if peer.web_only else None),
        "note": Cell(peer.note or None),
    }


def _build(inputs: Inputs) -> list[Table]:
    return [published_table(inputs.peers)] if inputs.peers else []


PART = Part("published", "Published results of other methods", "published", _build)
