"""Jobs of a latency run, and a right answer, for tests that time nothing in earnest."""

from typing import Any

from hyperseg.latency.job import Job
from hyperseg.latency.protocol import load_protocol
from hyperseg.latency.subjects import VariantSpec
from hyperseg.records.measurement import Answer

RIGHT = Answer(
    images=1,
    largest_logit_difference=1e-6,
    at_least=False,
    allowed_difference=1e-3,
    equal_classes_percent=100.0,
    needed_equal_percent=99.9,
)


def job(**changes: Any) -> Job:
    """HyperSeg-S in eager mode on the CPU as protocol smoke times it, on a small image."""
    rules = load_protocol("smoke")
    fields: dict[str, Any] = {
        "subject": VariantSpec(variant="camvid_hyperseg_s"), "engine": "eager", "device": "cpu",
        "precision": "float32", "tf32": False, "batch_norm": "folded", "stages": rules.stages, "batch": 1,
        "height": 128, "width": 192, "warm_up": rules.warm_up, "length": rules.length, "calibration_seconds": 0.1,
    }  # fmt: skip
    return Job(**(fields | changes))
