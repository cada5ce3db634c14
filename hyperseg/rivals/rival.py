"""What a rival is: an entry of the table, as data and one function that builds it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hyperseg.errors import UserError
from hyperseg.models.variants import get_variant

if TYPE_CHECKING:
    from torch import nn

RECIPE = "camvid_hyperseg_s"  # a rival trains by this variant's recipe, as a campaign changes it


@dataclass(frozen=True)
class Rival:
    """One network of another library. ``build`` takes the class count and the backbone's timm name.

    It gives a module from images (B, 3, H, W) to logits (B, classes, h, w) of any size, in training mode, all of it at
    random. Where the rival shares the suite's backbones, ``encoder`` finds timm's network in that module.
    """

    id: str
    library: str  # as pip names it
    module: str  # what must be importable
    build: Callable[[int, str], "nn.Module"]
    encoder: Callable[["nn.Module"], "nn.Module"] | None = None  # None: a backbone of its own, without ImageNet weights
    backbone: str = "tf_efficientnet_b1"
    num_classes: int = 12
    dataset: str = "camvid"
    unit: int = 32  # input height and width are multiples of it, in pixels
    recipe: str = RECIPE
    slices: None = None
    ablation_of: None = None

    @property
    def eval_hw(self) -> tuple[int, int]:
        """The native input of the variant whose recipe it takes."""
        return get_variant(self.recipe).eval_hw

    @property
    def train_hw(self) -> tuple[int, int]:
        """The crop of the variant whose recipe it takes."""
        return get_variant(self.recipe).train_hw

    def fits(self, height: int, width: int) -> bool:
        """Whether the network runs on an image of that size."""
        return height > 0 and width > 0 and height % self.unit == 0 and width % self.unit == 0

    def require(self) -> None:
        """Raise :class:`UserError` where the library is not installed."""
        if find_spec(self.module) is None:
            raise UserError(f"{self.id} needs {self.library}; install hyperseg-bench[peers]")

    @property
    def source(self) -> str:
        """The library with its version, for records."""
        return f"{self.library} {version(self.library)}"
