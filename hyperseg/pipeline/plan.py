"""What a campaign will take: jobs, hours and disk, from the times of steps that were measured before.

Imports no torch and starts no engine. A training takes a measured one's time per step, an evaluation a measured one's
time per image, both of the same variant and scaled by the pixels of the input. What was never measured on the device
stays unknown, and is said to be.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from hyperseg.data.manifest import read_manifest
from hyperseg.datasets.published import find_published
from hyperseg.networks import get_network
from hyperseg.pipeline.campaign import Campaign
from hyperseg.pipeline.steps import Layout
from hyperseg.records import EvaluationNumbers, LatencyNumbers, Record, TrainingNumbers, read_record_files
from hyperseg.training.recipe import load_recipe

RECORDS = (Path("results/runs"), Path("results/reference"))
REPORT_S, STRIPS_S = 15.0, 5.0
CHECKPOINT_PARTS = 3  # the network, and the two moments of its optimizer


@dataclass(frozen=True)
class PlannedStep:
    """All jobs of one kind for one variant."""

    step: str
    variant: str
    jobs: int
    job_s: float | None  # seconds of one job; None: never measured here
    job_bytes: int  # that stay on disk
    basis: str  # the source of the seconds


def plan(layout: Layout, records: Iterable[Record]) -> list[PlannedStep]:
    """The campaign's jobs by step and variant. Only records of the layout's device count."""
    campaign = layout.campaign
    known = [record for record in records if getattr(record.numbers, "device", "").startswith(layout.device)]
    steps: list[PlannedStep] = []
    for variant in campaign.variants:
        mine = [record for record in known if record.network.id == variant]
        steps += [
            _training(campaign, variant, mine),
            _evaluation(campaign, variant, mine),
            _latency(campaign, variant, mine),
        ]
        if count := campaign.report.strips:
            steps.append(PlannedStep("strips", variant, 1, STRIPS_S, count * 10**5, "the demo's pictures"))
    return [*steps, PlannedStep("report", "", 1, REPORT_S, 5 * 10**6, "the demo's report")]


def measured_records() -> list[Record]:
    """Every record of a run here, and those that come with the project."""
    return list(read_record_files(folder for folder in RECORDS if folder.is_dir()).values())


def _training(campaign: Campaign, variant: str, records: list[Record]) -> PlannedStep:
    recipe = load_recipe(variant, campaign.training.model_dump())
    pixels = _area(recipe.crop_hw or get_network(variant).train_hw) * recipe.batch
    rates = []
    for record in records:
        settings = record.config.get("recipe", {})
        if isinstance(record.numbers, TrainingNumbers) and record.numbers.steps and settings.get("crop_hw"):
            rates.append(record.whole_s / record.numbers.steps / (_area(settings["crop_hw"]) * settings["batch"]))
    seconds = median(rates) * pixels * recipe.steps if rates else None
    size = 4 * max((record.network.parameters for record in records), default=0)
    basis = _basis(len(rates), "trainings")
    return PlannedStep("train", variant, len(campaign.seeds), seconds, size * (1 + CHECKPOINT_PARTS), basis)


def _evaluation(campaign: Campaign, variant: str, records: list[Record]) -> PlannedStep:
    height_width = campaign.evaluation.input_of(variant) or get_network(variant).eval_hw
    rates = []
    for record in records:
        numbers = record.numbers
        if isinstance(numbers, EvaluationNumbers) and record.dataset:
            rates.append(record.duration_s / record.dataset.images / (numbers.input_height * numbers.input_width))
    images = _images(campaign)
    seconds = median(rates) * _area(height_width) * images if rates and images else None
    jobs = len(campaign.seeds) * len(campaign.evaluation.protocols)
    classes = get_network(variant).num_classes
    size = (images or 0) * classes * classes * 2  # a confusion matrix per image, compressed
    basis = _basis(len(rates), "evaluations") if images else f"the images of {campaign.evaluation.split} are not known"
    return PlannedStep("evaluate", variant, jobs, seconds, size, basis)


def _latency(campaign: Campaign, variant: str, records: list[Record]) -> PlannedStep:
    take = campaign.latency
    asked = [(p, e) for p in take.protocols for e in take.engines_of(variant)]
    times = []
    for protocol, engine in asked:
        found = [
            record.duration_s
            for record in records
            if isinstance(record.numbers, LatencyNumbers)
            and record.protocol
            and (record.protocol.id, record.numbers.engine) == (protocol, engine)
        ]
        times.append(median(found) if found else None)
    measured = [time for time in times if time is not None]
    jobs = len(campaign.timed_seeds) * len(asked) * len(take.precisions)
    seconds = sum(measured) / len(measured) if len(measured) == len(times) else None
    return PlannedStep("latency", variant, jobs, seconds, 200_000, _basis(len(measured), "of the latencies asked for"))


def _images(campaign: Campaign) -> int | None:
    """Images of the split that is scored, from the configuration, the published counts or the prepared folder."""
    dataset, parts = campaign.dataset, campaign.evaluation.split.split("+")
    published = find_published(dataset.id)
    if dataset.streets:
        counts = {"train": dataset.streets.train, "val": dataset.streets.val, "test": dataset.streets.test}
    elif (Path(dataset.folder) / "manifest.json").is_file():
        counts = dict(read_manifest(Path(dataset.folder)).splits)
    elif published and published.splits:
        counts = dict(published.splits[0])
    else:
        return None
    return sum(counts.get(part, 0) for part in parts)


def _area(height_width: Iterable[int]) -> int:
    height, width = height_width
    return height * width


def _basis(count: int, what: str) -> str:
    return f"{count} {what} measured" if count else "never measured on this device"
