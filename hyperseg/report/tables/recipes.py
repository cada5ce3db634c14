"""What changes of a recipe are worth: trainings of one network that differ in their recipes alone, side by side."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from hyperseg.records import EvaluationNumbers, Record
from hyperseg.records.settings import FIXED, WITHOUT_EFFECT
from hyperseg.report.collection import (
    Collection,
    Evaluation,
    Key,
    Training,
    dataset_key,
    network_key,
    protocol_of,
    protocol_title,
)
from hyperseg.report.names import hw, network_title, signed
from hyperseg.report.part import Part
from hyperseg.report.tables.identity import dataset_cells
from hyperseg.report.tables.model import Cell, Column, Table

RAREST = 3  # classes, by their true pixels

_COLUMNS = (
    Column("network", "Network", fold=True),
    Column("dataset", "Dataset", fold=True),
    Column("split", "Split", fold=True),
    Column("protocol", "Protocol", fold=True),
    Column("campaign", "Campaign"),
    Column("changes", "Changed from the first row"),
    Column("seeds", "Seeds", numeric=True),
    Column("miou_percent", "mIoU [%]", numeric=True),
    Column("miou_sd_percent", "", shown=False),
    Column("gain_points", "Gain [points]", numeric=True),
    Column("rarest_iou_percent", f"IoU of the {RAREST} rarest classes [%]", numeric=True),
    Column("train_s", "One training [min]", numeric=True),
)
Scored = tuple[Evaluation, Training]


@dataclass(frozen=True)
class _Recipe:
    """The trainings of one recipe, seeds apart, and their scores."""

    settings: dict[str, Any]
    runs: list[Scored]

    @property
    def miou(self) -> list[float]:
        return [score.numbers.miou_percent for score, _ in self.runs]

    def differences(self, other: "_Recipe") -> list[str]:
        """What is set otherwise than in `other`; what one record's version could not set yet is off there."""

        def value(recipe: "_Recipe", key: str) -> Any:
            return recipe.settings.get(key) or None

        return [key for key in {**other.settings, **self.settings} if value(self, key) != value(other, key)]

    def changes(self, other: "_Recipe") -> list[str]:
        return [f"{key} {_text(key, self.settings.get(key))}" for key in self.differences(other)]


def recipes_table(collection: Collection) -> Table:
    """One row per recipe; those of one network, dataset and protocol below the one that is nearest to all of them."""
    groups: dict[Key, dict[Key, list[Scored]]] = defaultdict(lambda: defaultdict(list))
    for entry in collection.evaluation:
        record = entry.record
        training = collection.training_of(record.network.weights_sha256)
        if training is not None:
            group = (*network_key(record.network), *dataset_key(entry), protocol_of(record))
            recipe = (record.campaign, repr(_settings(training.record, entry.numbers)))
            groups[group][recipe].append((entry, training))
    rows = []
    for _, recipes in sorted(groups.items(), key=str):
        found = [_Recipe(_settings(runs[0][1].record, runs[0][0].numbers), runs) for _, runs in sorted(recipes.items())]
        rows += _rows(found, collection)
    return Table(
        id="recipes",
        title="Changes of the recipe",
        caption="Trainings of one network on the same data, whose recipes differ. mIoU is that of one seed with its "
        "bootstrap interval over images, or the mean ± standard deviation over seeds. A gain that is no larger than "
        "two standard errors, as the first row's deviation gives them, is in brackets.",
        columns=_COLUMNS,
        rows=tuple(rows),
    )


def _settings(training: Record, numbers: EvaluationNumbers) -> dict[str, Any]:
    recipe = training.config.get("recipe") or {}
    size = hw(numbers.input_height, numbers.input_width)
    return {k: v for k, v in recipe.items() if k not in FIXED and k not in WITHOUT_EFFECT} | {"input": size}


def _text(key: str, value: Any) -> str:
    if isinstance(value, list):
        return hw(*value) if key.endswith("_hw") else " to ".join(f"{one:g}" for one in value)
    return f"{value:g}" if isinstance(value, int | float) else "none" if value is None else str(value)


def _rows(recipes: Sequence[_Recipe], collection: Collection) -> list[dict[str, Cell]]:
    if len(recipes) < 2:
        return []
    base = min(recipes, key=lambda one: sum(len(other.differences(one)) for other in recipes))
    others = sorted((one for one in recipes if one is not base), key=lambda one: len(one.differences(base)))
    return [_cells(one, base, collection) for one in (base, *others)]


def _cells(recipe: _Recipe, base: _Recipe, collection: Collection) -> dict[str, Cell]:
    (score, training), record = recipe.runs[0], recipe.runs[0][0].record
    anchors = tuple(entry.anchor for entry, _ in recipe.runs)
    rarest = fmean(_rarest(entry.numbers) for entry, _ in recipe.runs)
    minutes = fmean(one.record.whole_s for _, one in recipe.runs)
    cells = {
        "network": Cell(record.network.id, network_title(record.network.id)),
        "protocol": Cell(protocol_title(protocol_of(record))),
        "campaign": Cell(record.campaign),
        "changes": Cell(", ".join(recipe.changes(base)) or "nothing"),
        "seeds": Cell(len(recipe.runs)),
        "miou_percent": Cell(fmean(recipe.miou), _miou(recipe, score.numbers), anchors),
        "miou_sd_percent": Cell(stdev(recipe.miou) if len(recipe.miou) > 1 else None),
        "gain_points": Cell(None) if recipe is base else _gain(recipe.miou, base.miou),
        "rarest_iou_percent": Cell(rarest, f"{rarest:.2f}", anchors),
        "train_s": Cell(minutes, f"{minutes / 60:.1f}", (training.anchor,)),
    }
    if record.dataset:
        cells |= dataset_cells(record.dataset, collection)
    return cells


def _miou(recipe: _Recipe, first: EvaluationNumbers) -> str:
    text = f"{fmean(recipe.miou):.2f}"
    if len(recipe.miou) > 1:
        return f"{text} ± {stdev(recipe.miou):.2f}"
    interval = first.miou_interval
    return f"{text} [{interval.low:.1f}, {interval.high:.1f}]" if interval else text


def _rarest(numbers: EvaluationNumbers) -> float:
    known = [one for one in numbers.classes if one.iou_percent is not None]
    return fmean(one.iou_percent or 0.0 for one in sorted(known, key=lambda one: one.pixels)[:RAREST])


def _gain(ours: Sequence[float], base: Sequence[float]) -> Cell:
    gain = fmean(ours) - fmean(base)
    text = signed(gain)
    if len(base) > 1 and abs(gain) <= 2 * stdev(base) * math.sqrt(1 / len(ours) + 1 / len(base)):
        text = f"({text})"
    return Cell(gain, text)


PART = Part(
    "recipes", "Changes of the recipe", "training", lambda inputs: [recipes_table(inputs.collection)], on_page=False
)
