"""A rival as a network of this suite: same input, same output, same ImageNet weights."""

import timm
import torch
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.models.decoder import resize
from hyperseg.models.imagenet import IMAGENET_MEAN, IMAGENET_STD
from hyperseg.models.network import BackboneWeights, check_size
from hyperseg.models.pretrained import imagenet_weights
from hyperseg.rivals.rival import Rival


class RivalNetwork(nn.Module):
    """Image (B, 3, H, W), normalized by ImageNet's mean and deviation, to logits (B, classes, H, W).

    Logits are upsampled bilinearly where the library's network answers at a smaller size. Raises :class:`UserError` for
    a backbone that the library cannot use and for sizes that do not fit.
    """

    def __init__(self, rival: Rival, num_classes: int, backbone: str) -> None:
        super().__init__()
        rival.require()
        self.variant = rival
        self.num_classes = num_classes
        self.backbone_name = backbone if rival.encoder else rival.backbone
        self.backbone_weights: BackboneWeights | None = None
        self.slices = None
        self.source = rival.source
        if rival.encoder and not timm.is_model(backbone.partition(".")[0]):
            raise UserError(f"backbone '{backbone}' is not a timm model; choose one such as tf_efficientnet_b1")
        self.network = rival.build(num_classes, backbone)
        mean, std = _normalization(backbone) if rival.encoder else (IMAGENET_MEAN, IMAGENET_STD)
        scale = torch.tensor(IMAGENET_STD) / torch.tensor(std)
        shift = (torch.tensor(IMAGENET_MEAN) - torch.tensor(mean)) / torch.tensor(std)
        self.register_buffer("input_scale", scale.reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("input_shift", shift.reshape(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        check_size(self.variant, image.shape[-2], image.shape[-1])
        logits: Tensor = self.network(image * self.input_scale + self.input_shift)  # type: ignore[operator]
        return resize(logits, image.shape[-2:])

    def load_imagenet(self) -> None:
        """Load ImageNet weights into the encoder. Raises :class:`UserError` where they cannot be had."""
        if self.variant.encoder is None:
            return
        encoder = self.variant.encoder(self.network)
        state, source = imagenet_weights(self.backbone_name, encoder.blocks)  # type: ignore[arg-type]
        own = encoder.state_dict()
        missing = [name for name in own if name not in state]
        if missing:
            raise UserError(f"the ImageNet weights of {self.backbone_name} lack {missing[0]}; choose another backbone")
        encoder.load_state_dict({name: state[name] for name in own})
        self.backbone_weights = source


def _normalization(backbone: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation that the backbone's ImageNet weights expect."""
    config = timm.get_pretrained_cfg(backbone)
    return (config.mean, config.std) if config else (IMAGENET_MEAN, IMAGENET_STD)
