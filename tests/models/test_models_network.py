"""Input sizes, the list of images, both readings of the slices, starting values, export."""

import math

import numpy as np
import pytest
import torch
from reference_fill import CHECKPOINTS, image, state_dict
from torch import nn

import hyperseg
from hyperseg.errors import UserError
from hyperseg.kernels.inference import fuse
from hyperseg.models import check_size, create_model, pad_to_fit
from hyperseg.models.network import class_map
from hyperseg.models.variants import VARIANTS, get_variant

RESTARTING = [v.id for v in VARIANTS.values() if v.released_slices == "restarting"]


def filled_model(variant: str, **options: object) -> hyperseg.models.HyperSeg:
    return hyperseg.import_checkpoint(state_dict(variant), variant, **options).eval()


@pytest.mark.parametrize(
    ("variant", "hw", "nearest"),
    [
        ("camvid_hyperseg_s", (360, 480), "320 x 448 or 384 x 512"),
        ("camvid_hyperseg_s", (64, 64), "resize or pad it to 64 x 128$"),
        ("camvid_hyperseg_s", (20, 300), "resize or pad it to 64 x 320$"),
        ("voc_hyperseg_l", (500, 512), "384 x 512 or 512 x 512"),
        ("voc_hyperseg_l", (1, 1), "resize or pad it to 128 x 128$"),
    ],
)
def test_a_size_that_does_not_fit_names_the_nearest(variant: str, hw: tuple[int, int], nearest: str) -> None:
    model = hyperseg.create_model(variant).eval()
    with pytest.raises(UserError, match=nearest) as refusal:
        model(torch.zeros(1, 3, *hw))
    assert f"{hw[0]} x {hw[1]}" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_sizes_that_fit() -> None:
    for variant in VARIANTS.values():
        for hw in (variant.train_hw, variant.eval_hw, (variant.unit, 2 * variant.unit)):
            check_size(variant, *hw)
    assert not get_variant("cityscapes_hyperseg_m").fits(64, 64)
    assert get_variant("voc_hyperseg_l").fits(128, 128)


def test_padding_makes_a_size_fit() -> None:
    variant = get_variant("camvid_hyperseg_s")
    x = image(360, 480)
    padded = pad_to_fit(variant, x)
    assert padded.shape == (1, 3, 384, 512)
    assert torch.equal(padded[..., :360, :480], x)
    assert padded[..., 360:, :].abs().sum() == 0
    assert pad_to_fit(variant, padded) is padded


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(UserError, match="empty list"):
        hyperseg.create_model("camvid_hyperseg_s")([])


@torch.inference_mode()
@pytest.mark.parametrize(
    ("images", "said"),
    [
        (torch.zeros(3, 128, 128), r"not torch\.float32 \(3, 128, 128\)"),
        (torch.zeros(1, 1, 128, 128), r"\(1, 1, 128, 128\)"),
        (torch.zeros(0, 3, 128, 128), r"\(0, 3, 128, 128\)"),
        (torch.zeros(1, 3, 128, 128, dtype=torch.uint8), r"not torch\.uint8"),
        (np.zeros((1, 3, 128, 128), np.float32), "not a ndarray"),
    ],
)
def test_what_is_no_batch_of_normalized_images_is_refused(images: object, said: str) -> None:
    model = create_model("camvid_hyperseg_s").eval()
    for network in (model, fuse(model)):
        with pytest.raises(UserError, match=said):
            network(images)


def test_a_single_tensor_is_not_flipped_and_a_list_of_one_is() -> None:
    model, x = filled_model("camvid_hyperseg_s"), image(64, 128)
    plain, mirrored = model(x), model(x.flip(-1)).flip(-1)
    assert not torch.equal(plain, mirrored)
    assert torch.equal(model([x]), torch.maximum(plain, mirrored))


@pytest.mark.parametrize("variant", VARIANTS)
@torch.inference_mode()
def test_a_batch_is_as_good_as_one_by_one(variant: str) -> None:
    model, x = filled_model(variant), image(128, 256, batch=2)
    together = model(x)
    for one, logits in zip(x, together, strict=True):
        torch.testing.assert_close(model(one[None])[0], logits, rtol=0, atol=5e-6)


@pytest.mark.parametrize("variant", RESTARTING)
@torch.inference_mode()
def test_the_dead_path_changes_no_bit(variant: str) -> None:
    model, x = filled_model(variant), image(64, 128)
    assert model.context.dead_path
    skipped = model(x)
    model.context.run_all = True
    assert torch.equal(model(x), skipped)
    for parameter in (*model.context.down.parameters(), *model.context.up.parameters()):
        parameter.normal_()
    assert torch.equal(model(x), skipped)


