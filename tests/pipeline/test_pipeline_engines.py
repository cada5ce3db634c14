"""Both engines on a tiny campaign, for real: Snakemake runs, DVC remembers, and they agree about what is stale."""

import json
import os
from contextlib import ExitStack

import pytest
from pipeline_checkout import VARIANT, Checkout
from pipeline_stale import STEPS, edited, named_by_dvc, stale_in_snakemake, with_what_follows

from hyperseg.records import read_record_files

pytestmark = pytest.mark.slow

SCORING = {f"evaluate@{VARIANT}-0-standard", f"strips@{VARIANT}"}


def test_one_command_leads_from_nothing_to_the_page(finished: Checkout) -> None:
    output = finished.first_output
    assert "report: reports/demo/index.html" in output
    assert "6 steps to do: 1 streets, 1 train, 1 evaluate, 1 latency, 1 strips, 1 report" in output
    assert "[6/6] report" in output
    assert "HyperSeg-S" in output  # the summary table
    runs = finished.folder / "results/runs/demo"
    records = read_record_files([runs])
    assert sorted(record.kind for record in records.values()) == ["evaluation", "latency", "training"]
    assert {record.campaign for record in records.values()} == {"demo"}
    assert not any(record.provenance.dirty for record in records.values())
    page = finished.read("reports/demo/index.html")
    assert "<html" in page
    assert page.count('<img src="data:image/jpeg') == 2  # the worst and the best image


def test_a_second_run_has_nothing_to_do_in_either_engine(finished: Checkout) -> None:
    assert "nothing to do" in finished.run()
    assert "Data and pipelines are up to date." in finished.call("dvc", "repro")
    assert "Data and pipelines are up to date." in finished.call("dvc", "status")
    assert not finished.call("git", "status", "--porcelain")


Edit = tuple[str, str, str, set[str]]  # file, text, replacement, and the steps that read it
EPOCHS = ("config/demo.yaml", "epochs: 1", "epochs: 2", {f"train@{VARIANT}-0"})
SPLIT = ("config/demo.yaml", "split: test", "split: val", SCORING)
TITLE = ("config/demo.yaml", "title: A tiny", "title: Another", {"report"})
STRIPS = ("config/demo.yaml", "strips: 2", "strips: 1", {f"strips@{VARIANT}"})
WEIGHTS = ("hyperseg/cli/weights.py", "\n", "\nEDITED = True\n", SCORING)
CLOCK = ("hyperseg/latency/protocols/smoke.yaml", "\n", "\n# an edit\n", {f"latency@{VARIANT}-0"})
PAPER = ("results/paper/paper.csv", "\n", "\n\n", {"report"})


@pytest.mark.parametrize("edits", [[EPOCHS], [SPLIT, CLOCK], [TITLE, WEIGHTS], [STRIPS, PAPER]])
def test_both_engines_name_the_same_stale_steps(finished: Checkout, edits: list[Edit]) -> None:
    with ExitStack() as stack:
        for name, old, new, _ in edits:
            stack.enter_context(edited(finished, name, old, new))
        named = named_by_dvc(finished)
        assert named == set().union(*(stages for *_, stages in edits))
        assert stale_in_snakemake(finished) == with_what_follows(named)


def test_edits_that_were_taken_back_leave_nothing_stale(finished: Checkout) -> None:
    """After all those above: what one of them had left would be named here, and by the next of them."""
    assert not stale_in_snakemake(finished)
    assert not named_by_dvc(finished)


def test_words_about_code_and_code_that_no_step_runs_make_nothing_stale(finished: Checkout) -> None:
    with (
        edited(finished, "hyperseg/training/loop.py", "\n", "\n# an edit\n"),
        edited(finished, "hyperseg/datasets/download.py", "\n", "\nEDITED = True\n"),
    ):
        assert list(json.loads(finished.call("dvc", "status", "--json"))) == ["sources"]  # to be looked at again
        assert not stale_in_snakemake(finished)
        assert not named_by_dvc(finished)


def test_a_finished_training_is_made_again_only_where_that_was_asked_for(copy: Checkout) -> None:
    weights = copy.folder / f"results/runs/demo/{VARIANT}/seed0/weights.safetensors"
    before = weights.read_bytes()
    with edited(copy, "hyperseg/training/loop.py", "\n", "\nEDITED = True\n"):
        refused = copy.run(code=2)
        assert refused.count("\n") == 1
        assert f"would be deleted and made again: {VARIANT} seed0; take the change back, or choose: " in refused
        assert weights.read_bytes() == before
        assert "nothing to do" in copy.run("--trainings", "keep")
        assert weights.read_bytes() == before
        assert "train" not in copy.run("--dry-run", "--trainings", "redo")  # the choice lasts


def test_a_training_is_kept_where_its_generated_data_is_made_anew(copy: Checkout) -> None:
    weights = copy.folder / f"results/runs/demo/{VARIANT}/seed0/weights.safetensors"
    before = weights.read_bytes()
    copy.configure(dataset={"streets": {"train": 5, "val": 2, "test": 2, "height": 128, "width": 128, "seed": 0}})
    copy.run("--trainings", "keep")
    assert len(list((copy.folder / "data/streets/train/images").iterdir())) == 5
    assert weights.read_bytes() == before


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core cannot be fewer than all")
def test_fewer_cores_make_nothing_stale(finished: Checkout) -> None:
    planned = finished.call("taskset", "--cpu-list", "0", "hyperseg", "run", "config/demo.yaml", "--dry-run")
    assert not [line for line in planned.splitlines() if line.partition(":")[0] in STEPS]
