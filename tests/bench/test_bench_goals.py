"""The goals on made-up numbers: reached, missed, and silent where nothing was measured."""

from hyperseg.bench.goals import goals
from hyperseg.bench.text import lines
from hyperseg.records.bench import (
    BenchAgreement,
    BenchGoal,
    BenchNumbers,
    BenchShare,
    BenchTiming,
    BenchTraining,
    BenchTurns,
)
from hyperseg.records.measurement import Verdict


def row(name: str, ratio: float, error: float | None = None, verdict: Verdict | None = None) -> BenchTiming:
    return BenchTiming(
        name=name, rounds_ms=[100 / ratio], median_ms=100 / ratio, ratio=ratio, largest_error=error, verdict=verdict
    )


def turns(*rows: BenchTiming) -> BenchTurns:
    return BenchTurns(batch=1, input_height=64, input_width=128, timings=list(rows), others_load_percent=1.0)


def numbers(**parts: object) -> BenchNumbers:
    fields: dict[str, object] = {
        "device": "cpu", "device_name": "Test", "clock": "wall", "authors_commit": None, "authors_dirty": None,
    }  # fmt: skip
    return BenchNumbers.model_validate(fields | parts)


def found(**parts: object) -> dict[str, BenchGoal]:
    return {goal.title: goal for goal in goals(numbers(**parts))}


INFERENCE = turns(
    row("authors", 1.0, 1e-6),
    row("eager/float32", 1.5, 0.0),
    row("native/float32", 2.6, 1e-5),
    row("openvino_native/float32", 3.4, 2e-4),
    row("openvino_native/bfloat16", 6.5, 0.1),
)


def test_speed_is_the_best_engines_and_errors_the_worst_ones() -> None:
    speed = found(inference=INFERENCE)
    assert (speed["CPU float32, best engine"].by, speed["CPU float32, best engine"].reached) == (
        "openvino_native/float32",
        False,
    )
    # This package's C++ is not PyTorch alone, whatever it is installed with.
    assert (speed["CPU float32, torch alone"].by, speed["CPU float32, torch alone"].reached) == ("eager/float32", False)
    assert speed["CPU bfloat16, best engine"].reached
    exact = speed["CPU float32 logits, every engine"]
    assert (exact.value, exact.by, exact.reached) == (2e-4, "openvino_native/float32", False)


WRONG = Verdict(verdict="INVALID", reasons=["wrong answer"])


def test_a_wrong_engine_wins_no_goal_however_fast() -> None:
    agreement = BenchAgreement(images=3, shares=[BenchShare(name=f"{n}/bfloat16", percent=99.9) for n in "ab"])
    rows = [
        row("authors", 1.0), row("a/float32", 9.0, 0.5, WRONG), row("b/float32", 2.0, 0.0),
        row("a/bfloat16", 9.0, 0.5, WRONG), row("b/bfloat16", 6.5, 0.1),
    ]  # fmt: skip
    held = found(inference=turns(*rows), agreement=agreement)
    assert (held["CPU float32, best engine"].by, held["CPU float32, best engine"].reached) == ("b/float32", False)
    assert held["CPU bfloat16, best engine"].by == held["same classes on real images"].by == "b/bfloat16"
    assert held["CPU float32 logits, every engine"].reached is False  # every engine's, the wrong one's too
    held = found(inference=turns(rows[0], *(one for one in rows if one.verdict)), agreement=agreement)
    assert list(held) == ["CPU float32 logits, every engine"]


def test_on_a_gpu_other_goals_hold() -> None:
    rows = turns(row("authors", 1.0), row("cudagraph/float32", 5.2, 5e-4), row("cudagraph/float16", 9.0, 0.1))
    speed = found(device="cuda", inference=rows)
    assert {title: goal.reached for title, goal in speed.items()} == {
        "CUDA float32, TF32 off": True,
        "CUDA float16": False,
        "CUDA float32 logits, every engine": True,
    }


def test_a_training_step_has_its_speed_and_its_first_loss() -> None:
    step = BenchTraining(
        **turns(row("authors", 1.0), row("ours", 1.9), row("ours/bfloat16", 3.1)).model_dump(),
        first_loss=2.0,
        first_loss_authors=2.00005,
    )
    goals_of = found(training=step)
    assert goals_of["training step"].reached is False
    assert goals_of["training step, bfloat16"].reached is True
    assert goals_of["first loss, difference"].reached is True


def test_agreement_is_asked_of_reduced_precisions() -> None:
    shares = [
        BenchShare(name="a/bfloat16", percent=99.4),
        BenchShare(name="b/bfloat16", percent=99.9),
        BenchShare(name="c/float32", percent=99.99),
    ]
    found = goals(numbers(agreement=BenchAgreement(images=3, shares=shares)))
    assert [(goal.by, goal.reached) for goal in found] == [("a/bfloat16", False), ("b/bfloat16", True)]


def test_nothing_measured_has_no_goal() -> None:
    assert goals(numbers()) == []
    assert list(lines(numbers())) == []
