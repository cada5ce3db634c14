"""Confusion matrix as a heat map: of the best network of each dataset and split, what each class was taken for."""

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from hyperseg.records.scores import Matrix
from hyperseg.report.collection import protocol_of, protocol_slug, protocol_title
from hyperseg.report.figures.classes import drawn_groups
from hyperseg.report.figures.style import COLOURS, Picture, house_style, new_figure, picture
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import dataset_title, network_title, slug
from hyperseg.report.part import Part
from hyperseg.report.tables.classes import Evaluation

_WHITE, _BLACK = "#ffffff", "#000000"  # on cells of a colour of their own, whatever the page's ground is
_BLUES = LinearSegmentedColormap.from_list("blues", [_WHITE, COLOURS[0]])
_DARK = 60.0  # percent from which a cell is too dark for black


def confusion_figures(inputs: Inputs) -> list[Picture]:
    """One figure per dataset and split that has bars of its classes: HyperSeg's best network, else the best of all."""
    found = []
    for group in drawn_groups(inputs.collection):
        ours = [entry for entry in group if entry.record.network.source == "hyperseg"] or group
        found.append(_picture(max(ours, key=lambda entry: (entry.numbers.miou_percent, entry.name))))
    return found


def _picture(entry: Evaluation) -> Picture:
    record, dataset = entry.record, entry.record.dataset
    assert dataset is not None
    protocol, network = protocol_of(record), network_title(record.network.id)
    with house_style():
        return picture(
            slug("confusion", dataset.id, dataset.split, protocol_slug(protocol)),
            f"Confusion matrix: {network}, {dataset_title(dataset.id)}, {dataset.split}, {protocol_title(protocol)}",
            "Percentage of the labelled pixels of a row's class that was taken for each column's; below 0.5 is left "
            f"out. {network} of campaign {record.campaign}, mIoU {entry.numbers.miou_percent:.2f} %, is the best "
            f"of {'the HyperSeg networks' if record.network.source == 'hyperseg' else 'the networks'} here.",
            _draw(np.array(entry.numbers.confusion_matrix), [item.name for item in entry.numbers.classes]),
        )


def _draw(matrix: Matrix, names: list[str]) -> Figure:
    pixels = matrix.sum(1, keepdims=True)
    percent = 100 * matrix / np.maximum(pixels, 1)
    side = 0.42 * len(names)
    figure = new_figure(side + 1.4, side + 1.2)
    axes = figure.subplots()
    cells = [(int(row), int(column)) for row, column in zip(*np.nonzero(percent >= 0.5), strict=True)]
    squares = [[(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)] for y, x in cells]
    colours = _BLUES([percent[cell] / 100 for cell in cells])
    axes.add_collection(PolyCollection(squares, facecolors=colours, edgecolors=_WHITE, linewidths=0.5))
    axes.set_xlim(0, len(names))
    axes.set_ylim(len(names), 0)
    for row, column in cells:
        value = percent[row, column]
        axes.text(
            column + 0.5, row + 0.5, f"{value:.0f}", ha="center", va="center", fontsize=7.5,
            color=_WHITE if value >= _DARK else _BLACK,
        )  # fmt: skip
    places = np.arange(len(names)) + 0.5
    axes.set_xticks(places, names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(places, names)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("labelled")
    return figure


PART = Part("confusion", "Confusion matrix", "accuracy", confusion_figures, order=60)
