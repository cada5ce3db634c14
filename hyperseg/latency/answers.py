"""Compares a timed engine's answer with plain float32: a wrong answer makes its time INVALID."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hyperseg.latency.batch_norm import prepare_batch_norm
from hyperseg.latency.stages import Staged
from hyperseg.models.network import class_map
from hyperseg.records.measurement import Answer

if TYPE_CHECKING:
    from hyperseg.latency.job import Job


@dataclass(frozen=True)
class Tolerance:
    """How far a precision may deviate: several times what this package's engines show."""

    difference: float  # of a logit, over the largest float32 logit
    equal_percent: float  # pixels of the same class, random weights and input


TOLERANCES = {
    "float32": Tolerance(1e-3, 99.9),
    "tf32": Tolerance(5e-2, 95.0),
    "float16": Tolerance(5e-2, 95.0),
    "bfloat16": Tolerance(2e-1, 85.0),
}


def tolerance(precision: str, tf32: bool) -> Tolerance:
    """The bounds of a run's arithmetic."""
    return TOLERANCES["tf32" if tf32 and precision == "float32" else precision]


def compare(answer: Tensor, expected: Tensor, allowed: Tolerance) -> Answer:
    """`answer`, logits (B, C, h, w) or classes (B, h, w), against the float32 logits `expected` (B, C, h, w)."""
    answer, expected = answer.detach().cpu(), expected.detach().cpu().float()
    classes = answer.long() if answer.dim() == 3 else class_map(answer.float())
    plain = class_map(expected)
    if answer.dim() == 3:
        inside = classes.clamp(0, expected.shape[1] - 1)  # memory that was overwritten may hold any number
        answered = expected.gather(1, inside[:, None])[:, 0]
        difference = float((expected.amax(1) - answered).max()) / 2
        finite = True
    else:
        difference = float((answer.float() - expected).abs().max())
        finite = bool(answer.isfinite().all())
    return Answer(
        images=len(expected),
        largest_logit_difference=difference if finite else None,
        at_least=answer.dim() == 3,
        allowed_difference=allowed.difference * float(expected.abs().max()),
        equal_classes_percent=100 * float((classes == plain).double().mean()),
        needed_equal_percent=allowed.equal_percent,
    )


def check(job: "Job", call: Callable[[Tensor], Tensor], image: Tensor) -> Answer:
    """The answer of `call` to the job's input `image` (B, 3, H, W), compared with the job's network built anew.

    The subject runs in eager float32 on the CPU, where no TF32 and no kernel of a GPU bears on it, on the first and the
    last image of the batch.
    """
    chosen = sorted({0, len(image) - 1})
    with torch.inference_mode():
        answer = call(image)[chosen].clone()
        network = job.subject.build().requires_grad_(False)
        some = image[chosen].cpu()
        if job.batch_norm == "deleted":  # folding must not change the answer, so the reference is not folded
            prepare_batch_norm(network, "deleted", some)
        plain = Staged(network, [stage for stage in job.stages if stage != "argmax"]).eval()
        expected = torch.cat([plain(one[None]) for one in some])
    return compare(answer, expected, tolerance(job.precision, job.tf32))
