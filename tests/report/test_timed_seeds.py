"""Latencies of several seeds of one network: told apart where all are listed, one of them where a network has one."""

import re
from pathlib import Path

import pytest
from record_factory import evaluation, latency, network, training
from reported import collection, rows

from hyperseg.report.collection import Collection
from hyperseg.report.figures.distribution import distribution_figures
from hyperseg.report.figures.scaling import scaling_figure
from hyperseg.report.inputs import Inputs
from hyperseg.report.measured import measured
from hyperseg.report.metrics import metrics
from hyperseg.report.tables.model import view
from hyperseg.report.tables.runtime import runtime_tables
from hyperseg.report.tables.scaling import scaling_tables
from hyperseg.report.tables.summary import summary_table
from hyperseg.report.timed_seeds import said_of_seeds

VARIANT = "camvid_hyperseg_s"
SAID = "Of a network timed with the weights of several seeds, the time of the first one."
TIMES = {0: 30.0, 10: 20.0, 2: 10.0}  # seed -> median; the later, the faster


@pytest.fixture
def seeds(tmp_path: Path) -> Collection:
    """Trainings with three seeds, each scored and timed."""
    nets = {seed: network(VARIANT, weights=f"{100 - seed}") for seed in TIMES}  # hashes in another order than seeds
    return collection(
        tmp_path,
        *(training(VARIANT, seed=seed, net=net) for seed, net in nets.items()),
        *(evaluation(VARIANT, hw=(576, 768), seed=seed, net=net) for seed, net in nets.items()),
        *(latency(VARIANT, median=TIMES[seed], net=net) for seed, net in nets.items()),
    )


def test_each_seed_is_a_row_a_line_and_a_number_with_its_name(seeds: Collection) -> None:
    (runtime,) = runtime_tables(seeds, ())
    assert [row["weights"].text for row in runtime.rows] == [f"trained, seed {seed}" for seed in (0, 2, 10)]
    assert "Weights" in [column.title for column in view(runtime).columns]
    assert [float(row["median_ms"]) for row in rows(runtime)] == [30.0, 10.0, 20.0]
    (drawn,) = distribution_figures(Inputs(seeds))
    assert re.findall(r", (seed \d+)</text>", drawn.svg) == ["seed 2", "seed 10", "seed 0"]
    timed = {name.rpartition(".")[2]: value for name, value in metrics(seeds).items() if name.startswith("latency")}
    assert timed == {f"seed{seed}": median for seed, median in TIMES.items()}


def test_where_a_network_has_one_time_it_is_the_first_seed_s_and_this_is_said(seeds: Collection) -> None:
    summary = summary_table(seeds)
    assert [row["median_ms_deploy_v1"] for row in rows(summary)] == ["30.0"]
    assert summary.caption.endswith(SAID)
    (one,) = measured(seeds)
    assert [entry.numbers.median_ms for entry in one.times] == [30.0]
    assert len(one.scored) == 3


def test_the_next_seed_stands_in_for_an_invalid_time_and_a_hash_for_an_unknown_seed(tmp_path: Path) -> None:
    nets = [network(VARIANT, weights=name) for name in "ab"]
    found = collection(
        tmp_path, training(VARIANT, seed=0, net=nets[0]), latency(VARIANT, median=30.0, verdict="INVALID", net=nets[0]),
        latency(VARIANT, median=40.0, net=nets[1]),
    )  # fmt: skip
    assert [row["median_ms_deploy_v1"] for row in rows(summary_table(found))] == ["40.0"]
    shown = [row["weights"].text for row in runtime_tables(found, ())[0].rows]
    assert shown == ["trained, seed 0", f"trained, weights {(nets[1].weights_sha256 or '')[:8]}"]


def test_sweeps_of_several_seeds_are_told_apart(tmp_path: Path) -> None:
    nets = [network(VARIANT, weights=name) for name in "ab"]
    found = collection(
        tmp_path, *(training(VARIANT, seed=seed, net=net) for seed, net in enumerate(nets)),
        *(latency(VARIANT, "scaling", sweep=True, net=net) for net in nets),
    )  # fmt: skip
    (table,) = scaling_tables(found)
    assert {row["weights"].value for row in table.rows} == {"seed 0", "seed 1"}
    drawn = scaling_figure(found)
    assert drawn
    assert drawn.caption.endswith(SAID)


def test_weights_of_one_seed_are_not_named(tmp_path: Path) -> None:
    found = collection(tmp_path, training(), latency(), latency(net=network(VARIANT, weights=None)))
    assert [row["weights"].text for row in runtime_tables(found, ())[0].rows] == ["random: time only", "trained"]
    assert not said_of_seeds(found)
