"""Loss, and where it was scored mIoU, over the steps of every training run."""

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hyperseg.records import EpochPoint, TrainingNumbers
from hyperseg.report.collection import Collection, Entry, training_key
from hyperseg.report.figures.style import Picture, house_style, look, new_figure, picture
from hyperseg.report.names import network_title, slug
from hyperseg.report.part import Part

Run = Entry[TrainingNumbers]
_MOST_NAMED = 12  # runs in a legend
_SHORT = 21  # characters of a title of which two stand below one panel


def training_figures(collection: Collection) -> list[Picture]:
    """One figure per campaign with a run of at least two epochs: losses of two campaigns share no axis."""
    runs = [entry for entry in sorted(collection.training, key=training_key) if len(entry.numbers.epochs) > 1]
    campaigns, left = collection.newest_campaigns(entry.record.campaign for entry in runs)
    return [
        _picture(
            slug("training_curve", campaign) if len(campaigns) > 1 else "training_curve",
            f"Training, {campaign}" if len(campaigns) > 1 else "Training",
            left,
            [entry for entry in runs if entry.record.campaign == campaign],
        )
        for campaign in campaigns
    ]


def _picture(name: str, title: str, left: str, runs: list[Run]) -> Picture:
    scored = any(point.miou_percent is not None for entry in runs for point in entry.numbers.epochs)
    with house_style():
        caption = "Mean loss of each epoch"
        caption += ", and the mIoU on the split scored while training." if scored else "."
        if len({entry.record.network.id for entry in runs}) > 1:
            caption += " Losses of different variants are not comparable."
        if len(runs) > _MOST_NAMED:
            caption += f" Of {len(runs)} runs, more than a legend holds; the table names each with its final loss."
        caption += left
        return picture(name, title, caption, _draw(runs, scored))


def _draw(runs: list[Run], scored: bool) -> Figure:
    panels = 2 if scored else 1
    titles = _titles(runs)
    named = len(runs) <= _MOST_NAMED
    columns = 2 * panels if max(map(len, titles)) <= _SHORT else panels  # a long title leaves no room beside it
    figure = new_figure(3.9 * panels, 2.8 + (0.2 * -(-len(runs) // columns) if named else 0))
    grid = figure.subplots(1, panels, squeeze=False)[0]
    _curves(grid[0], runs, "Loss", lambda point: point.loss)
    if scored:
        _curves(grid[1], runs, "mIoU [%]", lambda point: point.miou_percent)
    if not named:
        return figure
    handles = [Line2D([], [], ms=4, lw=1.3, label=title, **look(index)) for index, title in enumerate(titles)]
    figure.legend(handles=handles, loc="outside lower left", ncols=columns)
    return figure


def _curves(axes: Axes, runs: list[Run], label: str, value: Callable[[EpochPoint], float | None]) -> None:
    for index, run in enumerate(runs):
        points = [(point.step, found) for point in run.numbers.epochs if (found := value(point)) is not None]
        axes.plot(
            [x for x, _ in points], [y for _, y in points], lw=1.3, ms=3.5, mew=0, **look(index),
            markevery=max(1, len(points) // 12),
        )  # fmt: skip
    axes.set_xlabel("Optimizer steps")
    axes.set_ylabel(label)
    axes.set_ylim(bottom=0)


def _titles(runs: list[Run]) -> list[str]:
    ids = [entry.record.network.id for entry in runs]
    titles = []
    for entry in runs:
        title = network_title(entry.record.network.id)
        titles.append(f"{title}, seed {entry.record.seed}" if ids.count(entry.record.network.id) > 1 else title)
    return titles


PART = Part("training", "Training", "training", lambda inputs: training_figures(inputs.collection))
