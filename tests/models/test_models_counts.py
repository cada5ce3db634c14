import pytest
import torch
from reference_fill import CHECKPOINTS
from torch import nn

import hyperseg
from hyperseg.models import count_gmacs, count_parameters


@pytest.mark.parametrize("variant", CHECKPOINTS)
def test_counts_equal_the_published_ones(variant: str) -> None:
    expected, model = CHECKPOINTS[variant], hyperseg.create_model(variant)
    before = model.context.training
    assert count_parameters(model) == expected["parameters"]
    assert count_gmacs(model, tuple(expected["native_hw"])) == pytest.approx(expected["gmacs_native"], rel=1e-12)
    assert model.context.training == before
    assert all(parameter.device.type == "cpu" for parameter in model.parameters())


def test_any_network_is_counted() -> None:
    model = nn.Conv2d(3, 8, 3, padding=1, bias=False)
    assert count_parameters(model) == 216
    assert count_gmacs(model, (10, 20)) == pytest.approx(216 * 200 / 1e9)


def test_the_operator_in_place_does_not_change_the_count() -> None:
    model = hyperseg.create_model("camvid_hyperseg_s")
    before = count_gmacs(model, (64, 128))
    for level in model.decoder.levels:
        level.operator = lambda x, weights, shape, norms: torch.zeros(x.shape[0], shape.outputs, *x.shape[2:])
    assert count_gmacs(model, (64, 128)) == before
