"""The audit's cards: two numbers that differ in one thing alone, from records."""

from pathlib import Path

import pytest
from record_factory import evaluation, latency, machine, network, training
from reported import collection

from hyperseg.report.audit import Bars, bars


def numbers(found: Bars) -> tuple[float, float]:
    return round(found.published, 6), round(found.corrected, 6)


def test_the_last_checkpoint_is_that_of_the_seed_whose_best_is_shown(tmp_path: Path) -> None:
    best, last, other = (network("camvid_hyperseg_s", weights=name) for name in ("best", "last", "other"))
    records = [
        training(net=best, selection="best", selection_split="test"), training(net=last), training(net=other, seed=1),
        evaluation(miou=50.0, net=best), evaluation(miou=48.0, net=last), evaluation(miou=30.0, net=other, seed=1),
    ]  # fmt: skip
    assert numbers(bars(collection(tmp_path, *records))["selection"]) == (50.0, 48.0)
    assert "selection" not in bars(collection(tmp_path / "apart", *records[:1], *records[2:4], records[5]))


def test_the_last_checkpoint_may_be_the_best_one(tmp_path: Path) -> None:
    net = network("camvid_hyperseg_s", weights="both")
    records = [training(net=net, selection="best", selection_split="test"), training(net=net), evaluation(net=net)]
    found = bars(collection(tmp_path, *records))["selection"]
    assert numbers(found) == (50.0, 50.0)
    assert found.where.endswith("the last epoch was the best on the reported split too")
    assert "selection" not in bars(collection(tmp_path / "last", *records[1:]))


def test_seeds_are_of_one_kind_of_checkpoint(tmp_path: Path) -> None:
    nets = {seed: network("camvid_hyperseg_s", weights=f"seed{seed}") for seed in range(3)}
    best = network("camvid_hyperseg_s", weights="best")
    records = [
        one
        for seed, net in nets.items()
        for one in (training(net=net, seed=seed), evaluation(miou=50.0 - seed, net=net, seed=seed))
    ]
    records += [training(net=best, selection="best", selection_split="test"), evaluation(miou=60.0, net=best)]
    assert numbers(bars(collection(tmp_path, *records))["seed"]) == (48.0, 50.0)


def test_a_flip_that_acts_is_beside_none_of_the_same_reading(tmp_path: Path) -> None:
    def read(flip: bool, normalization: str = "imagenet") -> dict[str, object]:
        return {"reading": {"void": "ignore", "normalization": normalization, "flip": flip}}

    records = [
        evaluation(miou=50.0, config={"reading": {"normalization": "imagenet"}}),  # older records say nothing of it
        evaluation(miou=51.0, config=read(True)), evaluation(miou=40.0, config=read(False, "half")),
    ]  # fmt: skip
    assert numbers(bars(collection(tmp_path, *records))["flip"]) == (50.0, 51.0)
    assert "flip" not in bars(collection(tmp_path / "apart", *records[1:]))


def test_absent_classes_change_the_mean_and_nothing_does_where_all_are_found(tmp_path: Path) -> None:
    absent = bars(collection(tmp_path, evaluation(miou=50.0), evaluation("unet", "paper", 40.0)))["absent"]
    assert numbers(absent) == (round(50.0 * 10 / 11, 6), 50.0)
    assert absent.where.endswith("1 of its 11 classes absent")
    found = bars(collection(tmp_path / "all", evaluation("unet", "paper", 40.0)))["absent"]
    assert numbers(found) == (40.0, 40.0)
    assert found.where.endswith("no class absent, as in every record here")


@pytest.mark.parametrize(("verdict", "said"), [("VALID", "to copy"), ("DEGRADED", "to copy, DEGRADED")])
def test_two_clocks_are_of_one_network_and_say_their_verdict(tmp_path: Path, verdict: str, said: str) -> None:
    times = latency(protocol="paper", median=20.0), latency(median=25.0, verdict=verdict)
    clock = bars(collection(tmp_path, *times, latency("unet", median=99.0)))["clock"]
    assert numbers(clock) == (20.0, 25.0)
    assert clock.where.endswith(said)
    near = latency(protocol="paper", median=20.0), latency(median=20.3)  # each to 1 % on either side
    assert bars(collection(tmp_path / "near", *near))["clock"].where.endswith("the intervals of the two overlap")
    elsewhere = times[0], latency(median=25.0, campaign="another")
    assert "clock" not in bars(collection(tmp_path / "elsewhere", *elsewhere))
    assert "clock" not in bars(collection(tmp_path / "invalid", times[0], latency(median=25.0, verdict="INVALID")))


def test_the_clocks_of_a_gpu_come_first(tmp_path: Path) -> None:
    on_a_cpu = latency(protocol="paper", median=20.0), latency(median=25.0)
    at = machine(gpus=["Z 1"])
    on_a_gpu = latency(protocol="paper", median=3.0, at=at), latency(median=2.0, at=at)
    assert numbers(bars(collection(tmp_path, *on_a_cpu, *on_a_gpu))["clock"]) == (3.0, 2.0)
