"""Released-format checkpoints in both directions, and files that do not fit."""

import ast
import pickle
import zipfile
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
from hyperseg.models import checkpoint_file
from hyperseg.models.names import released_names
from hyperseg.models.variants import get_variant

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
    exported = hyperseg.export_checkpoint(model, coordinate_grids=False)["state_dict"]
    assert set(exported) == set(given)
    assert all(torch.equal(exported[key], given[key]) for key in given)


@pytest.mark.parametrize("variant", CHECKPOINTS)
def test_the_cached_grids_are_dropped_and_can_be_made_again(variant: str) -> None:
    shapes = CHECKPOINTS[variant]["tensors"]
    given = state_dict(variant) | {key: torch.zeros(shape) for key, shape in shapes.items() if ".coord" in key}
    exported = hyperseg.export_checkpoint(hyperseg.import_checkpoint(given, variant))
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


@pytest.mark.parametrize(("variant", "classes"), [(VARIANT, 5), ("voc_hyperseg_l", 3), ("cityscapes_hyperseg_s", 30)])
def test_the_class_count_is_read_from_the_tensors(variant: str, classes: int) -> None:
    given = hyperseg.export_checkpoint(hyperseg.create_model(variant, num_classes=classes))
    model = hyperseg.import_checkpoint(given, variant)
    assert model.num_classes == classes
    assert f"num_classes={classes}" in given["arch"]


def test_a_class_count_that_contradicts_the_tensors_is_refused(tensors: dict[str, Tensor]) -> None:
    with pytest.raises(UserError, match=r"misshapen .*decoder\.level_4\.0\.bn3\.weight \(12,\) instead of \(5,\)"):
        hyperseg.import_checkpoint(tensors, VARIANT, num_classes=5)


@pytest.mark.parametrize(
    ("holder", "prefix"),
    [("model", "_orig_mod."), ("model_state_dict", "module._orig_mod."), ("state_dict", "model."), (None, "model.")],
)
def test_other_scripts_names_are_understood(tensors: dict[str, Tensor], holder: str | None, prefix: str) -> None:
    named = {prefix + key: value for key, value in tensors.items()}
    model = hyperseg.import_checkpoint({holder: named, "epoch": 3} if holder else named, VARIANT)
    exported = hyperseg.export_checkpoint(model)["state_dict"]
    assert all(torch.equal(exported[key], value) for key, value in tensors.items())


def test_a_state_dict_of_ours_is_understood(tensors: dict[str, Tensor]) -> None:
    model = hyperseg.import_checkpoint(tensors, VARIANT)
    again = hyperseg.import_checkpoint({"model": model.state_dict()}, VARIANT)
    assert all(torch.equal(again.state_dict()[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.full((1280,), torch.nan), r"holds NaN or infinity in backbone\._bn1\.bias;"),
        (torch.full((1280,), -torch.inf), r"holds NaN or infinity in backbone\._bn1\.bias;"),
        (torch.zeros(1280, dtype=torch.int8), r"another kind .* backbone\._bn1\.bias \(int8\)"),
        (torch.zeros(1280).to_sparse(), "another kind .* use dense ones"),
        (torch.zeros(1280, device="meta"), "another kind .* use dense ones"),
    ],
)
def test_numbers_that_are_none_are_refused(tensors: dict[str, Tensor], value: Tensor, message: str) -> None:
    with pytest.raises(UserError, match=message):
        hyperseg.import_checkpoint(tensors | {"backbone._bn1.bias": value}, VARIANT)


def test_half_precision_is_taken(tensors: dict[str, Tensor]) -> None:
    halves = {key: value.half() if value.is_floating_point() else value for key, value in tensors.items()}
    model = hyperseg.import_checkpoint(halves, VARIANT)
    assert model.backbone.conv_stem.weight.dtype == torch.float32


def test_the_arch_text_is_a_call_of_literals() -> None:
    """The authors' factory evaluates it; another backbone's text is no call, for their code has no such backbone."""
    for variant in CHECKPOINTS:
        text = hyperseg.export_checkpoint(hyperseg.create_model(variant))["arch"]
        call = ast.parse(text, mode="eval").body
        assert isinstance(call, ast.Call)
        assert ast.literal_eval(call.args[0]).startswith("efficientnet-b")
        options = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        assert options["num_classes"] == CHECKPOINTS[variant]["num_classes"]
        assert options["kernel_sizes"] == list(get_variant(variant).kernels)
    other = hyperseg.create_model(VARIANT, backbone="tf_efficientnet_lite1")
    assert hyperseg.export_checkpoint(other)["arch"] == f"{VARIANT}, backbone tf_efficientnet_lite1, slices released"


def test_a_small_archive_that_fills_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint_file, "MAX_BYTES", 2**24)
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights/data/0", bytes(2**24 + 1))
    assert path.stat().st_size < 2**16
    with pytest.raises(UserError, match=r"weights\.pth' would take 0\.0 GiB of memory"):
        hyperseg.create_model(VARIANT, weights=path)


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


def write_page(path: Path) -> None:
    path.write_text("\n<!DOCTYPE html>\n<html><body>Not found</body></html>")


def write_pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 41000000\n")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (write_page, "is a web page"),
        (write_pointer, "is a Git LFS pointer"),
        (Path.touch, "is empty"),
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
