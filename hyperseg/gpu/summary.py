"""The results of a session as lines of text, from its files. Imports no torch."""

import json
from collections.abc import Iterator
from pathlib import Path

from hyperseg.errors import UserError
from hyperseg.records.bench import BenchNumbers, BenchTurns
from hyperseg.records.latency import LatencyNumbers
from hyperseg.records.schema import EvaluationNumbers, Record, TrainingNumbers
from hyperseg.records.store import read_record


def summary(out: Path) -> str:
    """Answers of the engines, then every record, a line each."""
    lines = ["answers against float32 eager on the CPU"]
    for path in sorted((out / "answers").glob("*.json")):
        for row in json.loads(path.read_text()):
            difference = row["largest_logit_difference"]
            shown = "not a number" if difference is None else f"{difference:.1e} of {row['allowed_difference']:.1e}"
            mode = f"{row['engine']}/{row['precision']}"
            equal = f"{row['equal_classes_percent']:7.3f} % same"
            lines.append(f"  {path.stem:24} {mode:24} {shown:22} {equal}  {row['verdict']}")
    if passes := sorted((out / "passes").glob("*.json")):
        lines.append("a pass by CUDA events, kernels started early beside not")
    for path in passes:
        for row in json.loads(path.read_text()):
            times = ", ".join(f"{engine} {us / 1000:.3f} ms" for engine, us in row["median_us"].items())
            bits = {True: "the same bits", False: "OTHER BITS"}.get(row.get("same_bits"), "one of the two alone")
            lines.append(f"  {path.stem:24} {row['precision']:10} {times}  {bits}")
    lines.append("records")
    for path in sorted((out / "records").rglob("*.json")):
        try:
            lines += [f"  {line}" for line in _of_record(read_record(path), path.parent.name)]
        except UserError as error:
            lines.append(f"  {error}")
    return "\n".join(lines)


def _of_record(record: Record, folder: str) -> Iterator[str]:
    name, numbers = record.network.id, record.numbers
    if record.network.source == "authors":
        name = f"{name} (authors')"
    if isinstance(numbers, LatencyNumbers):
        assert record.protocol is not None
        mode = f"{record.protocol.id}, {numbers.engine}/{numbers.precision}, batch {numbers.batch}"
        event = "" if numbers.device_median_ms is None else f" ({numbers.device_median_ms:.3f} ms by events)"
        rate = f"{numbers.fps:8.1f} images/s"
        yield f"{name:34} {mode:44} {numbers.median_ms:9.3f} ms{event}  {rate}  {numbers.verdict.verdict}"
    elif isinstance(numbers, BenchNumbers):
        for turns in (numbers.inference, numbers.training):
            if turns is not None:
                yield from _of_turns(name, folder, turns)
        for share in numbers.agreement.shares if numbers.agreement else []:
            yield f"{name:34} {'same classes, ' + share.name:44} {share.percent:9.3f} %"
    elif isinstance(numbers, TrainingNumbers):
        step = f"{numbers.step_median_ms:.1f} ms a step, {numbers.precision}"
        yield f"{name:34} trained on {numbers.images_seen} images, {step}"
    elif isinstance(numbers, EvaluationNumbers):
        assert record.protocol is not None
        yield f"{name:34} mIoU {numbers.miou_percent:.2f} % under {record.protocol.id}"


def _of_turns(name: str, part: str, turns: BenchTurns) -> Iterator[str]:
    for row in turns.timings:
        interval = f" [{row.ratio_interval.low:.2f}, {row.ratio_interval.high:.2f}]" if row.ratio_interval else ""
        verdict = row.verdict.verdict if row.verdict else ""
        yield f"{name:34} {part + ', ' + row.name:44} {row.median_ms:9.3f} ms  {row.ratio:6.2f}x{interval}  {verdict}"
