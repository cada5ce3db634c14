"""Configurations: what is accepted, and the one sentence for what is not."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pipeline_checkout import ROOT, TINY

from hyperseg.errors import UserError
from hyperseg.pipeline.campaign import config_schema, load_campaign, parse_campaign
from hyperseg.pipeline.run import check


@pytest.mark.parametrize("file", sorted((ROOT / "config").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_campaign_here_is_sound_and_named_as_its_file(file: Path) -> None:
    campaign = load_campaign(file)
    check(campaign)
    assert campaign.campaign == file.stem


def test_the_published_schema_is_made_from_the_models() -> None:
    assert (ROOT / "workflow/schemas/config.schema.yaml").read_text() == config_schema()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"variants": ["camvid_hyperseg_xl"]}, "'variants' in c.yaml does not fit: 'camvid_hyperseg_xl' is no variant"),
        ({"variants": []}, "'variants' in c.yaml does not fit"),
        ({"seeds": [1, 1]}, "an entry is named twice"),
        ({"seeds": [-1]}, "'seeds.0' in c.yaml"),
        ({"colour": "red"}, "'colour' in c.yaml does not fit: there is no such key"),
        ({"report": {}}, "'report.title' in c.yaml does not fit: it is missing"),
        ({"campaign": "../elsewhere"}, "'campaign' in c.yaml"),
        ({"evaluation": TINY["evaluation"] | {"protocols": ["a/b"]}}, "'evaluation.protocols.0' in c.yaml"),  # type: ignore[operator]
    ],
)
def test_what_does_not_fit_is_told_in_one_sentence(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as error:
        parse_campaign(TINY | changes, "c.yaml")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("section", "changes", "told"),
    [
        ("training", {"epoch": 3}, "unknown key training.epoch"),
        ("training", {"batch": 0}, "training.batch"),
        ("evaluation", {"protocols": ["standrad"]}, "unknown evaluation protocol 'standrad'"),
        ("latency", {"protocols": ["quick"]}, "unknown latency protocol 'quick'"),
    ],
)
def test_recipes_and_protocols_are_checked_before_anything_runs(
    section: str, changes: dict[str, Any], told: str
) -> None:
    campaign = parse_campaign(TINY | {section: TINY[section] | changes}, "c.yaml")  # type: ignore[operator]
    with pytest.raises(UserError, match=told):
        check(campaign)


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "no such file"), (b"a: [1", "not YAML at line 1"), (b"\xff", "UTF-8"), (b"", "holds no")],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, told: str) -> None:
    file = tmp_path / "c.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=told):
        load_campaign(file)


def test_evaluation_inputs_for_all_variants_or_per_variant() -> None:
    evaluation = yaml.safe_load("{protocols: [paper], split: test}")
    one = parse_campaign(TINY | {"evaluation": evaluation | {"input_hw": [128, 256]}}, "c").evaluation
    assert one.input_of("camvid_hyperseg_s") == (128, 256)
    each = parse_campaign(
        TINY | {"evaluation": evaluation | {"input_hw": {"voc_hyperseg_l": [256, 256]}}}, "c"
    ).evaluation
    assert (each.input_of("voc_hyperseg_l"), each.input_of("camvid_hyperseg_s")) == ((256, 256), None)
