"""Explains a record's number in plain words, from the record alone."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from hyperseg.files import sha256_file
from hyperseg.records.raw import raw_file
from hyperseg.records.schema import EvaluationNumbers, LatencyNumbers, Record, TrainingNumbers
from hyperseg.records.settings import BEYOND_RELEASED

Lines = Iterator[tuple[str, str]]  # (heading, sentence); a heading may come more than once

_GEOMETRY = {
    "resize": "the image is resized to the network's input (bilinear, antialiased)",
    "pad": "the image is padded right and bottom to the network's input",
}
_NORMALIZATION = {
    "imagenet": "it is normalized by ImageNet's mean and deviation",
    "half": "it is normalized by mean 0.5 and deviation 0.5",
}
_VOID = {"class": "void is scored as one more class", "ignore": "pixels without a class are not counted"}
_ABSENT = {"zero": "counts as 0 in the mean", "left_out": "is left out of the mean"}


def explain(record: Record, path: Path | None = None) -> list[tuple[str, str]]:
    """(heading, sentence) pairs: value, formula, inputs, protocol, network, data, command, code, machine, verdict.

    `path` is the record's file, whose hash and raw file are then named.
    """
    match record.numbers:
        case EvaluationNumbers() as numbers:
            what = _evaluation(record, numbers)
        case LatencyNumbers() as numbers:
            what = _latency(record, numbers)
        case TrainingNumbers() as numbers:
            what = _training(record, numbers)
        case _:
            what = _bench(record)
    return [*what, *_inputs(record, path), *_origin(record)]


def _evaluation(record: Record, numbers: EvaluationNumbers) -> Lines:
    found, dataset = numbers.miou_interval, record.dataset
    interval = f", {100 * found.level:.0f} % interval {found.low:.2f} to {found.high:.2f} %" if found else ""
    yield "value", f"mIoU {numbers.miou_percent:.2f} %{interval}"
    if found:
        yield "value", f"interval by {found.method}"
    yield (
        "formula",
        (
            f"per class, intersection over union of labelled and predicted pixels; mean over {len(numbers.classes)} "
            f"classes; a class found in neither {_ABSENT[numbers.absent_classes]}"
        ),
    )
    if dataset:
        yield (
            "formula",
            f"computed from one confusion matrix over {dataset.images} images of {dataset.id}, {dataset.split}",
        )
    reading = record.config.get("reading")
    steps = reading if isinstance(reading, dict) else {}
    size = f"{numbers.input_height} x {numbers.input_width}"
    yield "protocol", f"{_protocol(record)}; network input {size} (height x width)"
    for words, key in ((_GEOMETRY, "geometry"), (_NORMALIZATION, "normalization")):
        if steps.get(key) in words:
            yield "protocol", words[steps[key]]
    passes = (
        "the scores of one forward pass and one of the mirror image averaged"
        if steps.get("flip")
        else "one forward pass"
    )
    yield "protocol", f"{passes}, logits upsampled to the label's own size, then argmax over classes"
    if steps.get("void") in _VOID:
        yield "protocol", f"{_VOID[steps['void']]}; {numbers.ignored_pixels:,} pixels were not counted"


def _latency(record: Record, numbers: LatencyNumbers) -> Lines:
    found = numbers.median_interval
    interval = f", {100 * found.level:.0f} % interval {found.low:.3f} to {found.high:.3f} ms" if found else ""
    yield "value", f"median latency {numbers.median_ms:.3f} ms{interval}; {numbers.fps:.2f} images per second"
    yield (
        "formula",
        (
            f"median of {numbers.samples} timed passes in {numbers.processes} fresh processes, after "
            f"{numbers.warmup_samples} warm-up passes, batch {numbers.batch}"
        ),
    )
    yield "protocol", f"{_protocol(record)}; inside the clock: {', '.join(numbers.clock_stages)}"
    yield (
        "protocol",
        (
            f"engine {numbers.engine}, {numbers.precision}{' with TF32' if numbers.tf32 else ''}, batch norms "
            f"{numbers.batch_norm}, input {numbers.input_height} x {numbers.input_width} on {numbers.device_name}"
        ),
    )
    if numbers.smoke:
        yield "verdict", "a smoke run: a functional check that enters no claim"
    yield "verdict", numbers.verdict.verdict
    for reason in numbers.verdict.reasons:
        yield "verdict", reason
    for advice in numbers.verdict.advice:
        yield "verdict", f"advice: {advice}"


def _training(record: Record, numbers: TrainingNumbers) -> Lines:
    yield (
        "value",
        (
            f"{len(numbers.epochs)} epochs, {numbers.steps} steps, {numbers.images_seen} images; final loss "
            f"{numbers.final_loss:.4f}"
        ),
    )
    kept = "the last" if numbers.selection == "last" else f"the best on the split {numbers.selection_split}"
    yield "protocol", f"the weights of {kept} epoch are kept; {numbers.precision} on {numbers.device}"
    recipe = record.config.get("recipe")
    if isinstance(recipe, dict):
        keys = ["id", "version", "epochs", "batch", "learning_rate", "loss", "crop_hw", "train_split", "void"]
        keys += [key for key in BEYOND_RELEASED if recipe.get(key)]
        yield "protocol", "recipe: " + ", ".join(f"{key} {recipe[key]}" for key in keys if key in recipe)


def _bench(record: Record) -> Lines:
    numbers = record.numbers
    assert numbers.kind == "bench"
    for goal in numbers.goals:
        reached = {True: "reached", False: "missed", None: "too noisy to tell"}[goal.reached]
        sense = "at least" if goal.sense == "at_least" else "at most"
        yield "value", f"{goal.title}: {goal.value:.4g} {goal.unit} by {goal.by} ({sense} {goal.bound:g}: {reached})"
    for part in ("inference", "training", "loading", "peers"):
        turns = getattr(numbers, part)
        for timing in turns.timings if turns else ():
            yield "value", f"{part}, {timing.name}: {timing.median_ms:.2f} ms, {timing.ratio:.3f} x the first contender"
    yield "formula", "all contenders take turns in every round; a ratio is the median over the rounds"
    yield "inputs", f"the authors' code at commit {numbers.authors_commit or 'unknown'}"


def _inputs(record: Record, path: Path | None) -> Lines:
    network, dataset = record.network, record.dataset
    backbone = network.backbone_weights
    yield (
        "network",
        (
            f"{network.id} ({network.source}), backbone {network.backbone}, {network.parameters:,} parameters, "
            f"{network.num_classes} classes"
        ),
    )
    yield "network", f"weights sha256 {network.weights_sha256 or 'none: random weights'}"
    if backbone:
        yield "network", f"backbone initialised from {backbone.file} of {backbone.source}, sha256 {backbone.sha256}"
    if dataset:
        yield "data", f"{dataset.id}, split {dataset.split}, {dataset.images} images, version {dataset.version}"
    if path:
        yield "inputs", f"record {path.name}, sha256 {sha256_file(path)}"
        if named := raw_file(record):
            there = "beside the record" if (path.parent / named[0]).is_file() else "not kept"
            yield "inputs", f"raw data {named[0]}, sha256 {named[1]} ({there})"


def _origin(record: Record) -> Lines:
    made = record.provenance
    changed = {True: ", with uncommitted changes", False: "", None: ""}[made.dirty]
    yield "code", f"commit {made.commit or 'unknown'}{changed}; Python {made.python}"
    yield "code", ", ".join(f"{name} {version}" for name, version in made.packages.items())
    gpus = f", {', '.join(made.machine.gpus)}" if made.machine.gpus else ", no GPU"
    yield (
        "machine",
        (
            f"{made.machine.cpu}, {made.machine.cpu_cores} cores, {made.machine.memory_bytes / 2**30:.0f} GiB{gpus}; "
            f"{made.threads} threads; fingerprint {made.machine.fingerprint}"
        ),
    )
    yield "run", f"campaign {record.campaign}, seed {'none' if record.seed is None else record.seed}"
    yield "run", f"started {record.started_at:%Y-%m-%d %H:%M:%S %Z}, took {record.duration_s:.1f} s"
    yield "command", shlex.join(made.command)


def _protocol(record: Record) -> str:
    return f"protocol {record.protocol.id} v{record.protocol.version}" if record.protocol else "no protocol"
