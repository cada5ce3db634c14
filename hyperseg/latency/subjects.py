"""What is timed: one of our variants, or a peer of another library. A spec is data; `build` makes the network.

Random weights are the same in every process, so that an engine's answer can be compared with a network built anew.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from hyperseg.files import sha256_file
from hyperseg.latency.random_weights import SEED, randomize
from hyperseg.records.network import network_ref
from hyperseg.records.schema import NetworkRef
from hyperseg.strict import StrictModel

if TYPE_CHECKING:
    from torch import nn


class VariantSpec(StrictModel):
    """One of this package's variants or ablations, or a rival that it trains."""

    kind: Literal["variant"] = "variant"
    variant: str
    weights: Path | None = None
    backbone: str | None = None
    num_classes: int | None = None
    slices: Literal["released", "described"] | None = None

    @property
    def title(self) -> str:
        return self.variant

    def build(self) -> "nn.Module":
        """The network on the CPU, in eval mode, float32."""
        import torch

        from hyperseg.models import HyperSeg
        from hyperseg.networks import create_network

        torch.manual_seed(SEED)
        options: dict[str, Any] = {} if self.slices is None else {"slices": self.slices}
        network = create_network(
            self.variant, weights=self.weights, num_classes=self.num_classes, backbone=self.backbone, **options
        ).eval()
        if self.weights is None and isinstance(network, HyperSeg):
            randomize(network)
        return network

    def describe(self, network: "nn.Module", hw: tuple[int, int]) -> NetworkRef:
        """The record's account of the network that `build` made, its arithmetic at input size `hw`."""
        from hyperseg.models import count_gmacs

        sha256 = None if self.weights is None else sha256_file(self.weights)
        return network_ref(network, weights_sha256=sha256, gmacs=count_gmacs(network, hw))


class PeerSpec(StrictModel):
    """A network of another library, with random weights: for its time alone."""

    kind: Literal["peer"] = "peer"
    peer: str
    num_classes: int

    @property
    def title(self) -> str:
        return self.peer

    def build(self) -> "nn.Module":
        """The network on the CPU, in eval mode, float32, returning logits."""
        import torch

        from hyperseg.latency.peers import get_peer

        torch.manual_seed(SEED)
        return get_peer(self.peer).build(self.num_classes).eval()

    def describe(self, network: "nn.Module", hw: tuple[int, int]) -> NetworkRef:
        """The record's account of the network that `build` made, its arithmetic at input size `hw`."""
        from hyperseg.latency.peers import get_peer
        from hyperseg.models import count_gmacs, count_parameters

        peer = get_peer(self.peer)
        return NetworkRef(
            id=f"{peer.library}/{peer.id}",
            source=peer.library,
            num_classes=self.num_classes,
            backbone=peer.backbone,
            backbone_weights=None,
            slices=None,
            weights_sha256=None,
            parameters=count_parameters(network),
            gmacs=count_gmacs(network, hw),
        )


class AuthorsSpec(StrictModel):
    """The authors' own network of a variant, from a checkout of their repository, with random weights."""

    kind: Literal["authors"] = "authors"
    checkout: Path
    variant: str

    @property
    def title(self) -> str:
        return f"authors/{self.variant}"

    def build(self) -> "nn.Module":
        """The network on the CPU, in eval mode, float32, returning logits."""
        import torch

        from hyperseg.latency.authors import load_network

        torch.manual_seed(SEED)
        return load_network(self.checkout, self.variant).eval()

    def describe(self, network: "nn.Module", hw: tuple[int, int]) -> NetworkRef:
        """The record's account of the network that `build` made, its arithmetic at input size `hw`."""
        from hyperseg.latency.authors import backbone_name
        from hyperseg.models import count_gmacs, count_parameters
        from hyperseg.models.variants import get_variant

        return NetworkRef(
            id=self.variant,
            source="authors",
            num_classes=get_variant(self.variant).num_classes,
            backbone=backbone_name(self.variant),
            backbone_weights=None,
            slices="released",
            weights_sha256=None,
            parameters=count_parameters(network),
            gmacs=count_gmacs(network, hw),
        )


# A further kind of network is one more class with `kind`, `title`, `build` and `describe`, and one more name here;
# everything else goes by this union.
Subject = Annotated[VariantSpec | PeerSpec | AuthorsSpec, Field(discriminator="kind")]
