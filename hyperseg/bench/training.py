"""A training step beside the authors': forward, loss, backward and Adam, on the same weights and batch."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from hyperseg.bench.networks import ours, theirs
from hyperseg.bench.setting import Setting
from hyperseg.bench.turns import Contender, as_turns, contest
from hyperseg.data.description import IGNORED
from hyperseg.kernels.training import attach
from hyperseg.latency.authors import load_bootstrapped_loss, silence_randomness
from hyperseg.latency.random_weights import SEED
from hyperseg.records.bench import BenchTraining
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
    for name, model in (("authors", authors), ("ours", network)):
        step = _step(model.train().to(device), losses[name], images, labels, fused=name == "ours")
        first[name] = step()
        contenders.append(Contender(name, step))
    turns = as_turns(contest(contenders, setting, warm_up=1), (batch, side, side))
    return BenchTraining(**dict(turns), first_loss=first["ours"], first_loss_authors=first["authors"])


def _step(network: nn.Module, loss: Loss, images: Tensor, labels: Tensor, fused: bool) -> Callable[[], float]:
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, betas=(0.5, 0.999), fused=fused)

    def step() -> float:
        optimizer.zero_grad()
        value = loss(network(images), labels)
        value.backward()
        optimizer.step()
        return float(value.detach())

    return step
