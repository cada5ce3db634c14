"""Records in words: how a number came to be, and why two differ."""

import json
from pathlib import Path

import pytest
from own_process import hyperseg
from record_content import content

from hyperseg.records import Record, read_record
from hyperseg.records.difference import difference, results
from hyperseg.records.explain import explain

REFERENCE = Path(__file__).parents[2] / "results/reference"
PAPER = REFERENCE / "camvid/camvid_hyperseg_s/seed0/evaluation-paper.json"
STANDARD = PAPER.with_name("evaluation-standard.json")
SCALING = REFERENCE / "scaling/camvid_hyperseg_s/latency/scaling-cpu-native-float32.json"


def test_an_evaluation_is_explained_from_value_to_command() -> None:
    said = hyperseg("explain", str(PAPER)).stdout
    record = json.loads(PAPER.read_text())
    for part in (
        "mIoU 51.45 %, 95 % interval 50.03 to 52.62 %", "void is scored as one more class", "233 images",
        "counts as 0 in the mean", "protocol paper v1; network input 384 x 512",
        record["network"]["weights_sha256"], record["dataset"]["version"], record["provenance"]["commit"],
        record["provenance"]["machine"]["fingerprint"], " ".join(record["provenance"]["command"][:4]),
    ):  # fmt: skip
        assert part in said
    headings = [line for line in said.splitlines() if not line.startswith(" ")]
    assert headings[0] == "value:"
    assert headings[-1] == "command:"
    assert len(headings) == len(set(headings))


def test_a_latency_is_explained_with_its_verdict() -> None:
    said = dict(explain(read_record(SCALING)))
    assert "inside the clock: forward" in "; ".join(sentence for _, sentence in explain(read_record(SCALING)))
    assert said["value"].startswith("median latency 71.927 ms, 95 % interval")
    assert "208 timed passes in 3 fresh processes" in said["formula"]


def test_a_training_says_what_no_released_recipe_does() -> None:
    ours, released = (
        "; ".join(sentence for _, sentence in explain(read_record(REFERENCE / name)))
        for name in ("recipe_camvid/rare/seed0/train.json", "camvid/camvid_hyperseg_s/seed0/train.json")
    )
    assert "void class, rare_class_temperature 0.05" in ours
    assert "rare_class_temperature" not in released


@pytest.mark.parametrize("kind", ["training", "evaluation", "latency", "bench"])
def test_every_kind_is_explained(kind: str) -> None:
    found = explain(Record.model_validate(content(kind)))
    assert {"value", "network", "code", "machine", "run", "command"} <= {heading for heading, _ in found}


def test_what_differs_most_likely_cause_first() -> None:
    first, second = read_record(PAPER), read_record(STANDARD)
    assert [field for field, _, _ in difference(first, second)] == [
        "protocol", "numbers.absent_classes", "config.reading.void",
    ]  # fmt: skip
    assert next(results(first, second)) == "mIoU 51.45 % and 55.92 %: +4.466 points"
    said = hyperseg("diff", str(PAPER), str(STANDARD)).stdout
    assert "class Void is scored in the first alone" in said
    assert "  1. protocol: paper v1 -> standard v1" in said
    assert "nothing differs" in hyperseg("diff", str(PAPER), str(PAPER)).stdout


def test_a_dataset_explains_more_than_a_commit_and_a_machine_more_than_a_package() -> None:
    other = content("evaluation")
    other["dataset"] = other["dataset"] | {"version": "3" * 64}
    other["provenance"] = other["provenance"] | {"commit": "d" * 40, "packages": {"torch": "9"}}
    fields = [f for f, _, _ in difference(Record.model_validate(content("evaluation")), Record.model_validate(other))]
    assert fields == ["dataset.version", "provenance.commit", "provenance.packages.torch"]
    slow = content("latency")
    slow["provenance"] = slow["provenance"] | {
        "packages": {"torch": "9"}, "machine": slow["provenance"]["machine"] | {"fingerprint": "f" * 12},
    }  # fmt: skip
    fields = [f for f, _, _ in difference(Record.model_validate(content("latency")), Record.model_validate(slow))]
    assert fields == ["provenance.machine.fingerprint", "provenance.packages.torch"]
