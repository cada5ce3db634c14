"""The networks against the published implementation, in eval mode."""

import numpy as np
import pytest
import torch
from reference_fill import CHECKPOINTS, MORE, REFERENCE, filled, image, state_dict
from torch import Tensor
from torch.nn import functional as F

import hyperseg
from hyperseg.models import HyperSeg
from hyperseg.models.names import released_names

VARIANTS = list(CHECKPOINTS)


@pytest.fixture(scope="module", params=VARIANTS)
def network(request: pytest.FixtureRequest) -> HyperSeg:
    return hyperseg.import_checkpoint(state_dict(request.param), request.param).eval()


@torch.inference_mode()
def test_fixture_logits_and_features(network: HyperSeg) -> None:
    variant = network.variant.id
    fixture = np.load(REFERENCE / f"{variant}.npz")
    x = image(*CHECKPOINTS[variant]["fixture_hw"])

    features, head = network.backbone(x)
    for i, feature in enumerate((*features, head)):
        np.testing.assert_allclose(feature.mean((2, 3)).squeeze(), fixture[f"feature_{i}_mean"].squeeze(), atol=1e-5)
        corner = feature[..., :2, :2].squeeze()
        np.testing.assert_allclose(corner, fixture[f"feature_{i}_corner"].squeeze(), atol=1e-5)

    logits = network(x)[..., ::4, ::4]
    np.testing.assert_allclose(logits.squeeze(), fixture["logits"].squeeze(), rtol=0, atol=1e-5)


@torch.inference_mode()
def test_other_sizes_and_batches(network: HyperSeg) -> None:
    for case in MORE[network.variant.id]["eval"]:
        model = network
        if case["classes"] is not None:
            blank = hyperseg.create_model(network.variant.id, num_classes=case["classes"])
            names = released_names(blank)
            shapes = {names[name]: tuple(value.shape) for name, value in blank.state_dict().items()}
            model = hyperseg.import_checkpoint(filled(shapes), network.variant.id, num_classes=case["classes"]).eval()
        check(model(image(*case["hw"], batch=case["batch"], seed=7)), case)


@torch.inference_mode()
def test_pyramid_with_flip(network: HyperSeg) -> None:
    unit = network.variant.unit
    x = image(2 * unit, 4 * unit, batch=2, seed=8)
    check(network([x, F.avg_pool2d(x, 2), x[..., : 2 * unit]]), MORE[network.variant.id]["pyramid"])


def check(logits: Tensor, expected: dict) -> None:
    """Against the stored shape, mean, deviation and 29 evenly spaced values."""
    assert list(logits.shape) == expected["shape"]
    flat = logits.double().flatten()
    picks = torch.from_numpy(np.linspace(0, flat.numel() - 1, 29).astype(int))
    np.testing.assert_allclose(flat[picks], expected["values"], rtol=0, atol=1e-5)
    assert flat.mean().item() == pytest.approx(expected["mean"], abs=1e-6)
    assert flat.std().item() == pytest.approx(expected["std"], abs=1e-6)
