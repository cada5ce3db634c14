"""What DVC does with a finished campaign: new versions, steps of its own, older commits, clones, other machines."""

import json
import shutil

import numpy as np
import pytest
import yaml
from PIL import Image
from pipeline_checkout import VARIANT, Checkout
from pipeline_stale import STEPS, named_by_dvc, stale_in_snakemake, with_what_follows

pytestmark = pytest.mark.slow


def test_a_changed_byte_of_the_dataset_is_refused_and_a_new_version_makes_the_same_steps_stale(copy: Checkout) -> None:
    picture = copy.folder / "data/streets/test/images/000000.png"
    pixels = np.array(Image.open(picture))
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(picture)
    refused = copy.run("--dry-run", code=2)
    assert refused.count("\n") == 1
    assert "test/images/000000.png (other bytes)" in refused
    assert named_by_dvc(copy, edited=False) == {"data"}

    copy.call("hyperseg", "data", "version", "data/streets", "--record")
    copy.call("dvc", "commit", "--force", "data")  # the new version is DVC's as well
    named = named_by_dvc(copy, edited=False)
    assert {f"train@{VARIANT}-0", f"evaluate@{VARIANT}-0-standard"} <= named <= set(STEPS.values()) - {"data"}
    assert stale_in_snakemake(copy) == with_what_follows(named)


def test_dvc_brings_what_is_stale_or_gone_up_to_date_and_shows_the_difference(copy: Checkout) -> None:
    shown = json.loads(copy.call("dvc", "metrics", "show", "--json"))
    assert any(name.startswith("miou_percent") for name in shown[""]["data"]["reports/demo/metrics.json"]["data"])

    copy.configure(evaluation={"split": "val"})
    refused = copy.call("hyperseg", "adopt", "--no-pull", code=2)
    assert refused.count("\n") == 1
    assert f"evaluate@{VARIANT}-0-standard" in refused
    latencies = copy.folder / f"results/runs/demo/{VARIANT}/seed0/latency"
    shutil.rmtree(latencies)  # as a DVC that is killed leaves it: it removes the folder, but not the marker
    ran = copy.call("dvc", "repro")
    assert f"Running stage 'evaluate@{VARIANT}-0-standard'" in ran
    assert "Running stage 'report'" in ran
    assert f"Stage 'train@{VARIANT}-0' didn't change, skipping" in ran
    assert list(latencies.rglob("*.json"))
    assert "nothing to do" in copy.run()  # Snakemake finds what DVC asked it for
    (difference,) = json.loads(copy.call("dvc", "metrics", "diff", "--json")).values()
    assert any(name.startswith("miou_percent") for name in difference)


def test_another_machine_keeps_the_adopted_latencies_and_lacks_its_own(copy: Checkout) -> None:
    """A target of another name stands for another machine."""
    copy.configure(latency={"target": "elsewhere", "device": "cpu"})
    jobs = [line.partition(":")[0] for line in copy.run("--dry-run").splitlines()]
    assert sorted(job for job in jobs if job in STEPS) == [f"latency {VARIANT} 0 smoke eager float32", "report"]
    assert len(list((copy.folder / f"results/runs/demo/{VARIANT}/seed0/latency").iterdir())) == 1


def test_any_campaign_is_tracked_and_an_older_commit_brings_the_old_bytes_back(copy: Checkout) -> None:
    other = yaml.safe_load(copy.read("config/demo.yaml")) | {"campaign": "other", "report": {"title": "Another"}}
    copy.write("config/other.yaml", yaml.safe_dump(other))
    missing = copy.call("hyperseg", "track", "config/other.yaml", code=2)
    assert "is not there yet; make it with `hyperseg run config/other.yaml`" in missing
    copy.call("hyperseg", "run", "config/other.yaml")
    told = copy.call("hyperseg", "track", "config/other.yaml")
    assert "git add tracked/other/dvc.yaml tracked/other/dvc.lock tracked/other/plots" in told
    copy.call("git", "add", "tracked", "config")
    copy.call("git", "commit", "--quiet", "--message", "first")
    record = copy.folder / f"results/runs/other/{VARIANT}/seed0/evaluation-standard.json"
    first = record.read_bytes()

    copy.write("config/other.yaml", yaml.safe_dump(other | {"evaluation": other["evaluation"] | {"split": "val"}}))
    copy.call("hyperseg", "run", "config/other.yaml")
    copy.call("hyperseg", "track", "config/other.yaml")
    copy.call("git", "commit", "--quiet", "--all", "--message", "second")
    second = record.read_bytes()
    assert second != first
    shown = json.loads(copy.call("dvc", "metrics", "diff", "HEAD~1", "--json"))
    (metrics,) = [values for name, values in shown.items() if "reports/other" in name]
    assert any(name.startswith("miou_percent.streets.val.") for name in metrics)
    plots = json.loads(copy.call("dvc", "plots", "diff", "HEAD~1", "--json").splitlines()[0])["data"]
    # The demo's dvc.yaml has plots of the same titles, so DVC puts the file before them.
    ours = {title: points for title, points in plots.items() if title.startswith("tracked/other/dvc.yaml::")}
    assert {title.partition("::")[2] for title in ours} == {"Training loss", "IoU by class, standard"}
    assert all(ours.values())

    copy.call("git", "checkout", "--quiet", "HEAD~1")
    copy.call("dvc", "checkout", "--quiet")
    assert record.read_bytes() == first
    assert "adopted" in copy.call("hyperseg", "adopt", "config/other.yaml", "--no-pull")
    assert "nothing to do" in copy.call("hyperseg", "run", "config/other.yaml")


def test_no_latency_is_restored_from_the_run_cache(copy: Checkout) -> None:
    """DVC could pass another machine's latency off as this one's, where a shared cache holds it."""
    cached = [path.read_text() for path in (copy.folder / ".dvc/cache/runs").rglob("*") if path.is_file()]
    assert any("train.json" in text for text in cached)
    assert not any("latency.done" in text for text in cached)
