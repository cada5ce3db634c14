"""Live peers: networks of other libraries, timed in the same session and protocol as ours.

They carry random weights, which is enough for their time and says nothing of their accuracy. The libraries are the
optional extra `peers`; a peer whose library is not installed is left out and named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from torch import Tensor, nn

from hyperseg.errors import UserError


@dataclass(frozen=True)
class Peer:
    """One network of another library; `build` takes the class count and returns a module from images to logits."""

    id: str
    library: str  # as pip names it
    module: str  # what must be importable
    backbone: str
    build: Callable[[int], nn.Module]

    def missing(self) -> str | None:
        """What is not installed, with the remedy; None where it is there."""
        if find_spec(self.module) is not None:
            return None
        return f"{self.library} is not installed; install hyperseg-bench[peers]"


class Logits(nn.Module):
    """Takes the logits (B, C, h, w) out of what a library's network answers: a mapping, or an object with them."""

    def __init__(self, network: nn.Module, key: str) -> None:
        super().__init__()
        self.network = network
        self.key = key

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images)[self.key]
        return logits


def _smp(peer: str, architecture: str, encoder: str) -> Peer:
    def build(num_classes: int) -> nn.Module:
        import segmentation_models_pytorch as smp

        network: nn.Module = getattr(smp, architecture)(encoder, encoder_weights=None, classes=num_classes)
        return network

    return Peer(peer, "segmentation-models-pytorch", "segmentation_models_pytorch", encoder, build)


def _torchvision(peer: str, function: str, backbone: str) -> Peer:
    def build(num_classes: int) -> nn.Module:
        from torchvision.models import segmentation

        network = getattr(segmentation, function)(weights=None, weights_backbone=None, num_classes=num_classes)
        return Logits(network, "out")

    return Peer(peer, "torchvision", "torchvision", backbone, build)


def _segformer_b0(num_classes: int) -> nn.Module:
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    # The configuration's defaults are SegFormer-B0 (MiT-B0, decoder width 256), so nothing is fetched.
    return Logits(SegformerForSemanticSegmentation(SegformerConfig(num_labels=num_classes)), "logits")


PEERS: dict[str, Peer] = {
    peer.id: peer
    for peer in (
        _smp("unet-efficientnet-b1", "Unet", "efficientnet-b1"),
        _smp("fpn-efficientnet-b1", "FPN", "efficientnet-b1"),
        _smp("deeplabv3plus-efficientnet-b1", "DeepLabV3Plus", "efficientnet-b1"),
        _smp("linknet-resnet18", "Linknet", "resnet18"),
        _smp("pspnet-resnet18", "PSPNet", "resnet18"),
        _smp("pan-efficientnet-b1", "PAN", "efficientnet-b1"),
        _torchvision("lraspp-mobilenet-v3", "lraspp_mobilenet_v3_large", "mobilenet_v3_large"),
        _torchvision("deeplabv3-mobilenet-v3", "deeplabv3_mobilenet_v3_large", "mobilenet_v3_large"),
        Peer("segformer-b0", "transformers", "transformers", "mit_b0", _segformer_b0),
    )
}


def get_peer(peer: str) -> Peer:
    """The peer of that id, if its library is installed; else a :class:`UserError` that says why not."""
    if peer not in PEERS:
        raise UserError(f"unknown peer '{peer}'; choose one of {', '.join(PEERS)}")
    if missing := PEERS[peer].missing():
        raise UserError(f"peer {peer} is left out: {missing}")
    return PEERS[peer]


def select_peers(names: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The peers of those names, and which are left out, with the reason; 'all' stands for every one installed.

    A peer asked for by its name is never left out: what it lacks is a :class:`UserError`.
    """
    chosen: list[str] = []
    left_out: dict[str, str] = {}
    for name in names:
        if name != "all":
            chosen.append(get_peer(name).id)
            continue
        for peer in PEERS.values():
            if missing := peer.missing():
                left_out[peer.id] = missing
            else:
                chosen.append(peer.id)
    return list(dict.fromkeys(chosen)), left_out
