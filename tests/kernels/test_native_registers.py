"""The kernels give the same where a register holds fewer floats than on this machine: 8 (AVX2), or 4."""

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from hyperseg import accelerate, create_model
from hyperseg.errors import UserError
from hyperseg.kernels.inference import fuse
from hyperseg.kernels.native import libraries
from hyperseg.kernels.native.build import FLAGS, build, compiler
from hyperseg.kernels.native.training import LARGE_BATCH, attach_training
from hyperseg.latency.random_weights import randomize

pytestmark = [
    pytest.mark.slow,  # compiles every library twice
    pytest.mark.skipif(compiler() is None, reason="no C++ compiler is installed"),
    pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="registers of one width on this CPU"),
]
LIBRARIES = (libraries.decoder_library, libraries.trunk_library, libraries.training_library)


def forget_libraries() -> None:
    for library in LIBRARIES:
        library.cache_clear()


@pytest.fixture(params=["haswell", "x86-64"])
def narrow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every library is built for a CPU with narrower registers."""
    info = Path("/proc/cpuinfo")
    if request.param == "haswell" and not (info.is_file() and " avx2 " in info.read_text()):
        pytest.skip("this CPU has no AVX2")
    flags = tuple(f"-march={request.param}" if flag == "-march=native" else flag for flag in FLAGS)
    monkeypatch.setattr(libraries, "build", lambda name: build(name, flags))
    forget_libraries()
    yield
    forget_libraries()


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("variant", ["camvid_hyperseg_s", "voc_hyperseg_l"])
def test_inference_equals_the_plain_network(variant: str) -> None:
    torch.manual_seed(0)
    model = create_model(variant).eval()
    randomize(model)
    image = torch.randn(2, 3, 128, 256)
    with torch.inference_mode():
        plain = model(image)
        assert plain.std() > 0.3
        native = accelerate(model)
        torch.testing.assert_close(native(image), plain, atol=1e-4, rtol=0)
        for got, expected in zip(native.trunk(image), fuse(model).trunk(image), strict=True):
            torch.testing.assert_close(got, expected, atol=2e-5, rtol=0)
    assert not libraries.trunk_library().hyperseg_trunk_has_half()
    with pytest.raises(UserError, match="AMX"):
        accelerate(model, "bfloat16")


@pytest.mark.usefixtures("narrow")
def test_a_training_step_is_this_machines() -> None:
    """The loss and the gradients beside those of the kernels that this machine would build."""
    torch.manual_seed(0)
    model = create_model("camvid_hyperseg_s", stochastic_depth=0.0, dropout=0.0).train()
    attach_training(model)
    images = torch.randn(2, 3, 256, 256).contiguous(memory_format=torch.channels_last)
    assert images[:, 0].numel() >= LARGE_BATCH  # a smaller one would train on PyTorch's operators
    labels = torch.randint(0, 12, (2, 256, 256))

    def step() -> tuple[float, torch.Tensor]:
        model.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
        return loss.item(), torch.cat(gradients)

    loss, gradient = step()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(libraries, "build", build)
        forget_libraries()
        expected, wanted = step()
    assert loss == pytest.approx(expected, abs=1e-5)
    assert F.cosine_similarity(gradient, wanted, dim=0) > 0.9999
