"""The paper's tables, one per dataset and split: its rows with ours beside them, other methods below a rule."""

from collections.abc import Sequence
from statistics import mean, stdev

from hyperseg.report.collection import Collection, Latency
from hyperseg.report.comparability import accuracy_differs, latency_differs
from hyperseg.report.facts import PaperRow, PeerRow
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import dataset_title, hw, network_title, signed, slug
from hyperseg.report.part import Part
from hyperseg.report.rivals import PAPER_HARDWARE, hardware, left_out, scored_rivals
from hyperseg.report.tables.accuracy import accuracy_rows
from hyperseg.report.tables.model import Cell, Column, Table

MISSING = "not in our facts"
# The rows that the paper's tables have, whether or not their numbers are in results/paper.
_ROWS = {
    ("camvid", "test"): ("camvid_hyperseg_s", "camvid_hyperseg_l"),
    ("cityscapes", "val"): ("cityscapes_hyperseg_m", "cityscapes_hyperseg_s"),
    ("cityscapes", "test"): ("cityscapes_hyperseg_m", "cityscapes_hyperseg_s"),
    ("voc2012", "val"): ("voc_hyperseg_l",),
}
_BACKBONE = {"voc_hyperseg_l": "EfficientNet-B3"}
_COLUMNS = (
    Column("method", "Method"),
    Column("backbone", "Backbone"),
    Column("resolution", "Resolution"),
    Column("miou_percent", "mIoU [%]", numeric=True),
    Column("ours_miou_percent", "Ours [%]", numeric=True),
    Column("difference_points", "Difference [points]", numeric=True),
    Column("fps_gtx_1080_ti_pytorch", "FPS, GTX 1080 Ti, PyTorch", numeric=True),
    Column("ours_fps", "Ours, same [FPS]", numeric=True),
    Column("fps_other", "FPS, other hardware", numeric=True),
    Column("other_hardware", "Hardware"),
    Column("gmacs", "GMACs", numeric=True),
    Column("params_m", "Parameters [M]", numeric=True),
    Column("web_only", "", shown=False),
    Column("source", "Source", detail=True),
)


def paper_tables(inputs: Inputs) -> list[Table]:
    """CamVid test, Cityscapes val, Cityscapes test, VOC val; empty where the paper's facts are not given."""
    if not inputs.paper:
        return []
    return [_table(dataset, split, variants, inputs) for (dataset, split), variants in _ROWS.items()]


def _table(dataset: str, split: str, variants: Sequence[str], inputs: Inputs) -> Table:
    ours = [_paper_row(variant, dataset, split, inputs) for variant in variants]
    rivals = [peer for peer in scored_rivals(inputs.peers) if (peer.dataset, peer.split) == (dataset, split)]
    rivals.sort(key=lambda peer: (_timing(peer), -(peer.miou_percent or 0), peer.method, peer.source))
    dropped = left_out([peer for peer in inputs.peers if peer.dataset == dataset and peer.split in (split, "")])
    remarks: tuple[str, ...] = ()
    if dropped:
        reasons = "; ".join(f"{count} {reason}" for reason, count in sorted(dropped.items()))
        remarks = (f"Rows of results/published left out here: {sum(dropped.values())} ({reasons})",)
    home = dataset_title(dataset).split(",")[0]
    return Table(
        id=slug("paper", dataset, split),
        title=f"The paper's table: {home} {split}",
        caption="As published, single scale; ours only where dataset, labels, protocol, input and hardware are the "
        f"paper's. {MISSING.capitalize()}: the paper has this row and results/paper does not. Below the rule: other "
        "methods as their sources state them, those timed on the paper's hardware first, then by mIoU.",
        columns=_COLUMNS,
        rows=(*ours, *map(_rival_row, rivals)),
        findings=("selection", "classes", "clock", "seed"),
        page_rows=50,
        rules=(len(ours),) if rivals else (),
        remarks=remarks,
    )


def _timing(peer: PeerRow) -> int:
    """0: timed as the paper was, 1: timed on stated hardware, 2: timed, 3: not timed."""
    if peer.milliseconds is None:
        return 3
    return 2 if not peer.gpu else int(hardware(peer) != PAPER_HARDWARE)


def _paper_row(variant: str, dataset: str, split: str, inputs: Inputs) -> dict[str, Cell]:
    row = next((r for r in inputs.paper if (r.variant, r.dataset, r.split) == (variant, dataset, split)), None)
    cells = {
        "method": Cell(variant, network_title(variant).split(" (")[0], mark="good"),
        "backbone": Cell(_BACKBONE.get(variant, "EfficientNet-B1")),
        **_counted(variant, inputs.collection),
    }
    if row is None:
        absent = Cell(None, MISSING, mark="muted")
        return cells | {"miou_percent": absent, "fps_gtx_1080_ti_pytorch": absent}
    cells |= {
        "resolution": Cell(hw(row.input_height, row.input_width)),
        "miou_percent": Cell(row.miou_percent, f"{row.miou_percent:.1f}"),
        "fps_gtx_1080_ti_pytorch": Cell(row.fps, f"{row.fps:g}") if row.fps else Cell(None, MISSING, mark="muted"),
        "source": Cell(row.source, _short(row.source)),
    }
    return cells | _our_accuracy(row, inputs.collection) | _our_speed(row, inputs.collection)


