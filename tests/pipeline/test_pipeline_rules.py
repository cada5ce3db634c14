"""The rules as data: in step with dvc.yaml, quick to read, fit for a cluster."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pipeline_checkout import BIN, ROOT, TINY, VARIANT

from hyperseg.errors import UserError
from hyperseg.pipeline.campaign import Campaign, load_campaign, parse_campaign
from hyperseg.pipeline.digests import FOLDER, settings, settings_file
from hyperseg.pipeline.dvc_file import DEMO, dvc_file, dvc_text
from hyperseg.pipeline.steps import Layout

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def snakemake(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(BIN / "snakemake"), *options], cwd=ROOT, capture_output=True, text=True)


def test_the_demo_s_dvc_file_is_made_from_its_configuration() -> None:
    assert (ROOT / "dvc.yaml").read_text() == dvc_text(load_campaign(ROOT / DEMO), DEMO)


def test_each_stage_depends_on_the_digests_of_its_rule_and_the_digests_on_the_package() -> None:
    layout = Layout(load_campaign(ROOT / DEMO), "cpu", "0123456789ab")
    names = {"data": ("streets",), "train": ("train", "${item.variant}"), "evaluate": ("evaluate", "${item.protocol}")}
    for stage in ("data", "train", "evaluate", "report"):
        declared = [dep for dep in STAGES[stage]["deps"] if dep.startswith(f"{FOLDER}/")]
        assert declared == [settings_file("demo", stage), layout.sources(*names.get(stage, (stage,)))]
    assert f"{FOLDER}/demo/latency" in STAGES["latency"]["deps"]
    assert STAGES["sources"]["outs"] == [f"{FOLDER}/demo"]
    assert STAGES["sources"]["deps"] == ["hyperseg"]


@pytest.mark.parametrize(
    "config", ["../x.yaml", "config/a b.yaml", "config/$(touch F).yaml", "config/-x.yaml", "x.yaml"]
)
def test_dvc_is_told_of_plain_names_alone(config: str) -> None:
    with pytest.raises(UserError, match=r"config/NAME\.yaml"):
        dvc_file(Path(config))


def test_no_value_that_is_free_text_is_in_a_command_of_dvc() -> None:
    for stage in STAGES.values():
        assert re.fullmatch(r"[A-Za-z0-9_./ {}$-]+", stage["cmd"])
        assert set(re.findall(r"\$\{(.*?)\}", stage["cmd"])) <= {"item.variant", "item.seed", "item.protocol"}


def test_every_placeholder_of_every_shell_command_is_quoted() -> None:
    """Values reach a shell only as quoted words; what has no `:q` would be read by it."""
    parts = re.findall(r"^    [A-Z]+ = \"(.*)\"$", (ROOT / "Snakefile").read_text(), re.MULTILINE)
    found = 0
    for rules in sorted((ROOT / "workflow/rules").glob("*.smk")):
        shells = re.findall(r"^ *shell:\n((?: {8,}.*\n)+)", rules.read_text(), re.MULTILINE)
        for shell in [re.sub(r"f\"\{[A-Z]+\}\"", "", shell) for shell in shells] + parts:
            placeholders = re.findall(r"(?<!\{)\{([^{}]+)\}(?!\})", shell)
            assert all(placeholder.endswith(":q") for placeholder in placeholders), rules.name
            found += len(placeholders)
    assert len(parts) == 3
    assert found > 30


def test_no_stage_is_frozen_and_only_a_marker_persists() -> None:
    assert not any(stage.get("frozen") for stage in STAGES.values())
    persistent = [out for stage in STAGES.values() for out in stage["outs"] if isinstance(out, dict)]
    assert [list(out) for out in persistent] == [["results/runs/demo/${item.variant}/seed${item.seed}/latency.done"]]


def test_a_latency_lies_under_its_machine_and_a_record_list_has_no_repeats() -> None:
    layout = Layout(load_campaign(ROOT / DEMO), "cuda", "0123456789ab")
    records = layout.records()
    assert len(set(records)) == len(records)
    latencies = [record for record in records if "/latency/" in record]
    assert latencies
    assert all("/latency/0123456789ab/" in record and "-cuda-" in record for record in latencies)


def test_an_engine_of_one_image_is_not_asked_for_several() -> None:
    pytest.importorskip("triton")
    take = {**TINY["latency"], "protocols": ["deploy", "scaling"], "engines": ["eager", "triton"]}  # type: ignore[dict-item]
    layout = Layout(parse_campaign(TINY | {"latency": take}, "c.yaml"), "cuda", "0123456789ab")
    assert [name.rpartition("/")[2] for name in layout.latencies(VARIANT, 0)] == [
        "deploy-cuda-eager-float32.json",
        "deploy-cuda-triton-float32.json",
        "scaling-cuda-eager-float32.json",
    ]


def test_weights_of_the_first_seed_are_timed_or_of_all_seeds() -> None:
    def campaign(seeds: str) -> Campaign:
        return parse_campaign(TINY | {"seeds": [3, 5], "latency": TINY["latency"] | {"seeds": seeds}}, "c.yaml")  # type: ignore[operator]

    for seeds, timed in {"first": [3], "all": [3, 5]}.items():
        layout = Layout(campaign(seeds), "cpu", "0123456789ab")
        folders = [f"results/runs/demo/{VARIANT}/seed{seed}" for seed in timed]
        record = "latency/0123456789ab/smoke-cpu-eager-float32.json"
        assert layout.all_latencies() == [f"{folder}/{record}" for folder in folders]
        assert [name for name in layout.records() if "/latency/" in name] == layout.all_latencies()
        assert layout.markers() == [f"{folder}/latency.done" for folder in folders]
        stage = yaml.safe_load(dvc_text(campaign(seeds), DEMO))["stages"]["latency"]
        assert stage["matrix"] == {"variant": [VARIANT], "seed": timed}
    # What was timed stays, where more is asked for.
    assert settings(campaign("first")) == settings(campaign("all"))


def test_jobs_start_in_the_order_of_the_configuration_latencies_last() -> None:
    campaign = load_campaign(ROOT / "config/front_camvid.yaml")
    layout = Layout(campaign, "cpu", "0123456789ab")
    trained = [layout.priority(variant) for variant in campaign.variants]
    timed = [layout.priority(variant, timed=True) for variant in campaign.variants]
    assert trained + timed == sorted({*trained, *timed}, reverse=True)
    rules = {step: (ROOT / f"workflow/rules/{step}.smk").read_text() for step in ("train", "evaluate", "latency")}
    assert all("priority: lambda wildcards: LAYOUT.priority(wildcards.variant" in text for text in rules.values())


def test_the_wrapper_and_the_rules_import_no_torch() -> None:
    code = (
        "import sys, hyperseg.cli.run; from pathlib import Path; from hyperseg.pipeline import run, campaign, digests; "
        f"digests.digests(campaign.load_campaign(Path({str(ROOT / DEMO)!r}))); "
        "print(sorted({'torch', 'timm', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_slurm_profile_plans_the_demo_without_a_cluster() -> None:
    """SLURM's plugin is an extra; a dry run reads the rest of the profile without it."""
    profile = ROOT / "profiles/slurm/config.yaml"
    assert yaml.safe_load(profile.read_text())["executor"] == "slurm"
    options = ("--executor", "dryrun", "--forceall", "--nolock")
    done = snakemake("--dry-run", "--workflow-profile", str(profile.parent), *options)
    assert done.returncode == 0, done.stderr
    planned = done.stdout + done.stderr
    train = planned.split("rule train:")[1].split("\n\n")[0]
    assert "gpu=1" in train
    assert "slurm_partition=gpu" in train
    latencies = [job.split("\n\n")[0] for job in planned.split("rule latency:")[1:]]  # in any order
    assert any("/latency/slurm/smoke-cuda-eager-float32.json" in latency for latency in latencies)
    assert all("slurm_extra=--exclusive --requeue" in latency for latency in latencies)


