"""What a GPU asks of a pass, shown without one: every tensor on its device, and one graph without breaks."""

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call

from hyperseg import create_model
from hyperseg.kernels.cuda import use_cuda_operators
from hyperseg.kernels.inference import fuse_networks
from hyperseg.latency.stages import Staged
from hyperseg.models.variants import VARIANTS


def on_a_gpu(network: nn.Module, mode: FakeTensorMode, dtype: torch.dtype) -> dict[str, Tensor]:
    """Its parameters and buffers as tensors of a GPU that have a shape and a device but no numbers."""
    found = {}
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        fake = mode.from_tensor(tensor.detach())
        with mode:
            found[name] = fake.to("cuda", dtype if tensor.is_floating_point() else tensor.dtype)
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_inference_stays_on_the_device(variant: str) -> None:
    """In float16, so that a part in float32 is found as well."""
    network, parts = fuse_networks(Staged(create_model(variant).eval(), ["forward", "upsample", "argmax"]))
    use_cuda_operators(parts[0])
    mode = FakeTensorMode()
    state = on_a_gpu(network, mode, torch.float16)
    with mode, torch.no_grad():  # an operator on tensors of two devices, or precisions, raises
        classes = functional_call(network, state, torch.empty(1, 3, 128, 256, device="cuda", dtype=torch.float16))
    assert classes.device.type == "cuda"
    assert classes.shape == (1, 128, 256)


@pytest.mark.parametrize("variant", VARIANTS)
def test_training_stays_on_the_device(variant: str) -> None:
    network = create_model(variant).train()
    mode = FakeTensorMode()
    state = on_a_gpu(network, mode, torch.float32)
    with mode:
        logits = functional_call(network, state, torch.empty(2, 3, 256, 256, device="cuda"))
    assert logits.device.type == "cuda"


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["camvid_hyperseg_s", "voc_hyperseg_l"])
def test_the_compiler_sees_one_graph(variant: str) -> None:
    """A break would run Python between kernels in the engine `compile`, and cost `cudagraph` its fusion there."""
    network, parts = fuse_networks(Staged(create_model(variant).eval(), ["forward", "argmax"]))
    use_cuda_operators(parts[0])
    torch._dynamo.reset()
    image = torch.randn(1, 3, 128, 256)
    with torch.inference_mode():
        compiled = torch.compile(network, backend="eager", fullgraph=True)
        assert (compiled(image) == network(image)).float().mean() > 0.99  # ties aside; a break would have raised
