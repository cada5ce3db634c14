"""Released-format checkpoints in both directions, and files that do not fit."""

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from reference_fill import CHECKPOINTS, image, state_dict
from torch import Tensor

import hyperseg
from hyperseg.errors import UserError
from hyperseg.models.names import released_names

VARIANT = "camvid_hyperseg_s"


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    return state_dict(VARIANT)


def released_file(path: Path, tensors: dict[str, Tensor], **more: Any) -> Path:
    """A checkpoint as the authors' training script writes it."""
    optimizer = {"state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 1e-3}]}
    content = {
        "epoch": 360,
        "state_dict": OrderedDict(tensors),
        "optimizer": optimizer,
        "scheduler": {"last_epoch": 90000, "base_lrs": [1e-3]},
        "best_iou": np.float64(0.784),
        "arch": "hyperseg.models.hyperseg_v1_0.hyperseg_efficientnet('efficientnet-b1',levels=2)",
    }
    torch.save(content | more, path)
    return path


@pytest.mark.parametrize("variant", CHECKPOINTS)
def test_every_released_tensor_has_a_partner_and_comes_back(variant: str) -> None:
    given = state_dict(variant)
    model = hyperseg.import_checkpoint(given, variant)
    names = released_names(model)
    assert set(names) == set(model.state_dict())
    assert sorted(names.values()) == sorted(given)
    exported = hyperseg.export_checkpoint(model)["state_dict"]
    assert set(exported) == set(given)
    assert all(torch.equal(exported[key], given[key]) for key in given)


@pytest.mark.parametrize("variant", CHECKPOINTS)
def test_the_cached_grids_are_dropped_and_can_be_made_again(variant: str) -> None:
    shapes = CHECKPOINTS[variant]["tensors"]
    given = state_dict(variant) | {key: torch.zeros(shape) for key, shape in shapes.items() if ".coord" in key}
    exported = hyperseg.export_checkpoint(hyperseg.import_checkpoint(given, variant), coordinate_grids=True)
    assert {key: list(value.shape) for key, value in exported["state_dict"].items()} == shapes
    for key, value in exported["state_dict"].items():
        if ".coord" in key:
            assert torch.equal(value[0, 0, 0], torch.linspace(-1, 1, value.shape[3]))
            assert torch.equal(value[0, 1, :, 0], torch.linspace(-1, 1, value.shape[2]))


@torch.inference_mode()
def test_files_in_both_formats_agree(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    path = released_file(tmp_path / "released.pth", {f"module.{key}": value for key, value in tensors.items()})
    model = hyperseg.create_model(VARIANT, weights=path).eval()
    returned = hyperseg.export_checkpoint(model, tmp_path / "exported.pth")
    again = hyperseg.import_checkpoint(tmp_path / "exported.pth", VARIANT).eval()
    whole = hyperseg.import_checkpoint(returned, VARIANT).eval()
    x = image(64, 128)
    assert torch.equal(model(x), again(x))
    assert torch.equal(model(x), whole(x))
    assert [p.name for p in tmp_path.glob("*.partial")] == []


def test_the_export_is_a_copy(tensors: dict[str, Tensor]) -> None:
    model = hyperseg.import_checkpoint(tensors, VARIANT)
    exported = hyperseg.export_checkpoint(model)["state_dict"]
    exported["backbone._conv_stem.weight"].zero_()
    assert model.backbone.conv_stem.weight.abs().sum() > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone._conv_head.weight": None}, r"missing backbone\._conv_head\.weight;"),
        ({"decoder.level_9.weight": torch.zeros(1)}, r"unexpected decoder\.level_9\.weight;"),
        (
            {"backbone._bn1.bias": torch.zeros(7)},
            r"misshapen backbone\._bn1\.bias \(7,\) instead of \(1280,\);",
        ),
        (
            {"backbone._bn1.bias": torch.zeros(7), "a": torch.zeros(1), "backbone._bn0.bias": None},
            r"missing backbone\._bn0\.bias, unexpected a, misshapen backbone\._bn1\.bias",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_named(
    tensors: dict[str, Tensor], change: dict[str, Tensor | None], message: str
) -> None:
    merged = {key: value for key, value in (tensors | change).items() if value is not None}
    with pytest.raises(UserError, match=message):
        hyperseg.import_checkpoint(merged, VARIANT)


def test_a_checkpoint_of_another_variant_names_some_and_counts_the_rest() -> None:
    with pytest.raises(UserError, match=r"does not fit camvid_hyperseg_s: missing .* and \d+ more") as refusal:
        hyperseg.import_checkpoint(state_dict("voc_hyperseg_l"), VARIANT)
    assert len(str(refusal.value)) < 3000


def test_another_class_count_has_to_be_said(tensors: dict[str, Tensor]) -> None:
    with pytest.raises(UserError, match=r"misshapen .*decoder\.level_4\.0\.bn3\.weight \(12,\) instead of \(5,\)"):
        hyperseg.import_checkpoint(tensors, VARIANT, num_classes=5)


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("unpickled",)


def test_a_file_that_needs_code_is_refused_by_name(
    tmp_path: Path, tensors: dict[str, Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    path = released_file(tmp_path / "harmful.pth", tensors, arch=Harmful())
    with pytest.raises(UserError, match=r"needs code to be unpickled \(\w+\.print\)"):
        hyperseg.create_model(VARIANT, weights=path)
    assert "unpickled" not in capsys.readouterr().out


def write_text(path: Path) -> None:
    path.write_text("not a checkpoint")


def write_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Harmful()))


def write_list(path: Path) -> None:
    torch.save([torch.zeros(1)], path)


def write_no_tensors(path: Path) -> None:
    torch.save({"epoch": 3, "arch": "text"}, path)


def write_cut_off(path: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(1000)}}, path)
    path.write_bytes(path.read_bytes()[:2000])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_text, "not a checkpoint of the released format|not a readable checkpoint"),
        (write_pickle, "was not loaded|not a readable checkpoint"),
        (write_list, "holds a list, not a checkpoint dictionary"),
        (write_no_tensors, "holds no state_dict of tensors"),
        (write_cut_off, "not a readable checkpoint"),
        (lambda path: None, "does not exist"),
    ],
)
def test_files_that_are_no_checkpoint(
    tmp_path: Path, write: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "weights.pth"
    write(path)
    with pytest.raises(UserError, match=message) as refusal:
        hyperseg.create_model(VARIANT, weights=path)
    assert "weights.pth" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert capsys.readouterr().out == ""
