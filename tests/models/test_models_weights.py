"""Our own weights files."""

import copy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from reference_fill import image, state_dict
from safetensors.torch import save_file

import hyperseg
from hyperseg.errors import UserError
from hyperseg.models import BackboneWeights, HyperSeg, load_weights, read_weights_info, save_weights
from hyperseg.models.weights import HEADER

SOURCE = BackboneWeights("a package 1.0", "file.pth", "0" * 64)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[HyperSeg, Path]:
    torch.manual_seed(0)
    model = hyperseg.create_model(
        "camvid_hyperseg_s", num_classes=11, backbone="tf_efficientnet_lite1", slices="described"
    ).eval()
    model.backbone_weights = SOURCE
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_weights(model, path)
    return model, path


@torch.inference_mode()
def test_the_file_says_which_network_it_is_for(saved: tuple[HyperSeg, Path]) -> None:
    model, path = saved
    again = hyperseg.create_model("camvid_hyperseg_s", weights=path).eval()
    assert (again.num_classes, again.backbone_name, again.slices) == (11, "tf_efficientnet_lite1", "described")
    assert again.backbone_weights == SOURCE
    x = image(64, 128)
    assert torch.equal(model(x), again(x))
    info = read_weights_info(path)
    assert info.variant == "camvid_hyperseg_s"
    assert info.backbone_weights == SOURCE


def test_the_same_tensors_give_the_same_bytes(saved: tuple[HyperSeg, Path], tmp_path: Path) -> None:
    model, path = saved
    for i in range(3):
        save_weights(model, tmp_path / f"{i}.safetensors")
        assert (tmp_path / f"{i}.safetensors").read_bytes() == path.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.safetensors", "1.safetensors", "2.safetensors"]


def test_a_released_checkpoint_survives_our_format(tmp_path: Path) -> None:
    given = state_dict("voc_hyperseg_l")
    save_weights(hyperseg.import_checkpoint(given, "voc_hyperseg_l"), tmp_path / "w.safetensors")
    back = hyperseg.export_checkpoint(hyperseg.create_model("voc_hyperseg_l", tmp_path / "w.safetensors"))
    assert back["state_dict"].keys() == given.keys()
    assert all(torch.equal(back["state_dict"][key], given[key]) for key in given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "camvid_hyperseg_l"}, "is for variant camvid_hyperseg_s, not camvid_hyperseg_l"),
        ({"num_classes": 0}, "num_classes is 0; give 1 to 255"),
        ({"num_classes": 12}, r"another network \(num_classes 11, not 12\)"),
        ({"slices": "released"}, r"another network \(slices described, not released\)"),
        ({"backbone": "tf_efficientnet_b1"}, r"backbone tf_efficientnet_lite1, not tf_efficientnet_b1"),
    ],
)
def test_what_contradicts_the_file_is_refused(saved: tuple[HyperSeg, Path], options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        hyperseg.create_model(**({"variant": "camvid_hyperseg_s", "weights": saved[1]} | options))


def test_an_extension_in_capitals_and_a_folder(saved: tuple[HyperSeg, Path], tmp_path: Path) -> None:
    shutil.copy(saved[1], tmp_path / "WEIGHTS.SAFETENSORS")
    assert hyperseg.create_model("camvid_hyperseg_s", tmp_path / "WEIGHTS.SAFETENSORS").num_classes == 11
    with pytest.raises(UserError, match="is a folder, not a weights file"):
        hyperseg.create_model("camvid_hyperseg_s", tmp_path)


def test_tensors_that_do_not_fit_are_named(saved: tuple[HyperSeg, Path], tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file

    model, path = saved
    with safe_open(path, "pt") as file:
        header = file.metadata()
    tensors = load_file(path)
    tensors["backbone.conv_stem.weight"] = torch.zeros(3)
    del tensors["backbone.bn1.bias"]
    save_file(tensors, tmp_path / "w.safetensors", header)
    with pytest.raises(UserError, match=r"missing backbone\.bn1\.bias, misshapen backbone\.conv_stem\.weight \(3,\)"):
        load_weights(model, tmp_path / "w.safetensors")


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_numbers_that_are_none_are_refused(saved: tuple[HyperSeg, Path], tmp_path: Path, value: float) -> None:
    broken = copy.deepcopy(saved[0])
    with torch.no_grad():
        broken.backbone.bn1.bias[0] = value
    save_weights(broken, tmp_path / "w.safetensors")
    with pytest.raises(UserError, match=r"holds NaN or infinity in backbone\.bn1\.bias"):
        hyperseg.create_model("camvid_hyperseg_s", tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "is a Git LFS pointer"),
        (b'{\n "schema_version": 2,\n "campaign": "demo"}', "is a record, which holds no weights; name the weights"),
        (b"<html><body>Not found</body></html>", "is a web page"),
        (
            '{"variant": "camvid_hyperseg_s", "num_classes": 1000000000, "backbone": "b", "slices": "released", '
            '"backbone_weights": null}',
            "num_classes: it must be at most 255",
        ),
        (b"text, not tensors", "not a readable"),
        ("bare", "does not say"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes | str | None, message: str) -> None:
    path = tmp_path / "w.safetensors"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        save_file({"a": torch.zeros(1)}, path, None if content == "bare" else {HEADER: content})
    with pytest.raises(UserError, match=message):
        hyperseg.create_model("camvid_hyperseg_s", weights=path)


@pytest.mark.parametrize("wrap", [torch.compile, torch.nn.DataParallel])
def test_a_network_inside_another_module_is_not_saved_under_other_names(
    saved: tuple[HyperSeg, Path], tmp_path: Path, wrap: Callable[[HyperSeg], torch.nn.Module]
) -> None:
    with pytest.raises(UserError, match=r"a \w+ has no weights file; save the network of create_model inside"):
        save_weights(wrap(saved[0]), tmp_path / "weights.safetensors")
    assert not list(tmp_path.iterdir())
