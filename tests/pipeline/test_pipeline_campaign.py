"""Configurations: what is accepted, and the one sentence for what is not."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml
from pipeline_checkout import ROOT, TINY

from hyperseg.errors import UserError
from hyperseg.pipeline.campaign import config_schema, load_campaign, parse_campaign
from hyperseg.pipeline.checks import check, check_data, check_folders, check_machine, made_otherwise
from hyperseg.pipeline.steps import Layout
from hyperseg.streets.generate import MAX_SIDE, MIN_SIDE, generate


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
        ({"seeds": [1, 1]}, "'seeds' in c.yaml does not fit: 1 is named twice; name it once"),
        ({"seeds": [2**63]}, "'seeds.0' in c.yaml does not fit: it must be at most 9223372036854775807"),
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
    "folder",
    ["data/own lots", "data/Straßen und Plätze", "data/a/b", "data/camvid_segnet", "data/x,y+z=1@2"],
)
def test_folders_may_hold_spaces_and_letters_of_any_alphabet(folder: str) -> None:
    dataset = TINY["dataset"] | {"folder": folder}  # type: ignore[operator]
    assert parse_campaign(TINY | {"dataset": dataset}, "c.yaml").dataset.folder == folder


@pytest.mark.parametrize(
    "folder",
    ["data/x$(touch F)", "data/`touch F`", "data/a;b", 'data/"a"', "data/it's", "data/-rf", "data/{seed}", "data/a\nb",
     "data/..", "data/../hyperseg", "..", "/etc", "hyperseg", "results/runs", "data", "data/", "~/data", "-rf"],
)  # fmt: skip
def test_folders_that_a_shell_would_read_or_that_are_not_for_data_are_refused(folder: str) -> None:
    dataset = TINY["dataset"] | {"folder": folder}  # type: ignore[operator]
    with pytest.raises(UserError, match=r"'dataset\.folder' in c\.yaml does not fit: .* is not a folder data/NAME"):
        parse_campaign(TINY | {"dataset": dataset}, "c.yaml")


@pytest.mark.parametrize(
    ("section", "changes", "told"),
    [
        ("evaluation", {"split": "test; touch F"}, "is not the name of a split"),
        ("evaluation", {"split": "-x"}, "is not the name of a split"),
        ("evaluation", {"protocols": ["paper", "paper"]}, "paper is named twice"),
        ("latency", {"protocols": ["smoke", "smoke"]}, "smoke is named twice"),
        ("latency", {"precisions": ["float32", "float32"]}, "float32 is named twice"),
        ("latency", {"engines": ["eager", "eager"]}, "'latency.engines' in c.yaml does not fit: eager is named twice"),
        ("latency", {"engines": {"default": ["eager", "eager"]}}, "'latency.engines.default' in c.yaml does not fit"),
        ("latency", {"engines": []}, "'latency.engines' in c.yaml does not fit: at least 1 entry is needed, not 0"),
        ("dataset", {"id": "camvid"}, "generated streets have the id streets, not camvid"),
        ("report", {"title": "two\nlines"}, "is not one line of text"),
        ("report", {"title": "t" * 300}, "has 300 letters, 200 at most; shorten it"),
        ("latency", {"engines": ["$(touch F)"]}, "is not a name of small letters, digits and _"),
        ("latency", {"target": "gpu"}, "a target needs its device"),
        ("threads", {"train": 10**9}, "it must be at most 1024"),
    ],
)
def test_names_splits_and_titles_have_a_checked_form(section: str, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as error:
        parse_campaign(TINY | {section: TINY[section] | changes}, "c.yaml")  # type: ignore[operator]
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("section", "changes", "told"),
    [
        ("training", {"epoch": 3}, "unknown key training.epoch"),
        ("training", {"batch": 0}, "training.batch"),
        ("training", {"backbone": "tf_efficientnet_b99"}, "unknown backbone 'tf_efficientnet_b99'"),
        ("training", {"crop_hw": [100, 128]}, "training.crop_hw is 100 x 128 .* needs multiples of 64"),
        ("training", {"train_split": "trian"}, "has no labels of a split 'trian'; those it has are train, val, test"),
        ("training", {"selection": "best", "selection_split": "vla"}, "training.selection_split is 'vla'"),
        ("evaluation", {"protocols": ["standrad"]}, "unknown evaluation protocol 'standrad'"),
        ("evaluation", {"split": "val+tset"}, "has no labels of a split 'tset'"),
        ("evaluation", {"input_hw": [128, 100]}, "evaluation.input_hw is 128 x 100"),
        ("evaluation", {"input_hw": {"voc_hyperseg_l": [128, 128]}}, "names 'voc_hyperseg_l', which is none of"),
        ("latency", {"protocols": ["quick"]}, "unknown latency protocol 'quick'"),
        ("latency", {"engines": ["warp"]}, "unknown engine 'warp' in latency.engines; choose one of "),
        ("latency", {"precisions": ["float64"]}, "unknown precision 'float64' in latency.precisions"),
        ("latency", {"input_hw": [64, 64]}, "latency.input_hw is 64 x 64"),
    ],
)
def test_what_a_step_would_refuse_is_refused_before_the_first(section: str, changes: dict[str, Any], told: str) -> None:
    campaign = parse_campaign(TINY | {section: TINY[section] | changes}, "c.yaml")  # type: ignore[operator]
    with pytest.raises(UserError, match=told):
        check(campaign)


def test_an_engine_that_does_not_run_on_the_device_is_refused_before_the_first() -> None:
    latency = TINY["latency"] | {"engines": ["cudagraph"]}  # type: ignore[operator]
    layout = Layout(parse_campaign(TINY | {"latency": latency}, "c.yaml"), "cpu", "0123456789ab")
    with pytest.raises(UserError, match="cudagraph, which cannot run here: it does not run in float32 on cpu"):
        check_machine(layout)


def test_results_that_cannot_be_written_are_refused_before_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    layout = Layout(parse_campaign(TINY, "c.yaml"), "cpu", "0123456789ab")
    check_folders(layout)
    (tmp_path / "results").write_text("")
    with pytest.raises(UserError, match="results is a file, and results go to the folder results/runs/demo"):
        check_folders(layout)


def test_a_dataset_that_others_made_is_read_alone_unless_it_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small = {"train": 1, "val": 1, "test": 1, "height": 32, "width": 32}
    generate(tmp_path / "data/streets", **small)
    (tmp_path / "data/streets/manifest.json").write_text("{}")
    monkeypatch.setattr("os.access", lambda path, mode: not str(path).startswith("data"))
    for train, other in ((1, False), (2, True)):
        dataset = {"id": "streets", "folder": "data/streets", "streets": small | {"train": train}}
        layout = Layout(parse_campaign(TINY | {"dataset": dataset}, "c.yaml"), "cpu", "0123456789ab")
        assert made_otherwise(layout) is other
        with pytest.raises(UserError, match="cannot write to data/streets") if other else nullcontext():
            check_folders(layout)
    layout = Layout(
        parse_campaign(TINY | {"dataset": {"id": "camvid", "folder": "data/streets"}}, "c.yaml"), "cpu", "0"
    )
    with pytest.raises(UserError, match=r"data/streets holds the dataset streets, not camvid; correct dataset\.id"):
        check_data(layout, None)


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


@pytest.mark.parametrize("key", ["height", "width"])
@pytest.mark.parametrize("side", [MIN_SIDE - 1, MAX_SIDE + 1])
def test_streets_are_bounded_as_their_generator_is(key: str, side: int) -> None:
    dataset: Any = TINY["dataset"]
    with pytest.raises(UserError, match=rf"'dataset\.streets\.{key}' in c\.yaml does not fit: it must be at"):
        parse_campaign(TINY | {"dataset": dataset | {"streets": dataset["streets"] | {key: side}}}, "c.yaml")
    fitting = dataset["streets"] | {key: min(max(side, MIN_SIDE), MAX_SIDE)}
    parse_campaign(TINY | {"dataset": dataset | {"streets": fitting}}, "c.yaml")
