"""The count of a run, its estimate of the time left, and what a person sees."""

from pathlib import Path
from typing import Any

import pytest
from pipeline_checkout import TINY

from hyperseg.pipeline import progress as module
from hyperseg.pipeline.campaign import parse_campaign
from hyperseg.pipeline.display import Display
from hyperseg.pipeline.progress import PRIOR_S, Progress, clock, last_lines


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock's reading, in seconds, to be set by the test."""
    reading = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: reading[0])
    return reading


def progress_of(**planned: int) -> Progress:
    counted = Progress(parse_campaign(TINY, "c"), cores=2, gpu=False)
    counted.take({"event": "run_info", "stats": planned | {"all": 1, "total": sum(planned.values()) + 1}})
    return counted


def started(job: int, rule: str, log: Path | None = None) -> dict[str, Any]:
    logs = [str(log)] if log else []
    return {"event": "job_info", "jobid": job, "rule_name": rule, "wildcards": {"variant": "v"}, "log": logs}


def test_an_estimate_before_anything_ran_uses_both_cores_but_for_latencies(now: list[float]) -> None:
    counted = progress_of(train=4, latency=2)
    assert counted.total == 6
    assert counted.left_s() == pytest.approx(4 * PRIOR_S["train"] / 2 + 2 * PRIOR_S["latency"])


def test_an_estimate_follows_what_was_seen_of_a_rule(now: list[float]) -> None:
    counted = progress_of(train=3)
    counted.take(started(1, "train"))
    now[0] = 10.0
    ended = counted.take({"event": "job_finished", "job_id": 1})
    assert ended is not None
    assert ended.name == "train v"
    assert counted.left_s() == pytest.approx(2 * 10.0 / 2)
    counted.take(started(2, "train"))
    now[0] = 16.0
    assert counted.left_s() == pytest.approx((4.0 + 10.0) / 2)


def test_a_training_that_tells_its_own_time_is_believed(now: list[float], tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("train v seed 0  step 10/100  epoch 1/10  loss 1.0  lr 1e-3  4.0 images/s  left 0:01:30\n")
    counted = progress_of(train=1)
    counted.take(started(1, "train", log))
    now[0] = 10.0
    assert counted.left_s() == pytest.approx(90.0 / 2)


def test_a_failed_job_is_counted_apart(now: list[float]) -> None:
    counted = progress_of(train=2)
    counted.take(started(1, "train"))
    counted.take({"event": "job_error", "jobid": 1, "rule_name": "train", "log": []})
    assert (counted.done, len(counted.failed), counted.running) == (0, 1, {})


def test_a_failure_shows_the_sentence_or_the_end_of_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told, crashed = tmp_path / "told.log", tmp_path / "crashed.log"
    told.write_text("much\nerror: the crop is too small; choose another\n")
    crashed.write_text("".join(f"line {n}\n" for n in range(100)))
    counted = progress_of(train=2)
    with Display(counted) as display:
        for job, log in ((1, told), (2, crashed)):
            counted.take(started(job, "train", log))
            event = {"event": "job_error", "jobid": job}
            display.update(event, counted.take(event))
    seen = capsys.readouterr().err
    assert "error: the crop is too small; choose another" in seen
    assert "much" not in seen
    assert "line 99" in seen
    assert "line 80" not in seen
    assert str(crashed) in seen


def test_a_plan_has_one_line_for_each_job_however_long_it_takes(
    now: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    counted = progress_of(train=2)
    with Display(counted, "plan") as display:
        for job in (1, 2):
            event = started(job, "train") | {"reason": "Missing output files: weights"}
            display.update(event, counted.take(event))
            now[0] += 100.0
            display.update(None, None)
    assert capsys.readouterr().err == "train v: Missing output files: weights\n" * 2


def test_last_lines_of_a_long_a_missing_and_no_log(tmp_path: Path) -> None:
    log = tmp_path / "long.log"
    log.write_text("x" * 100_000 + "\nlast\n\n")
    assert last_lines(log, 1) == ["last"]
    assert last_lines(tmp_path / "none.log", 1) == []
    assert last_lines(None, 1) == []


@pytest.mark.parametrize(("seconds", "text"), [(4.4, "4 s"), (75, "1 min 15 s"), (3720, "1 h 02 min")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
