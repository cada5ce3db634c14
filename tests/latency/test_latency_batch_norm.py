"""The three readings of batch norms, on a network whose norms all matter."""

import pytest
import torch
from torch import Tensor, nn

from hyperseg.latency.batch_norm import prepare_batch_norm


class Small(nn.Module):
    """Convolutions and norms written as no container shows them: by attributes and in forward's order."""

    def __init__(self, read_twice: bool = False) -> None:
        super().__init__()
        self.norm_b = nn.BatchNorm2d(8)
        self.norm_a = nn.BatchNorm2d(4)
        self.a = nn.Conv2d(3, 4, 3, padding=1)
        self.b = nn.Conv2d(4, 8, 1, bias=False)
        self.free_norm = nn.BatchNorm2d(8)
        self.read_twice = read_twice
        with torch.no_grad():
            for norm in (self.norm_a, self.norm_b, self.free_norm):
                assert norm.running_mean is not None
                assert norm.running_var is not None
                norm.running_mean.normal_()
                norm.running_var.uniform_(0.5, 2)
                norm.weight.uniform_(0.5, 2)
                norm.bias.normal_()

    def forward(self, x: Tensor) -> Tensor:
        convolved = self.a(x)
        y = torch.relu(self.norm_a(convolved))
        if self.read_twice:
            y = y + convolved
        y = torch.relu(self.norm_b(self.b(y)))
        return self.free_norm(y)


@pytest.fixture
def example() -> Tensor:
    return torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def test_folding_keeps_the_outputs_and_leaves_what_follows_no_convolution(example: Tensor) -> None:
    network = Small().eval()
    with torch.inference_mode():
        plain = network(example)
        left = prepare_batch_norm(network, "folded", example)
        assert torch.allclose(network(example), plain, atol=1e-5)
    assert left == 1


def test_a_convolution_that_is_read_twice_cannot_be_folded_unnoticed(example: Tensor) -> None:
    with pytest.raises(RuntimeError, match="folding the batch norms changed the output"):
        prepare_batch_norm(Small(read_twice=True).eval(), "folded", example)


def test_deleting_takes_every_norm_away(example: Tensor) -> None:
    network = Small().eval()
    with torch.inference_mode():
        left = prepare_batch_norm(network, "deleted", example)
        expected = torch.relu(network.b(torch.relu(network.a(example))))
        assert torch.equal(network(example), expected)
    assert left == 0


def test_keeping_changes_nothing(example: Tensor) -> None:
    network = Small().eval()
    with torch.inference_mode():
        plain = network(example)
        left = prepare_batch_norm(network, "kept", example)
        assert torch.equal(network(example), plain)
    assert left == 3


def test_timms_norm_keeps_its_activation_when_it_goes(example: Tensor) -> None:
    from timm.layers import BatchNormAct2d

    network = nn.Sequential(nn.Conv2d(3, 4, 1), BatchNormAct2d(4)).eval()
    with torch.inference_mode():
        plain = network(example)
        prepare_batch_norm(network, "folded", example)
        assert torch.allclose(network(example), plain, atol=1e-5)
        assert network(example).min() == 0  # ReLU
