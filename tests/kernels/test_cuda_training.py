"""What trains on a GPU gives a plain network's loss and gradients, shown on the CPU."""

import copy

import pytest
import torch
from reference_fill import image, target

from hyperseg import create_model
from hyperseg.kernels.cuda_training import BatchedGenerator, attach_cuda_training
from hyperseg.training.loss import bootstrapped_cross_entropy


@pytest.mark.parametrize("variant", ["cityscapes_hyperseg_s", "voc_hyperseg_l"])
def test_gradients_equal_the_plain_network(variant: str) -> None:
    torch.manual_seed(0)
    plain = create_model(variant, backbone="tf_efficientnet_lite0", stochastic_depth=0.0, dropout=0.0).double().train()
    attached = copy.deepcopy(plain)
    attach_cuda_training(attached)
    assert list(attached.state_dict()) == list(plain.state_dict())
    assert all(isinstance(generator, BatchedGenerator) for generator in attached.decoder.generators)
    losses = []
    for model in (plain, attached):
        loss = bootstrapped_cross_entropy(model(image(128, 128, batch=2).double()), target(model.num_classes, 128, 128))
        loss.backward()  # type: ignore[no-untyped-call]
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
    for (name, ours), theirs in zip(attached.named_parameters(), plain.parameters(), strict=True):
        if theirs.grad is not None:
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-7, atol=1e-10, msg=lambda m, n=name: f"{n}: {m}")