def _our_accuracy(row: PaperRow, collection: Collection) -> dict[str, Cell]:
    reasons: list[str] = []
    for entries in accuracy_rows(collection):
        dataset = entries[0].record.dataset
        if entries[0].record.network.id != row.variant or dataset is None or not dataset.id.startswith(row.dataset):
            continue
        scored = [entry for entry in entries if not accuracy_differs(entry, row, collection)]
        if scored:
            values = [entry.numbers.miou_percent for entry in scored]
            difference = mean(values) - row.miou_percent
            spread = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
            anchors = tuple(entry.anchor for entry in scored)
            return {
                "ours_miou_percent": Cell(mean(values), f"{mean(values):.2f}{spread}", anchors, mark="good"),
                "difference_points": Cell(difference, signed(difference), anchors),
            }
        paper = [e for e in entries if e.record.protocol and e.record.protocol.id == "paper"] or entries
        reasons = reasons or accuracy_differs(paper[0], row, collection)
    if reasons:
        return {"ours_miou_percent": Cell(None, "not comparable", mark="muted", notes=tuple(reasons))}
    return {"ours_miou_percent": Cell(None, "not run", mark="muted")}


def _our_speed(row: PaperRow, collection: Collection) -> dict[str, Cell]:
    timed: list[Latency] = [
        entry
        for entry in collection.latency_of("hyperseg")
        if entry.record.network.id == row.variant
        and entry.numbers.verdict.verdict != "INVALID"
        and not latency_differs(entry, row)
    ]
    if not timed or not row.fps:
        return {"ours_fps": Cell(None, "not run", mark="muted")} if row.fps else {}
    best = max(timed, key=lambda entry: (entry.numbers.verdict.verdict == "VALID", entry.record.started_at))
    return {"ours_fps": Cell(best.numbers.fps, f"{best.numbers.fps:.1f}", (best.anchor,), mark="good")}


def _counted(variant: str, collection: Collection) -> dict[str, Cell]:
    """Parameters and multiply-accumulates as a record of the network with the paper's backbone counts them."""
    backbone = "efficientnet_b3" if variant in _BACKBONE else "efficientnet_b1"
    note = "counted by this project; the paper's is not in our facts"
    cells: dict[str, Cell] = {}
    for entry in collection:
        network = entry.record.network
        if network.id != variant or network.source != "hyperseg":
            continue
        if network.backbone.removeprefix("tf_").split(".")[0] != backbone:
            continue
        millions = network.parameters / 1e6
        cells.setdefault("params_m", Cell(millions, f"{millions:.1f}", (entry.anchor,), notes=(note,)))
        if network.gmacs:
            cells.setdefault("gmacs", Cell(network.gmacs, f"{network.gmacs:.1f}", (entry.anchor,), notes=(note,)))
    return cells


def _rival_row(peer: PeerRow) -> dict[str, Cell]:
    fps = peer.fps or (1000 / peer.milliseconds if peer.milliseconds else None)
    cells = {
        "method": Cell(peer.method),
        "backbone": Cell(peer.backbone or None),
        "miou_percent": Cell(peer.miou_percent, f"{peer.miou_percent:.1f}"),
        "gmacs": Cell(peer.gmacs, f"{peer.gmacs:g}" if peer.gmacs else ""),
        "params_m": Cell(peer.params_m, f"{peer.params_m:g}" if peer.params_m else ""),
        "web_only": Cell(peer.web_only),
        "source": Cell(peer.source, _short_source(peer)),
    }
    if peer.input_height and peer.input_width:
        cells["resolution"] = Cell(hw(peer.input_height, peer.input_width))
    if fps is None:
        return cells
    shown = Cell(fps, f"{fps:.0f}" if fps >= 100 else f"{fps:.1f}")
    if peer.gpu and hardware(peer) == PAPER_HARDWARE:
        return cells | {"fps_gtx_1080_ti_pytorch": shown}
    return cells | {"fps_other": shown, "other_hardware": Cell(hardware(peer) if peer.gpu else "not stated")}


def _short_source(peer: PeerRow) -> str:
    return f"{_short(peer.source)} (web page)" if peer.web_only else _short(peer.source)


def _short(source: str) -> str:
    """Repository and commit, or the site's name; the CSV has the whole source."""
    first = source.split(";")[0]
    words = first.removeprefix("github.com/").split()
    if first.startswith("github.com/"):
        return words[0] + (f" @ {words[-1]}" if "@" in words else "")
    return first.removeprefix("https://").removeprefix("http://").split("/")[0]


PART = Part("paper", "The paper's tables", "paper", paper_tables)
