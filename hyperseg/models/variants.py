"""The five published variants and the ablations of one, as data. Imports no torch: the pipeline and the report read it.

Source of every figure: Nirkin, Wolf, Hassner, "HyperSeg", CVPR 2021, and its released checkpoints.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from hyperseg.errors import UserError

MAX_CLASSES = 255  # a label is one byte, and 255 stands for no class
Slices = Literal["released", "described"]


@dataclass(frozen=True)
class Variant:
    """One published network. Sizes are (height, width); channel tuples run from the deepest level up."""

    id: str
    dataset: str  # the dataset it was published on
    num_classes: int
    backbone: str  # timm name
    backbone_dropout: float  # on the map that feeds the context head, in training
    decoder: Literal["v1", "voc"]  # "voc": the earlier form of context head and decoder
    level_channels: tuple[int, ...]  # output channels of each level, deepest first; the last is the class count
    kernels: tuple[int, ...]  # patch-wise kernel of each level, deepest first
    feature_scales: tuple[float, ...]  # channel scale of the features /2, /4, /8, /16, /32: shallowest first
    signal_groups: tuple[int, ...]  # groups of each weight-generating layer, deepest level first
    context_levels: int
    released_slices: Literal["restarting", "consecutive"]  # where the released weights' signal slices begin
    merge_last_levels: bool  # the last two levels' weights come from one mapping layer
    train_hw: tuple[int, int]
    eval_hw: tuple[int, int]
    grid_hw: tuple[tuple[int, int], ...]  # input sizes whose coordinate grids the released checkpoint carries
    # What ablations change; the defaults are the paper's network.
    weights_per: Literal["patch", "image", "dataset"] = "patch"  # one set of decoder weights each; "dataset": learned
    patch_cells: int = 1  # height and width of a patch, in cells of 32 x 32 pixels of the image
    coordinates: bool = True  # whether each level sees x and y
    expansion: int = 2  # hidden over input channels of a level's inverted residual block
    slices: Slices = "released"  # default reading of the signal slices
    ablation_of: str | None = None  # the published variant that this one takes something from

    @property
    def unit(self) -> int:
        """Input height and width must be multiples of this, in pixels."""
        return 32 * max(2 ** (self.context_levels - 1), self.patch_cells)

    def fits(self, height: int, width: int) -> bool:
        """Whether the network runs on an image of that size."""
        whole = height > 0 and width > 0 and height % self.unit == 0 and width % self.unit == 0
        # The published two-level context head fails on a single cell at /64; its three-level form does not.
        return whole and (self.decoder == "voc" or (height, width) != (self.unit, self.unit))


class InputRule(Protocol):
    """The input sizes a network takes: a :class:`Variant`, or a network of another library."""

    @property
    def id(self) -> str: ...

    @property
    def unit(self) -> int: ...

    def fits(self, height: int, width: int) -> bool: ...


_QUARTER = (0.25,) * 5

VARIANTS: dict[str, Variant] = {
    v.id: v
    for v in (
        Variant("cityscapes_hyperseg_m", "cityscapes", 19, "tf_efficientnet_b1", 0.2, "v1",
                (64, 32, 16, 16, 19), (1, 1, 1, 3, 3), (1, 0.25, 0.25, 0.25, 0.25), (32, 16, 8, 16, 4), 2,
                "restarting", False, (512, 1024), (512, 1024), ((512, 512), (512, 1024))),
        Variant("cityscapes_hyperseg_s", "cityscapes", 19, "tf_efficientnet_b1", 0.2, "v1",
                (32, 16, 8, 8, 19), (1, 1, 1, 3, 3), (1, 0.166, 0.2, 0.25, 0.4), (32, 16, 8, 16), 2,
                "consecutive", True, (768, 768), (768, 1536), ((768, 768), (768, 1536))),
        Variant("camvid_hyperseg_s", "camvid", 12, "tf_efficientnet_b1", 0.2, "v1",
                (64, 32, 16, 16, 12), (1, 1, 1, 3, 3), _QUARTER, (64, 32, 32, 16, 8), 2,
                "restarting", False, (576, 576), (576, 768), ((576, 576), (576, 768))),
        Variant("camvid_hyperseg_l", "camvid", 12, "tf_efficientnet_b1", 0.2, "v1",
                (64, 32, 16, 16, 16, 12), (1, 1, 1, 3, 3, 3), _QUARTER, (64, 32, 32, 16, 8, 8), 2,
                "restarting", False, (768, 768), (768, 1024), ((768, 768), (768, 1024))),
        Variant("voc_hyperseg_l", "voc2012", 21, "tf_efficientnet_b3", 0.3, "voc",
                (96, 34, 12, 8, 6, 21), (1, 1, 3, 3, 3, 3), _QUARTER, (16,) * 6, 3,
                "consecutive", False, (512, 512), (512, 512), ()),
    )
}  # fmt: skip


def _ablation(name: str, **changes: Any) -> Variant:
    base = VARIANTS["camvid_hyperseg_s"]
    own = {"id": f"{base.id}_{name}", "ablation_of": base.id, "grid_hw": ()}
    return replace(base, **(own | changes))


# Each takes one thing from HyperSeg-S of CamVid. The depth of the context head needs slices that read all of it.
ABLATIONS: dict[str, Variant] = {
    v.id: v
    for v in (
        _ablation("static", weights_per="dataset"),
        _ablation("image", weights_per="image"),
        _ablation("patch64", patch_cells=2),
        _ablation("patch128", patch_cells=4),
        _ablation("no_coordinates", coordinates=False),
        _ablation("described", slices="described"),
        _ablation("context1", slices="described", context_levels=1),
        _ablation("context3", slices="described", context_levels=3),
        _ablation("expansion1", expansion=1),
        _ablation("expansion4", expansion=4),
        _ablation("no_reduction", feature_scales=(1,) * 5),
    )
}


def get_variant(variant: str) -> Variant:
    """The variant or ablation of that id; a :class:`UserError` names the known ones otherwise."""
    found = VARIANTS.get(variant) or ABLATIONS.get(variant)
    if found is None:
        raise UserError(f"unknown variant '{variant}'; choose one of {', '.join((*VARIANTS, *ABLATIONS))}")
    return found
