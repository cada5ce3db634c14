"""Contenders in turns: ratios round by round, their interval, and a verdict that a wrong answer spoils."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from made_latency import RIGHT

from hyperseg.bench.setting import Setting
from hyperseg.bench.turns import Contender, Contest, Timing, as_turns, contest, time_in_turns
from hyperseg.records.verdict import Evidence

QUIET = Evidence(
    median_ms=10.0,
    enough_samples=True,
    samples=6,
    settled=True,
    drift_percent=0.0,
    calibration_change_percent=0.1,
)


def found(*timings: Timing) -> Contest:
    return Contest(list(timings), QUIET, 0.0, "product", (10.0, 10.1), {"cpu": {}})


BASE = (10.0, 10.1, 9.9, 10.0, 10.0, 10.2)
AUTHORS = Timing("authors", BASE, BASE, 0)
OURS = Timing("native/float32", tuple(value / 2 for value in BASE), BASE, 0)


def test_contenders_run_in_turns_after_their_warm_up() -> None:
    ran: list[str] = []
    contenders = [Contender(name, lambda name=name: ran.append(name)) for name in ("a", "b")]  # type: ignore[misc]
    timings = time_in_turns(contenders, rounds=2, clock="wall", warm_up=1)
    assert ran == ["a", "b", "a", "b", "a", "b"]
    assert [len(timing.milliseconds) for timing in timings] == [2, 2]


def test_a_right_answer_and_a_narrow_interval_are_valid() -> None:
    turns = as_turns(found(AUTHORS, OURS), (1, 64, 128), {"native/float32": RIGHT})
    row = turns.timings[1]
    assert row.ratio_interval is not None
    assert row.ratio_interval.low <= row.ratio == 2.0 <= row.ratio_interval.high
    assert row.verdict is not None
    assert row.verdict.verdict == "VALID"
    assert turns.calibration is not None
    assert turns.calibration.largest_change_percent == pytest.approx(1.0)


def test_a_wrong_answer_makes_its_row_invalid_and_no_other() -> None:
    wrong = RIGHT.model_copy(update={"equal_classes_percent": 9.0})
    turns = as_turns(found(AUTHORS, OURS), (1, 64, 128), {"authors": RIGHT, "native/float32": wrong})
    assert [row.verdict and row.verdict.verdict for row in turns.timings] == ["VALID", "INVALID"]


def test_a_wide_interval_is_said() -> None:
    noisy = Timing("native/float32", (5.0, 9.0, 4.0, 8.0, 5.0, 9.0), BASE, 0)
    verdict = as_turns(found(AUTHORS, noisy), (1, 64, 128)).timings[1].verdict
    assert verdict is not None
    assert verdict.verdict != "VALID"
    assert "the ratio's 95 % interval is wide" in verdict.reasons[0]


def test_fewer_rounds_have_no_interval_and_are_invalid() -> None:
    few = replace(AUTHORS, milliseconds=BASE[:3], baseline=BASE[:3])
    (row,) = as_turns(found(few), (1, 64, 128)).timings
    assert row.ratio_interval is None
    assert row.verdict is not None
    assert (row.verdict.verdict, "too few samples" in row.verdict.reasons[0]) == ("INVALID", True)


def test_a_contest_keeps_the_conditions_and_the_calibration() -> None:
    setting = Setting(authors=Path("authors"), say=print, rounds=6)
    contenders = [Contender("slow", lambda: time.sleep(0.02)), Contender("fast", lambda: time.sleep(0.01))]
    turns = as_turns(contest(contenders, setting), (1, 1, 1))
    assert turns.calibration is not None
    assert turns.calibration.before_ms[0] > 0
    assert turns.conditions is not None
    assert turns.conditions["cpu"]["readings"] >= 2
    assert turns.others_load_percent >= 0
