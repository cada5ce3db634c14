"""The authors' implementation, from a checkout that the user brings: loaded from its folder, never copied or fetched.

Repository YuvalNirkin/hyperseg at commit aedc580. Its package has this package's name, so it is imported apart.
"""

import copy
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hyperseg.errors import UserError
from hyperseg.models.variants import get_variant
from hyperseg.records.provenance import git_state

if TYPE_CHECKING:
    from torch import nn

# The checkout imports them for its data tools; its networks do not need them.
_UNNEEDED = ("ffmpeg", "cv2")


@dataclass(frozen=True)
class Configuration:
    """How the checkout's training configurations build one variant."""

    module: str
    backbone: str
    options: Mapping[str, Any]


_V1 = {"levels": 2, "expand_ratio": 2, "with_out_fc": False, "decoder_dropout": None}
_CONFIGURATIONS = {
    "cityscapes_hyperseg_m": Configuration("hyperseg_v1_0", "efficientnet-b1", {
        **_V1, "out_feat_scale": [1.0, 0.25, 0.25, 0.25, 0.25], "kernel_sizes": [1, 1, 1, 3, 3],
        "level_channels": [64, 32, 16, 16, 16], "weight_groups": [32, 16, 8, 16, 4],
    }),
    "cityscapes_hyperseg_s": Configuration("hyperseg_v1_0_unify", "efficientnet-b1", {
        **_V1, "out_feat_scale": [1.0, 0.166, 0.2, 0.25, 0.4], "kernel_sizes": [1, 1, 1, 3, 3],
        "level_channels": [32, 16, 8, 8, 8], "weight_groups": [32, 16, 8, 16, 4], "unify_level": 4,
    }),
    "camvid_hyperseg_s": Configuration("hyperseg_v1_0", "efficientnet-b1", {
        **_V1, "kernel_sizes": [1, 1, 1, 3, 3], "level_channels": [64, 32, 16, 16, 16],
        "weight_groups": [64, 32, 32, 16, 8],
    }),
    "camvid_hyperseg_l": Configuration("hyperseg_v1_0", "efficientnet-b1", {
        **_V1, "kernel_sizes": [1, 1, 1, 3, 3, 3], "level_channels": [64, 32, 16, 16, 16, 16],
        "weight_groups": [64, 32, 32, 16, 8, 8],
    }),
    "voc_hyperseg_l": Configuration("hyperseg_v0_1", "efficientnet-b3", {
        **_V1, "levels": 3, "kernel_sizes": [1, 1, 3, 3, 3, 3], "weight_groups": 16,
    }),
}  # fmt: skip


def check_checkout(checkout: Path) -> None:
    """Raise :class:`UserError` where the folder is not a checkout of the authors' repository."""
    if not (checkout / "hyperseg" / "models" / "hyperseg_v1_0.py").is_file():
        raise UserError(
            f"{checkout} is not a checkout of the authors' repository; clone YuvalNirkin/hyperseg at aedc580 and give "
            "its folder"
        )


def load_network(checkout: Path, variant: str) -> "nn.Module":
    """The authors' network of that variant with random weights, float32 on the CPU.

    Its coordinate grids are cached for the variant's evaluation size, as its configurations do. Raises
    :class:`UserError` where the folder is not such a checkout.
    """
    configuration = _CONFIGURATIONS[get_variant(variant).id]
    options = copy.deepcopy(dict(configuration.options))  # their code empties the lists it is given
    options["num_classes"] = get_variant(variant).num_classes
    if get_variant(variant).decoder == "v1":
        options["coords_res"] = [get_variant(variant).eval_hw]
    with _package(checkout):
        module = importlib.import_module(f"hyperseg.models.{configuration.module}")
        network: nn.Module = module.hyperseg_efficientnet(configuration.backbone, **options)
    return network


def backbone_name(variant: str) -> str:
    """The backbone of the authors' network of that variant, as this package names it."""
    return _CONFIGURATIONS[get_variant(variant).id].backbone.replace("-", "_")


def checkout_state(checkout: Path) -> tuple[str | None, bool | None]:
    """Commit of the checkout, and whether it was changed; None where it is no git checkout."""
    return git_state(checkout, "--", ".")


def load_bootstrapped_loss(checkout: Path) -> "nn.Module":
    """The authors' bootstrapped cross entropy, label 255 ignored."""
    with _package(checkout):
        module = importlib.import_module("hyperseg.losses.bootstrapped_ce_loss")
        loss: nn.Module = module.BootstrappedCrossEntropyLoss(ignore_index=255)
    return loss


def silence_randomness(network: "nn.Module") -> None:
    """Turn the authors' stochastic depth and dropout off, so that a training step can be compared."""
    backbone: Any = network.backbone
    backbone._global_params = backbone._global_params._replace(drop_connect_rate=0.0)
    backbone._dropout.p = 0.0


@contextmanager
def _package(checkout: Path) -> Iterator[None]:
    """Within, ``import hyperseg`` means the checkout's package; afterwards this one's again."""
    check_checkout(checkout)
    ours = {name: sys.modules.pop(name) for name in _loaded()}
    stand_ins = [name for name in _UNNEEDED if name not in sys.modules and importlib.util.find_spec(name) is None]
    for name in stand_ins:
        sys.modules[name] = ModuleType(name)
    sys.path.insert(0, str(checkout))
    try:
        yield
    except ImportError as error:
        raise UserError(f"the checkout in {checkout} cannot be imported: {error}; install what it names") from None
    finally:
        sys.path.remove(str(checkout))
        for name in [*_loaded(), *stand_ins]:
            sys.modules.pop(name, None)
        sys.modules.update(ours)


def _loaded() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] == "hyperseg"]
