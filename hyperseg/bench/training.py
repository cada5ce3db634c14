"""A training step beside the authors': forward, loss, backward and Adam, on the same weights and batch."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from hyperseg.bench.networks import ours, theirs
from hyperseg.bench.setting import Setting
from hyperseg.bench.turns import Contender, as_turns, contest
from hyperseg.data.description import IGNORED
from hyperseg.kernels.graphs import capture, run_beside
from hyperseg.kernels.training import attach
from hyperseg.latency.authors import load_bootstrapped_loss, silence_randomness
from hyperseg.latency.random_weights import SEED
from hyperseg.records.bench import BenchTraining
from hyperseg.training.captured import WARM_UP
from hyperseg.training.loss import bootstrapped_cross_entropy, cross_entropy

Loss = Callable[[Tensor, Tensor], Tensor]


def measure(variant: str, setting: Setting) -> BenchTraining:
    """Times and ratio of a step, and the loss of both at the first one."""
    assert setting.authors is not None
    device, side, batch = setting.device, setting.train_size, setting.train_batch
    network = ours(variant)
    authors = theirs(setting.authors, network)
    attach(network, device)
    silence_randomness(authors)
    voc = network.variant.decoder == "voc"
    losses: dict[str, Loss] = {
        "authors": nn.CrossEntropyLoss(ignore_index=IGNORED) if voc else load_bootstrapped_loss(setting.authors),
        "ours": cross_entropy if voc else bootstrapped_cross_entropy,
    }
    generator = torch.Generator().manual_seed(SEED)
    images = torch.randn(batch, 3, side, side, generator=generator).to(device)
    labels = torch.randint(0, network.num_classes, (batch, side, side), generator=generator).to(device)
    first: dict[str, float] = {}
    contenders = []
    models = {"authors": authors, "ours": network, "ours/bfloat16": copy.deepcopy(network)}
    for name, model in models.items():
        own, precision = name.partition("/")[0], name.partition("/")[2] or "float32"
        step = _step(model.train().to(device), losses[own], images, labels, own == "ours", precision)
        first[name] = float(step())
        run = _captured(step, torch.device(device)) if own == "ours" and device == "cuda" else step
        contenders.append(Contender(name, _waiting(run)))
    turns = as_turns(contest(contenders, setting, warm_up=1), (batch, side, side))
    return BenchTraining(**dict(turns), first_loss=first["ours"], first_loss_authors=first["authors"])


def _waiting(step: Callable[[], Tensor]) -> Callable[[], float]:
    """The step, followed by a wait for its loss."""
    return lambda: float(step())


def _step(
    network: nn.Module, loss: Loss, images: Tensor, labels: Tensor, ours: bool, precision: str
) -> Callable[[], Tensor]:
    """A step as each trains: ours in channels-last memory on a GPU and with PyTorch's fused Adam, theirs with its Adam
    as it comes: `fused` False would also turn off its one kernel for many tensors, which is the default on a GPU."""
    if ours and images.is_cuda:
        network = network.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    captured = ours and images.is_cuda
    fused = True if ours else None
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, betas=(0.5, 0.999), fused=fused, capturable=captured)

    def step() -> Tensor:
        optimizer.zero_grad()
        with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            logits = network(images)
        value = loss(logits.float(), labels)
        value.backward()
        optimizer.step()
        return value.detach()

    return step


def _captured(step: Callable[[], Tensor], device: torch.device) -> Callable[[], Tensor]:
    """The step as a CUDA graph, as a training on a GPU runs it."""
    run_beside(step, device, WARM_UP)
    return capture(step, device)
