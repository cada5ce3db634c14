"""Published results of other methods: the hardware of each, and which rows can be used where."""

import re
from collections import Counter
from collections.abc import Sequence

from hyperseg.report.facts import PeerRow

PAPER_GPU = "GTX 1080 Ti"
PAPER_HARDWARE = f"{PAPER_GPU}, PyTorch"
VOID_COUNTED = "the paper's mIoU counts Void as a class, and no rival's source says that its own does (finding 2)"
# On the paper's GPU: what ran the network, where the source repository says so (results/published/README.md).
_FRAMEWORK = {
    "PingoLH/FCHarDNet": "PyTorch",
    "juntang-zhuang/ShelfNet": "PyTorch",
    "Reagan1311/DABNet": "PyTorch",
    "MichaelFan01/STDC-Seg": "TensorRT",
    "VITA-Group/FasterSeg": "TensorRT",
    "PaddlePaddle/PaddleSeg": "TensorRT",
}
_GPUS = {
    "1080ti": PAPER_GPU, "2080": "RTX 2080", "2080ti": "RTX 2080 Ti", "3090": "RTX 3090", "v100": "V100",
    "v10016gb": "V100", "titanrtx": "Titan RTX", "titanxp": "Titan Xp", "titanx": "Titan X", "k80": "Tesla K80",
}  # fmt: skip


def hardware(peer: PeerRow) -> str:
    """The GPU in one spelling; on the paper's GPU also the framework, which decides comparability there."""
    bare = re.sub(r"[^a-z0-9]", "", peer.gpu.lower()).removeprefix("gtx").removeprefix("rtx").removeprefix("tesla")
    gpu = _GPUS.get(bare, peer.gpu)
    return f"{gpu}, {_framework(peer)}" if gpu == PAPER_GPU else gpu


def _framework(peer: PeerRow) -> str:
    if peer.source_repo in _FRAMEWORK:
        return _FRAMEWORK[peer.source_repo]
    own = peer.note.split("CONTRADICTION")[0]  # other sources do not describe this number
    return next((name for name in ("TensorRT", "PyTorch") if name in own), "framework not stated")


def unusable(peer: PeerRow) -> str:
    """Why a row cannot be in a table of one dataset and split; empty if it can."""
    if peer.method.startswith("HyperSeg"):
        return "HyperSeg itself, which comes from results/paper"
    if peer.miou_percent is None:
        return "no mIoU stated"
    if not peer.split:
        return "no split stated"
    if peer.multi_scale_test.startswith("ms"):
        return "scored at several scales"
    return ""


def untimed(peer: PeerRow) -> str:
    """Why a usable row cannot be drawn against time; empty where it can."""
    if peer.milliseconds is None:
        return "no time stated"
    return "" if peer.gpu else "a time without its GPU"


def scored_rivals(peers: Sequence[PeerRow]) -> list[PeerRow]:
    """Rows with a dataset, split and single-scale mIoU; equal rows of two sources once."""
    unique: dict[tuple[object, ...], PeerRow] = {}
    for peer in peers:
        if not unusable(peer):
            key = (peer.dataset, peer.split, peer.method, peer.miou_percent, peer.milliseconds, hardware(peer))
            unique.setdefault(key, peer)
    return list(unique.values())


def left_out(peers: Sequence[PeerRow]) -> Counter[str]:
    """How many rows appear nowhere, by reason."""
    reasons = Counter(reason for peer in peers if (reason := unusable(peer)))
    twice = sum(not unusable(peer) for peer in peers) - len(scored_rivals(peers))
    if twice:
        reasons["stated again by a second source with the same numbers"] = twice
    return reasons
