"""The record: typed, closed, versioned, and in step with its published JSON Schema."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from own_process import hyperseg
from pydantic import ValidationError
from record_content import NUMBERS, content

from hyperseg.records import Record

SCHEMA = Path(__file__).parents[2] / "workflow/schemas/record.schema.json"


def test_the_published_schema_is_the_records_own() -> None:
    assert json.loads(SCHEMA.read_text()) == Record.model_json_schema()
    assert SCHEMA.read_text() == json.dumps(Record.model_json_schema(), indent=1) + "\n"


@pytest.mark.parametrize("kind", NUMBERS)
def test_records_round_trip_and_fit_the_published_schema(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMA.read_text()))
    record = Record.model_validate(content(kind))
    assert record.kind == kind
    dumped = record.model_dump(mode="json")
    jsonschema.validate(dumped, json.loads(SCHEMA.read_text()))
    assert Record.model_validate_json(json.dumps(dumped)) == record
    assert record.started_at == datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), 3),
        (("surplus",), 1),
        (("numbers", "kind"), "guess"),
        (("numbers", "miou"), 1.0),
        (("network", "parameters"), 0),
        (("network", "slices"), "other"),
        (("dataset", "version"), "abc"),
        (("network", "weights_sha256"), "G" * 64),
        (("protocol", "version"), 0),
        (("seed",), "zero"),
        (("numbers", "absent_classes"), "halved"),
    ],
)
def test_what_does_not_fit_is_refused_by_both_schemas(path: tuple[str, ...], value: object) -> None:
    broken = json.loads(json.dumps(content("evaluation")))
    place = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValidationError):
        Record.model_validate(broken)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, json.loads(SCHEMA.read_text()))


def test_numbers_carry_their_units() -> None:
    """Every number with a dimension says its unit; counts and ratios have none."""
    units = ("_ms", "_s", "_percent", "_bytes", "_height", "_width", "_pixels")
    plain = {
        "steps", "images_seen", "final_loss", "batch", "samples", "warmup_samples", "processes", "fps",
        "pixel_exponent", "batch_norms_left",
    }  # fmt: skip
    for name in ("TrainingNumbers", "EvaluationNumbers", "LatencyNumbers"):
        properties = Record.model_json_schema()["$defs"][name]["properties"]
        for field, schema in properties.items():
            kinds = {schema.get("type"), *(option.get("type") for option in schema.get("anyOf", []))}
            if kinds & {"number", "integer"} and field not in plain:
                assert field.endswith(units), f"{name}.{field}"


def test_the_command_prints_the_schema_and_checks_files(tmp_path: Path) -> None:
    printed = hyperseg("records", "schema")
    assert printed.stdout == SCHEMA.read_text()
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(content("latency")))
    assert "1 records fit" in hyperseg("records", "validate", str(good)).stdout
    bad.write_text(json.dumps(content("latency") | {"seed": "x"}))
    refused = hyperseg("records", "validate", str(tmp_path))
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: record ")
    assert "bad.json" in refused.stderr
    assert "seed" in refused.stderr