@pytest.mark.parametrize("variant", VARIANTS)
@torch.inference_mode()
def test_described_slices(variant: str) -> None:
    released, described = filled_model(variant), filled_model(variant, slices="described")
    x = image(128, 256)
    same = torch.equal(released(x), described(x))
    assert same == (variant not in RESTARTING)
    assert not getattr(described.context, "dead_path", False)
    assert {k: v.shape for k, v in released.state_dict().items()} == {
        k: v.shape for k, v in described.state_dict().items()
    }


def test_described_slices_give_the_whole_context_head_a_gradient() -> None:
    model = hyperseg.create_model("camvid_hyperseg_s", slices="described").train()
    model(image(64, 128, batch=2)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.context.up.parameters())


def test_weights_from_scratch_are_xavier_normal() -> None:
    torch.manual_seed(0)
    model = hyperseg.create_model("camvid_hyperseg_s")
    checked = 0
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 50_000:
            fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(module.weight)
            assert module.weight.std().item() == pytest.approx((2 / (fan_in + fan_out)) ** 0.5, rel=0.02)
            checked += 1
    assert checked > 20


def test_the_same_seed_gives_the_same_network() -> None:
    first, second = (torch.manual_seed(3) and hyperseg.create_model("voc_hyperseg_l").state_dict() for _ in range(2))
    assert all(torch.equal(first[k], second[k]) for k in first)


def test_stochastic_depth_and_dropout_reach_the_backbone() -> None:
    still = hyperseg.create_model("camvid_hyperseg_s", stochastic_depth=0.0, dropout=0.0).train()
    x = image(64, 128, batch=2)
    with torch.no_grad():
        assert torch.equal(still(x), still(x))
    for options in ({"stochastic_depth": 0.5, "dropout": 0.0}, {"stochastic_depth": 0.0, "dropout": 0.5}):
        moving = hyperseg.create_model("camvid_hyperseg_s", **options).train()
        with torch.no_grad():
            assert not torch.equal(moving(x), moving(x))
    assert hyperseg.create_model("camvid_hyperseg_s").backbone.dropout.p == 0.2
    assert hyperseg.create_model("voc_hyperseg_l").backbone.dropout.p == 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "hyperseg_xl"}, "unknown variant 'hyperseg_xl'; choose one of cityscapes_hyperseg_m"),
        ({"variant": "camvid_hyperseg_s", "num_classes": 0}, "num_classes is 0"),
        ({"variant": "camvid_hyperseg_s", "num_classes": "12"}, "num_classes is '12'; give 1 to 255"),
        ({"variant": "camvid_hyperseg_s", "num_classes": 12.0}, r"num_classes is 12\.0; give 1 to 255"),
        ({"variant": "camvid_hyperseg_s", "dropout": -0.1}, r"dropout is -0\.1; give a number from 0"),
        ({"variant": "camvid_hyperseg_s", "stochastic_depth": math.nan}, "stochastic_depth is nan; give a number"),
        ({"variant": "camvid_hyperseg_s", "weights": torch.nn.Identity()}, "weights is a Identity; give a file's path"),
        ({"variant": "camvid_hyperseg_s", "backbone": ""}, "backbone '' is not a timm model"),
        ({"variant": "camvid_hyperseg_s", "slices": "paper"}, "choose released or described"),
        ({"variant": "camvid_hyperseg_s", "backbone": "vgg_of_old"}, "backbone 'vgg_of_old' is not a timm model"),
        ({"variant": "camvid_hyperseg_s", "backbone": "resnet18"}, "not one of timm's EfficientNets"),
        ({"variant": "camvid_hyperseg_s", "backbone": "tf_efficientnet_b1.none"}, "Invalid pretrained tag"),
    ],
)
def test_wrong_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        hyperseg.create_model(**arguments)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["cityscapes_hyperseg_s", "voc_hyperseg_l"])
@torch.no_grad()
def test_torch_export_gives_the_same_outputs(variant: str) -> None:
    model, x = filled_model(variant), image(*CHECKPOINTS[variant]["fixture_hw"])
    program = torch.export.export(model, (x,))
    torch.testing.assert_close(program.module()(x), model(x), rtol=0, atol=1e-6)


@pytest.mark.slow
def test_the_whole_network_in_training_is_one_graph_for_the_compiler() -> None:
    """Its forms for inference are asked in tests/kernels/test_kernels_on_a_gpu.py."""
    model = hyperseg.create_model("voc_hyperseg_l", stochastic_depth=0.0, dropout=0.0).train()
    x = image(128, 256, batch=2)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), model(x), rtol=0, atol=1e-4)


def test_class_map_is_the_argmax_with_ties_and_nan() -> None:
    logits = torch.randn(2, 5, 7, 9).round()  # rounded: most pixels have a tie
    logits[0, 3, 2] = torch.nan
    assert torch.equal(class_map(logits), logits.argmax(1))
