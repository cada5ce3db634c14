"""IoU per class as horizontal bars, networks side by side."""

from statistics import mean

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hyperseg.report.collection import Collection, protocol_of, protocol_slug, protocol_title
from hyperseg.report.figures.style import COLOURS, Picture, house_style, look, new_figure, picture
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import dataset_title, slug
from hyperseg.report.part import Part
from hyperseg.report.tables.classes import MOST_NETWORKS, Evaluation, by_network, class_groups

Shown = list[tuple[str, list[float | None]]]  # network title -> IoU per class in percent


def drawn_groups(collection: Collection) -> list[list[Evaluation]]:
    """The evaluations of each dataset and split, under the protocol `standard` where there is one."""
    chosen: dict[tuple[str, str, str], list[Evaluation]] = {}
    for group in class_groups(collection):
        dataset = group[0].record.dataset
        if dataset is None:
            continue
        key = (dataset.id, dataset.split, dataset.version)
        if key not in chosen or protocol_of(group[0].record)[0] == "standard":
            chosen[key] = group
    names = [(dataset, split) for dataset, split, _ in chosen]
    if len(set(names)) < len(names):  # two versions of one dataset: tables say enough
        chosen = {key: group for key, group in chosen.items() if names.count(key[:2]) == 1}
    return list(chosen.values())


def _picture(group: list[Evaluation], collection: Collection) -> Picture:
    record = group[0].record
    dataset = record.dataset.id if record.dataset else "none"
    split = record.dataset.split if record.dataset else "none"
    protocol = protocol_of(record)
    names = [item.name for item in group[0].numbers.classes]
    shown: Shown = [
        (title, [_average(seeds, index) for index in range(len(names))])
        for _, title, seeds in by_network(group, collection)
    ]
    caption = "The bar reaches from the lowest to the highest network." if len(shown) > 1 else ""
    if len(shown) > MOST_NETWORKS:
        caption += f" Of {len(shown)} networks, more than a legend holds, each is a dot."
    with house_style():
        return picture(
            slug("class_iou", dataset, split, protocol_slug(protocol)),
            f"IoU per class: {dataset_title(dataset)}, {split}, {protocol_title(protocol)}",
            caption,
            _draw(names, shown, 7.4, 2),
        )


def _average(seeds: list[Evaluation], index: int) -> float | None:
    values = [v for entry in seeds if (v := entry.numbers.classes[index].iou_percent) is not None]
    return mean(values) if values else None


def _draw(names: list[str], shown: Shown, width: float, legend_columns: int) -> Figure:
    named = len(shown) <= MOST_NETWORKS
    legend_rows = -(-len(shown) // legend_columns) if named else 0
    figure = new_figure(width, 0.27 * len(names) + 0.55 + 0.2 * legend_rows)
    axes = figure.subplots()
    for row in range(len(names)):
        values = [v for _, scores in shown if (v := scores[row]) is not None]
        if values:
            low = 0.0 if len(shown) == 1 else min(values)
            axes.barh(row, max(values) - low, left=low, height=0.62, color=COLOURS[0], alpha=0.28, lw=0)
        else:
            axes.text(1, row, "absent", va="center", fontsize=8)
    if not named:
        dots = [(score, row) for _, scores in shown for row, score in enumerate(scores) if score is not None]
        axes.plot(*zip(*dots, strict=True), ls="none", marker=".", ms=4, mew=0, color=COLOURS[0], alpha=0.5)
    for index, (_, scores) in enumerate(shown if named else []):
        points = [(score, row) for row, score in enumerate(scores) if score is not None]
        axes.plot(
            [x for x, _ in points], [y for _, y in points], ls="none", ms=5.5, mew=0, **look(index)
        )  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(-1, 101)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("IoU [%]")
    if not named:
        return figure
    handles = [
        Line2D([], [], ls="none", ms=5.5, mew=0, label=title, **look(index)) for index, (title, _) in enumerate(shown)
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=legend_columns, handletextpad=0.3)
    return figure


def class_figures(inputs: Inputs) -> list[Picture]:
    """One figure per dataset and split."""
    return [_picture(group, inputs.collection) for group in drawn_groups(inputs.collection)]


PART = Part("classes", "IoU per class", "accuracy", class_figures)
