"""``hyperseg data show``: a contact sheet of a dataset, pictures beside their labels, classes and colours."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hyperseg.data.card import DatasetCard
from hyperseg.data.overlay import colour_table, overlay
from hyperseg.data.prepared import PreparedDataset, Sample, read_image, read_label
from hyperseg.datasets.card_text import hex_colour
from hyperseg.files import write_bytes_atomic

_THUMBNAIL = 480  # pixels of width: what a column of the sheet shows at 150 dpi
NO_CLASS = (235, 235, 235)  # light grey
_INK, _QUIET = "#1c1e21", "#6b7178"


def write_sheet(dataset: PreparedDataset, card: DatasetCard, path: Path, rows: int) -> None:
    """Write a PNG: `rows` samples spread over the splits (image, overlay, label), class shares and mean colour."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    chosen = choose(dataset, rows)
    height, width = read_image(chosen[0][1]).shape[:2]
    columns, pictures_width = 3, 0.7
    shape = min(max(height / width, 0.4), 1.3)
    picture_height = 14.5 * (pictures_width - 0.02) / columns * shape  # inches
    inches = max(1.2 + len(chosen) * picture_height, 3.5 + 0.2 * len(dataset.classes))
    figure = Figure(figsize=(14.5, inches), facecolor="white", dpi=150)
    FigureCanvasAgg(figure)
    top, bottom = 1 - 0.95 / inches, 0.25 / inches
    grid = figure.add_gridspec(
        len(chosen), columns, left=0.02, right=pictures_width, top=top, bottom=bottom, wspace=0.02, hspace=0.02
    )
    for row, (split, sample) in enumerate(chosen):
        for column, (title, picture) in enumerate(_panels(dataset, sample)):
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(picture, interpolation="nearest" if column else "antialiased")
            axes.set_axis_off()
            if row == 0:
                axes.set_title(title, fontsize=9, color=_QUIET, loc="left", pad=4)
            if column == 0:
                caption = {"facecolor": "#000000b0", "edgecolor": "none", "boxstyle": "round,pad=0.25"}
                axes.text(
                    0.015, 0.03, f"{split} / {sample.name}", transform=axes.transAxes, fontsize=7, color="white",
                    bbox=caption, va="bottom",
                )  # fmt: skip
    _heading(figure, card)
    side = figure.add_gridspec(
        2, 1, left=pictures_width + 0.1, right=0.965, top=top, bottom=0.6 / inches, height_ratios=[4.5, 1], hspace=0.24
    )
    _histogram(figure.add_subplot(side[0]), card)
    _colours(figure.add_subplot(side[1]), card)
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    write_bytes_atomic(path, content.getvalue())


def choose(dataset: PreparedDataset, rows: int) -> list[tuple[str, Sample]]:
    """Samples from the labelled splits, one split after the other, evenly spaced within each."""
    splits = [split for split in dataset.splits if split not in dataset.info.unlabelled] or list(dataset.splits)
    shares = {split: rows // len(splits) + (index < rows % len(splits)) for index, split in enumerate(splits)}
    chosen = []
    for split, share in shares.items():
        samples = dataset.samples(split)
        places = np.linspace(0, len(samples), min(share, len(samples)), endpoint=False) + len(samples) / (
            2 * share or 1
        )
        chosen += [(split, samples[min(int(place), len(samples) - 1)]) for place in places]
    return chosen


def _panels(dataset: PreparedDataset, sample: Sample) -> list[tuple[str, np.ndarray]]:
    image = read_image(sample)
    if sample.label is None:
        return [("image", _small(image, Image.Resampling.LANCZOS))]
    label, colours = read_label(sample), colour_table(dataset.classes, NO_CLASS)
    mixed = overlay(image, label, dataset.classes, opacity=0.55)
    return [
        ("image", _small(image, Image.Resampling.LANCZOS)),
        ("label over image", _small(mixed, Image.Resampling.LANCZOS)),
        ("label (grey: no class)", _small(colours[label], Image.Resampling.NEAREST)),
    ]


def _small(picture: np.ndarray, resampling: Image.Resampling) -> np.ndarray:
    whole = Image.fromarray(picture)
    size = (_THUMBNAIL, max(1, round(_THUMBNAIL * whole.height / whole.width)))
    return np.asarray(whole.resize(size, resampling) if whole.width > _THUMBNAIL else whole)


def _heading(figure: Any, card: DatasetCard) -> None:
    inch = 1 / figure.get_figheight()  # in parts of the figure
    counts = ", ".join(f"{name} {split.images}" for name, split in card.splits.items())
    figure.text(0.02, 1 - 0.22 * inch, card.title, fontsize=15, fontweight="bold", color=_INK, va="top")
    about = f"{counts} images   ·   {card.bytes / 1e6:.1f} MB   ·   version {card.version[:12]}"
    figure.text(0.02, 1 - 0.53 * inch, about, fontsize=9, color=_QUIET, va="top")


def _histogram(axes: Any, card: DatasetCard) -> None:
    names = [entry.name for entry in card.classes]
    shares = [entry.share_percent for entry in card.classes]
    bars = axes.barh(names, shares, color=[hex_colour(entry.colour) for entry in card.classes], height=0.72)
    for bar in bars:
        bar.set_edgecolor("#00000040")
        bar.set_linewidth(0.6)
    axes.bar_label(bars, [f"{share:.2f} %" for share in shares], padding=3, fontsize=8, color=_QUIET)
    axes.invert_yaxis()
    axes.margins(x=0.2, y=0.01)
    axes.set_title("share of pixels with a class", fontsize=10, color=_INK, loc="left", pad=8)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.spines["left"].set_color("#c5c9ce")
    axes.tick_params(axis="x", bottom=False, labelbottom=False)
    axes.tick_params(axis="y", length=0, labelsize=9, labelcolor=_INK)
    without = f"void {card.void_percent:.2f} %, ignored {card.ignored_percent:.2f} % of all label pixels"
    axes.text(0, -0.02, without, transform=axes.transAxes, fontsize=8, color=_QUIET, va="top")


def _colours(axes: Any, card: DatasetCard) -> None:
    """The mean colour as a field, and mean and spread of each channel."""
    axes.set_title("mean colour, spread by channel", fontsize=10, color=_INK, loc="left", pad=8)
    mean = tuple(channel / 255 for channel in card.mean_rgb)
    axes.barh([1], [255], color=[mean], height=2.6)
    axes.text(6, 1, "R {:.0f}  G {:.0f}  B {:.0f}".format(*card.mean_rgb), fontsize=9, va="center",
              color="white" if sum(mean) < 1.6 else _INK)  # fmt: skip
    for place, (middle, spread, colour) in enumerate(
        zip(card.mean_rgb, card.std_rgb, ("#c8412f", "#3c8d4f", "#3566b8"), strict=True)
    ):
        y = 3.4 + 0.8 * place
        axes.plot([max(0, middle - spread), min(255, middle + spread)], [y, y], color=colour, linewidth=3, alpha=0.5)
        axes.plot([middle], [y], "o", color=colour, markersize=5)
    axes.set_xlim(0, 255)
    axes.set_ylim(5.6, -0.4)
    axes.set_yticks([])
    axes.set_xticks([0, 128, 255])
    axes.tick_params(axis="x", labelsize=8, labelcolor=_QUIET, color="#c5c9ce")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#c5c9ce")
