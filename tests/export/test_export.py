"""Exports, read back by the formats' own packages."""

import errno
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from huggingface_hub import parse_eval_result_entries
from own_process import hyperseg
from rocrate.rocrate import ROCrate

from hyperseg.cli.export import command
from hyperseg.errors import UserError
from hyperseg.files import sha256_file

ROOT = Path(__file__).parents[2]
CAMVID = ROOT / "results/reference/camvid"


def export(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return hyperseg("export", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    done = export(
        folder, str(CAMVID), "--out", "out", "--workflow", str(ROOT / "Snakefile"), "--hub-dataset", "camvid_segnet=a/b"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "3 records exported to out (ro-crate, codecheck, huggingface)\n"
    return folder / "out"


def test_the_crate_is_a_workflow_run_crate(exported: Path) -> None:
    crate = ROCrate(exported)
    profiles = {entity.id for entity in crate.root_dataset["conformsTo"]}
    assert {"https://w3id.org/ro/wfrun/process/0.6", "https://w3id.org/ro/wfrun/workflow/0.6"} <= profiles
    assert any(name.startswith("https://w3id.org/workflowhub/workflow-ro-crate/") for name in profiles)
    assert crate.mainEntity.id == "Snakefile"
    assert "ComputationalWorkflow" in crate.mainEntity.type
    actions = [entity for entity in crate.root_dataset["mentions"] if entity.type == "CreateAction"]
    assert len(actions) == 4  # three steps and the run of the workflow
    [run] = [action for action in actions if action["instrument"] is crate.mainEntity]
    assert len(run["result"]) == 3
    for action in actions:
        assert action["startTime"] < action["endTime"]
        for result in action["result"]:
            assert sha256_file(exported / result.id) == result["sha256"]
    evaluation = crate.dereference("records/evaluation-paper.json")
    assert evaluation["description"] == "record: mIoU 51.4511 %"
    dangling = [
        reference["@id"]
        for entity in json.loads((exported / "ro-crate-metadata.json").read_text())["@graph"]
        for value in entity.values()
        for reference in (value if isinstance(value, list) else [value])
        if isinstance(reference, dict) and crate.dereference(reference["@id"]) is None
    ]
    assert [name for name in dangling if not name.startswith("https://")] == []


def test_codecheck_names_every_record(exported: Path) -> None:
    content = yaml.safe_load((exported / "codecheck.yml").read_text())
    assert content["version"] == "https://codecheck.org.uk/spec/config/1.0/"
    assert content["paper"]["authors"] == [{"name": n} for n in ("Yuval Nirkin", "Lior Wolf", "Tal Hassner")]
    assert all((exported / entry["file"]).is_file() for entry in content["manifest"])
    assert content["manifest"][0]["comment"].split(";")[0].endswith("mIoU 51.4511 %")


def codecheck_faults(path: Path) -> list[str]:
    """What a file lacks of what the CODECHECK configuration file specification 1.0 says a file MUST have or be.

    https://codecheck.org.uk/spec/config/1.0/; no schema is published, and the only validator is an R package.
    """
    faults = [] if path.name == "codecheck.yml" else ["the file is named codecheck.yml"]
    text = path.read_bytes().decode("utf-8")  # UnicodeDecodeError: it is no UTF-8
    faults += [] if "---" in text.splitlines() else ["three dashes mark the document's start"]
    content = yaml.safe_load(text)
    manifest = content.get("manifest")
    if not isinstance(manifest, list) or not all("file" in entry for entry in manifest):
        faults.append("manifest is a sequence, and each item has a file")
    elif not all((path.parent / entry["file"]).is_file() for entry in manifest):
        faults.append("files are relative to the configuration")
    if "authors" in content.get("paper", {}) and not all("name" in one for one in content["paper"]["authors"] or [{}]):
        faults.append("there is at least one author, and each has a name")
    checkers = content.get("codechecker")
    if not isinstance(checkers, list) or not checkers or not all("name" in one for one in checkers):
        faults.append("codechecker has at least one item, and each has a name")
    if not isinstance(content.get("report"), str):
        faults.append("report identifies the published report")
    return faults


def test_codecheck_s_specification_finds_missing_what_the_checker_adds_and_nothing_else(
    exported: Path, tmp_path: Path
) -> None:
    written = exported / "codecheck.yml"
    assert codecheck_faults(written) == [
        "codechecker has at least one item, and each has a name", "report identifies the published report",
    ]  # fmt: skip
    shutil.copytree(exported, tmp_path / "checked")
    checked = tmp_path / "checked/codecheck.yml"
    with checked.open("a") as file:  # as a codechecker goes on with it
        file.write("codechecker:\n- name: A. Checker\nreport: https://doi.org/10.5281/zenodo.0000000\n")
    assert codecheck_faults(checked) == []
    assert written.read_text().startswith("%YAML 1.1\n---\nversion: https://codecheck.org.uk/spec/config/1.0/\n")


def test_hugging_faces_own_package_reads_the_results(exported: Path) -> None:
    entries = parse_eval_result_entries(yaml.safe_load((exported / ".eval_results/camvid_hyperseg_s.yaml").read_text()))
    assert [(entry.dataset_id, entry.task_id, entry.value) for entry in entries] == [
        ("a/b", "test_paper_v1", 51.4511), ("a/b", "test_standard_v1", 55.9169),
    ]  # fmt: skip
    assert all("95 % interval" in str(entry.notes) for entry in entries)


def test_without_a_workflow_it_is_a_process_run_crate(tmp_path: Path) -> None:
    assert export(tmp_path, str(CAMVID), "--out", "out", "--format", "ro-crate").returncode == 0
    conforms = ROCrate(tmp_path / "out").root_dataset["conformsTo"]
    found = conforms if isinstance(conforms, list) else [conforms]
    assert [entity.id for entity in found] == ["https://w3id.org/ro/wfrun/process/0.6"]
    assert not (tmp_path / "out/codecheck.yml").exists()


def test_a_full_disk_leaves_nothing_and_the_sentence_names_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, records: object) -> None:
        assert list(folder.rglob("records/*.json"))  # what was written before goes too
        raise OSError(errno.ENOSPC, "No space left on device", "source.json")

    monkeypatch.setattr("hyperseg.export.codecheck.write_codecheck", full)
    out = tmp_path / "out"
    with pytest.raises(UserError, match=f"^cannot write {out}: no space left on device; free space there"):
        command.main([str(CAMVID), "--out", str(out)], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["absent", "--out", "out"], "no record or folder at absent"),
        ([str(CAMVID), "--out", "full"], "not an empty folder"),
        ([str(CAMVID), "--out", "out", "--hub-dataset", "x"], "is not ID=ORG/NAME"),
        (["forged", "--out", "out"], "records do not hold: forged"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("mine")
    record = json.loads(next(CAMVID.rglob("evaluation-paper.json")).read_text())
    record["numbers"]["miou_percent"] = 78.5
    (tmp_path / "forged").mkdir()
    (tmp_path / "forged/record.json").write_text(json.dumps(record))
    done = export(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert not (tmp_path / "out").exists()
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]
