"""No VALID speed for a wrong answer: what a timed engine answered is compared with float32 eager."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from made_latency import job
from torch import Tensor, nn

from hyperseg.arithmetic import fix_arithmetic
from hyperseg.latency import batch_norm, engines, worker
from hyperseg.latency.answers import TOLERANCES, compare, tolerance
from hyperseg.latency.engines import Run, Target, engine_table
from hyperseg.latency.job import Job
from hyperseg.latency.outcome import evidence
from hyperseg.latency.protocol import load_protocol
from hyperseg.records.verdict import judge

LOGITS = torch.tensor([[[[3.0, 1.0]], [[1.0, 2.0]], [[0.0, 0.0]]]])  # (1, 3, 1, 2): classes 0 and 1
EXACT = TOLERANCES["float32"]


def test_equal_logits_differ_by_nothing() -> None:
    found = compare(LOGITS.clone(), LOGITS, EXACT)
    assert (found.largest_logit_difference, found.equal_classes_percent, found.at_least) == (0.0, 100.0, False)
    assert found.allowed_difference == pytest.approx(3e-3)


def test_classes_bound_the_logits_difference_from_below() -> None:
    found = compare(torch.tensor([[[1, 1]]]), LOGITS, EXACT)
    # Class 1 has 1.0 where class 0 has 3.0: one of the two was changed by 1.0 at least.
    assert (found.largest_logit_difference, found.equal_classes_percent, found.at_least) == (1.0, 50.0, True)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_has_no_difference(value: float) -> None:
    assert compare(torch.full_like(LOGITS, value), LOGITS, EXACT).largest_logit_difference is None


def test_overwritten_classes_are_compared_without_an_error() -> None:
    assert compare(torch.tensor([[[2**40, -7]]]), LOGITS, EXACT).equal_classes_percent == 0


def test_tf32_has_a_tolerance_of_its_own() -> None:
    assert tolerance("float32", tf32=True) == TOLERANCES["tf32"]
    assert tolerance("bfloat16", tf32=True) == TOLERANCES["bfloat16"]


def run(monkeypatch: pytest.MonkeyPatch, protocol: str, spoil: Any) -> Any:
    """A real measurement with engine eager whose every answer goes through `spoil`; its evidence."""
    eager = engine_table()["eager"]

    def prepare(network: nn.Module, example: Tensor, target: Target) -> Run:
        call = eager.prepare(network, example, target)
        return lambda images: spoil(call(images))

    table = {"eager": replace(eager, prepare=prepare)}
    monkeypatch.setattr(engines, "engine_table", lambda: table)
    result = worker.run_job(_small(protocol), lambda event, **values: None)
    # The machine's own state is another test's.
    return replace(evidence(result), cpu=None, drift_percent=0.0, calibration_change_percent=0.0, settled=True)


def _small(protocol: str) -> Job:
    return job(
        stages=load_protocol(protocol).stages, batch=2, width=128, calibration_seconds=0.01,
        length=load_protocol("smoke").length.model_copy(update={"min_seconds": 0.0}),
    )  # fmt: skip


def test_norms_are_folded_in_exact_products_whatever_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folding may change an answer by a thousandth, which TF32 alone does by more."""
    exact: list[bool] = []

    def fold(network: nn.Module, mode: str, example: Tensor) -> int:
        exact.append(not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32)
        return 0

    monkeypatch.setattr(batch_norm, "prepare_batch_norm", fold)
    try:
        worker.prepare(_small("deploy").model_copy(update={"tf32": True, "batch_norm": "folded"}))
        assert exact == [True]
        assert torch.backends.cudnn.allow_tf32
        assert torch.backends.cuda.matmul.allow_tf32
    finally:
        fix_arithmetic(tf32=False)


@pytest.mark.parametrize("protocol", ["paper", "deploy"])  # logits and classes
def test_a_right_answer_is_valid(monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    found = run(monkeypatch, protocol, lambda answer: answer)
    assert found.answer.images == 2
    assert found.answer.allowed_difference > 1e-4  # random weights whose logits are not all but zero
    assert judge([found]).verdict == "VALID"


@pytest.mark.parametrize(
    ("protocol", "spoil", "reason"),
    [
        ("paper", lambda answer: answer.roll(1, dims=1), "wrong answer: a logit differs from float32 eager's by"),
        ("paper", lambda answer: answer * float("nan"), "holds NaN or infinity"),
        ("deploy", lambda answer: torch.zeros_like(answer), "% of the pixels have float32 eager's class"),
        ("deploy", lambda answer: torch.cat([answer[:1], answer[:1]]), "% of the pixels have float32 eager's class"),
    ],
)
def test_an_engine_that_answers_wrongly_is_invalid(
    monkeypatch: pytest.MonkeyPatch, protocol: str, spoil: Any, reason: str
) -> None:
    verdict = judge([run(monkeypatch, protocol, spoil)])
    assert verdict.verdict == "INVALID"
    assert any(reason in sentence for sentence in verdict.reasons)
