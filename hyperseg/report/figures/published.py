"""Published accuracy and time of other methods: one marker per kind of hardware, the paper's own as named stars."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hyperseg.report.facts import PaperRow, PeerRow
from hyperseg.report.figures.labels import Label, freeze_layout, place_labels
from hyperseg.report.figures.style import (
    COLOURS,
    INK,
    MARKERS,
    Picture,
    house_style,
    log_ticks,
    new_figure,
    to_png,
    to_svg,
)
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import dataset_title, network_title
from hyperseg.report.part import Part
from hyperseg.report.tables.published import PAPER_GPU, comparable_peers, hardware

Groups = dict[tuple[str, str], list[PeerRow]]


def published_figure(peers: Sequence[PeerRow], paper: Sequence[PaperRow]) -> Picture | None:
    """One panel per dataset and split that the paper has a time for; None without such peers."""
    timed = {(row.dataset, row.split) for row in paper if row.milliseconds is not None}
    groups: Groups = {}
    for peer in comparable_peers(peers):
        if (peer.dataset, peer.split) in timed:
            groups.setdefault((peer.dataset, peer.split), []).append(peer)
    if not groups:
        return None
    with house_style():
        wide, narrow = _draw(groups, paper, wide=True), _draw(groups, paper, wide=False)
        return Picture(
            name="published_peers",
            title="Published results of other methods",
            caption="As printed by their sources, by hardware; hollow markers are known from web pages only. "
            f"Only times with the same marker may be compared; the paper's stars are a {PAPER_GPU} with PyTorch.",
            svg=to_svg(wide),
            png=to_png(wide),
            narrow_svg=to_svg(narrow),
        )


def _draw(groups: Groups, paper: Sequence[PaperRow], *, wide: bool) -> Figure:
    kinds = sorted({hardware(peer) for group in groups.values() for peer in group})
    # the paper's hardware first, then by name; colour and marker run through different cycles, so that no two agree
    kinds.sort(key=lambda kind: (not kind.startswith(PAPER_GPU), kind))
    looks = {
        kind: (MARKERS[i % len(MARKERS)], COLOURS[(i + i // len(MARKERS)) % len(COLOURS)])
        for i, kind in enumerate(kinds)
    }
    legend_columns = 3 if wide else 1
    legend_height = 0.2 * -(-(len(kinds) + 1) // legend_columns)
    if wide:
        figure = new_figure(3.65 * len(groups), 3.4 + legend_height)
        grid = figure.subplots(1, len(groups), squeeze=False)[0]
    else:
        figure = new_figure(3.75, 2.9 * len(groups) + legend_height)
        grid = figure.subplots(len(groups), 1, squeeze=False)[:, 0]
    named = []
    for axes, (key, group) in zip(grid, sorted(groups.items()), strict=True):
        named.append((axes, _draw_panel(axes, key, group, looks, paper), group))
    handles = [Line2D([], [], marker="*", color=INK, ls="none", ms=10, label=f"the paper, {PAPER_GPU}, PyTorch")]
    handles += [Line2D([], [], marker=m, color=c, ls="none", ms=6, label=kind) for kind, (m, c) in looks.items()]
    figure.legend(handles=handles, loc="outside lower left", ncols=legend_columns, handletextpad=0.4)
    canvas = freeze_layout(figure)
    for axes, labels, group in named:
        points = [(peer.milliseconds, peer.miou_percent) for peer in group]
        others = [Label(x, y, "") for x, y in points if x is not None and y is not None]
        place_labels(canvas, axes, labels, others)
    return figure


def _draw_panel(
    axes: Axes,
    key: tuple[str, str],
    group: Sequence[PeerRow],
    looks: dict[str, tuple[str, str]],
    paper: Sequence[PaperRow],
) -> list[Label]:
    axes.set_title(f"{dataset_title(key[0]).split(',')[0]}, {key[1]}")
    axes.set_xscale("log")
    for peer in group:
        marker, colour = looks[hardware(peer)]
        face = "none" if peer.web_only else colour
        assert peer.milliseconds is not None
        assert peer.miou_percent is not None
        axes.plot(peer.milliseconds, peer.miou_percent, marker=marker, color=colour, mfc=face, ls="none", ms=5.5)
    labels = []
    for row in paper:
        if (row.dataset, row.split) == key and row.milliseconds is not None:
            axes.plot(row.milliseconds, row.miou_percent, marker="*", color=INK, ls="none", ms=11, zorder=4)
            labels.append(Label(row.milliseconds, row.miou_percent, network_title(row.variant).split(" (")[0]))
    axes.margins(0.12)
    log_ticks(axes.xaxis, axes.get_xlim())
    axes.set_xlabel("Latency per image [ms], log scale")
    axes.set_ylabel("mIoU [%]")
    return labels


def _build(inputs: Inputs) -> list[Picture]:
    picture = published_figure(inputs.peers, inputs.paper)
    return [picture] if picture else []


PART = Part("published", "Published results of other methods", "published", _build)
