"""What a campaign will take, from records of steps that were measured."""

from typing import Any

import pytest
from pipeline_checkout import TINY, VARIANT
from record_factory import evaluation, latency, training

from hyperseg.pipeline.campaign import parse_campaign
from hyperseg.pipeline.plan import PlannedStep, plan
from hyperseg.pipeline.steps import Layout
from hyperseg.records import Record


def planned(*records: Record, device: str = "cpu", **changes: Any) -> dict[str, PlannedStep]:
    campaign = parse_campaign(TINY | changes, "c.yaml")
    return {step.step: step for step in plan(Layout(campaign, device, "0123456789ab"), records)}


def test_jobs_are_counted_by_variant_seed_protocol_and_engine() -> None:
    evaluated = {"protocols": ["paper", "standard"], "split": "test"}
    timed = {"protocols": ["smoke", "deploy"], "engines": ["eager", "native"], "precisions": ["float32"]}
    steps = planned(seeds=[0, 1, 2], evaluation=evaluated, latency=timed)
    every_seed = planned(seeds=[0, 1, 2], evaluation=evaluated, latency=timed | {"seeds": "all"})
    assert every_seed["latency"].jobs == 3 * steps["latency"].jobs
    assert {name: step.jobs for name, step in steps.items()} == {
        "train": 3,
        "evaluate": 6,
        "strips": 1,
        "latency": 4,
        "report": 1,
    }


def test_latencies_are_counted_by_the_engines_of_their_variant() -> None:
    timed = {"protocols": ["smoke"], "engines": {"default": ["eager", "native"], VARIANT: ["eager"]}}
    assert planned(latency=timed | {"precisions": ["float32"]})["latency"].jobs == 1


def test_a_training_takes_a_measured_one_s_time_per_step_scaled_by_its_pixels() -> None:
    measured = training(VARIANT, epochs=4)  # 40 steps in 60 s
    record = measured.model_copy(update={"config": {"recipe": {"crop_hw": [256, 256], "batch": 4}}})
    steps = planned(record)
    # The tiny campaign: one step at 128 x 128, batch 2, which is an eighth of the pixels.
    assert steps["train"].job_s == pytest.approx(60 / 40 / 8)
    assert steps["train"].basis == "1 trainings measured"
    assert steps["train"].job_bytes >= 4 * record.network.parameters


def test_an_evaluation_takes_a_measured_one_s_time_per_image_scaled_by_its_pixels() -> None:
    steps = planned(evaluation(VARIANT, hw=(256, 256)))  # 24 images in 60 s
    assert steps["evaluate"].job_s == pytest.approx(2 * 60 / 24 / 4)


def test_what_was_never_measured_on_the_device_stays_unknown() -> None:
    records = (training(VARIANT), evaluation(VARIANT), latency(VARIANT, "deploy"))
    assert planned(*records)["latency"].job_s is None  # the campaign asks for smoke
    assert planned(latency(VARIANT, "smoke"))["latency"].job_s == pytest.approx(60.0)
    on_gpu = planned(*records, device="cuda")
    assert {on_gpu[name].job_s for name in ("train", "evaluate", "latency")} == {None}
    assert on_gpu["train"].basis == "never measured on this device"