@pytest.mark.parametrize("campaign", ["front_camvid", "paper_voc"])
def test_campaigns_without_generated_pictures_plan(campaign: str, tmp_path: Path) -> None:
    """The demo is planned above, and that each configuration is sound is tested without the engine."""
    values = yaml.safe_load((ROOT / f"config/{campaign}.yaml").read_text())
    timed = values["latency"] | {"seeds": "all", "engines": ["eager"]}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(values | {"seeds": [0, 1], "latency": timed}))
    options = ("--configfile", str(tmp_path / "c.yaml"), "--cores", "2", "--forceall", "--nolock", "--quiet", "rules")
    done = snakemake("--dry-run", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = dict(re.findall(r"^(train|latency) +(\d+)$", done.stdout + done.stderr, re.MULTILINE))
    assert int(counts["latency"]) == len(timed["protocols"]) * int(counts["train"])


def test_the_kubernetes_profile_asks_for_a_gpu_of_a_known_maker() -> None:
    profile = yaml.safe_load((ROOT / "profiles/kubernetes/config.yaml").read_text())
    asked = {step: resources for step, resources in profile["set-resources"].items() if resources.get("gpu")}
    assert set(asked) == {"train", "evaluate", "latency"}
    assert all(resources["gpu_manufacturer"] == "nvidia" for resources in asked.values())


def test_dvc_calls_no_one_and_ignores_what_python_leaves() -> None:
    shown = subprocess.run([sys.executable, "-m", "dvc", "config", "--list"], cwd=ROOT, capture_output=True, text=True)
    assert "core.analytics=false" in shown.stdout
    assert "core.check_update=false" in shown.stdout
    assert "__pycache__" in (ROOT / ".dvcignore").read_text().split()


def test_outputs_are_ignored_by_git_but_not_what_dvc_writes_beside_them() -> None:
    names = {
        "data/streets/manifest.json": True,
        "data/camvid_segnet.dvc": False,
        "data/.gitignore": False,
        "results/runs/demo/v/seed0/train.json": True,
        "results/reference/camvid/train.json": False,
        "results/paper/paper.csv": False,
        "reports/demo/index.html": True,
        "reports/reference/index.html": False,
    }
    done = subprocess.run(["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True)
    assert set(done.stdout.split()) == {name for name, ignored in names.items() if ignored}
