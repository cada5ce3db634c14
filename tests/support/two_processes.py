"""What `tests/training/test_parallel.py` runs under torchrun: trainings, and the gradients of one step.

Starting the processes takes far longer than a tiny training, so they are connected once for all of them.
"""

import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from small_training import arguments

from hyperseg.cli.train import command
from hyperseg.models import create_model
from hyperseg.training import setup
from hyperseg.training.loss import bootstrapped_cross_entropy
from hyperseg.training.parallel import Processes, SynchronizedBatchNorm, distribute, processes


def setup_in_float64(*positional: Any, **named: Any) -> setup.Setup:
    """As `hyperseg.training.setup` makes it, with the network in float64."""
    made = setup.make_setup(*positional, **named)
    made.model.double().register_forward_pre_hook(lambda _, images: (images[0].double(),))
    return made


def train(data: Path, out: Path, changes: Mapping[str, str], dtype: str) -> None:
    """`hyperseg train` in a tiny setting, in "float32" or "float64"."""
    with ExitStack() as patches:
        if dtype == "float64":
            patches.enter_context(patch("hyperseg.training.run.make_setup", setup_in_float64))
        command.main(arguments(data, out, **changes), standalone_mode=False)


def gradients(among: Processes, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Loss, gradients and batch statistics of one step on four images, as this process has them after it."""
    torch.manual_seed(0)
    images, labels = torch.randn(4, 3, 128, 128), torch.randint(0, 4, (4, 128, 128))
    model = create_model(
        "camvid_hyperseg_s", num_classes=4, backbone="tf_efficientnet_lite0", stochastic_depth=0.0, dropout=0.0
    )
    model = model.to(dtype).train()
    part = 4 // among.count
    mine = slice(among.rank * part, (among.rank + 1) * part)
    stepped = distribute(model, among)  # held: backward asks it
    with SynchronizedBatchNorm() if among.count > 1 else nullcontext():
        loss = bootstrapped_cross_entropy(stepped(images[mine].to(dtype)), labels[mine])
    loss.backward()
    found = {f"gradient of {name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    statistics = {name: buffer for name, buffer in model.named_buffers() if buffer.is_floating_point()}
    return {"loss": among.mean(loss.detach())} | found | statistics


if __name__ == "__main__":
    data, out, trainings = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    with (
        processes(torch.device("cpu")) as among,
        patch("hyperseg.training.run.processes", lambda device: nullcontext(among)),
    ):
        for dtype in (torch.float64, torch.float32):
            found = gradients(among, dtype)
            if among.writes:
                torch.save(found, out / f"{dtype}.pt")
        for name, (changes, dtype_name) in trainings.items():
            train(data, out / name, changes, dtype_name)
