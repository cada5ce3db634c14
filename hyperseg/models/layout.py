"""How many dynamic weights each decoder level takes, and which signal channels generate them. Imports no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from hyperseg.errors import UserError
from hyperseg.models.variants import Slices, Variant

Kind = Literal["conv", "block", "shared_halo_block"]


@dataclass(frozen=True)
class LevelShape:
    """One decoder level: its operator and channel counts.

    ``conv`` is a patch-wise 1x1 convolution; ``block`` an inverted residual block whose halo is computed
    with the patch's own weights; ``shared_halo_block`` the VOC form, whose halo holds the neighbours' hidden values.
    """

    kind: Kind
    inputs: int  # channels: two coordinates, the skip feature, the previous level's output
    outputs: int
    expansion: int = 2

    @property
    def hidden(self) -> int:
        """Channels between expansion and projection."""
        return self.expansion * self.inputs

    @property
    def weights(self) -> int:
        """Dynamic weights of one patch, in their flat order: see :mod:`hyperseg.models.patchwise`."""
        if self.kind == "conv":
            return self.outputs * self.inputs
        return self.hidden * self.inputs + self.hidden * 9 + self.outputs * self.hidden


@dataclass(frozen=True)
class GeneratorShape:
    """One layer from signal to weights: a grouped 1x1 convolution over the signal channels ``begin`` to ``end``."""

    begin: int
    end: int
    groups: int
    counts: tuple[int, ...]  # weights of each level it serves, deepest first

    @property
    def outputs(self) -> int:
        """Its output channels: all weights it makes, rounded up to a multiple of its groups."""
        return round_up(sum(self.counts), self.groups)


def round_up(value: int, base: int) -> int:
    """The smallest multiple of ``base`` that is at least ``value``."""
    return -(-value // base) * base


def level_shapes(variant: Variant, skips: Sequence[int], num_classes: int) -> tuple[LevelShape, ...]:
    """The decoder's levels, deepest first. ``skips`` are the channels of each level's skip, deepest first."""
    block: Kind = "block" if variant.decoder == "v1" else "shared_halo_block"
    outputs = (*variant.level_channels[:-1], num_classes)
    if variant.decoder == "voc":  # this form's levels are as wide as their skip features
        outputs = (*skips[: len(outputs) - 1], num_classes)
    previous = (0, *outputs)
    coordinates = 2 if variant.coordinates else 0
    return tuple(
        LevelShape("conv" if kernel == 1 else block, coordinates + skip + before, out, variant.expansion)
        for kernel, skip, before, out in zip(variant.kernels, skips, previous, outputs, strict=False)
    )


def generator_shapes(
    variant: Variant, levels: Sequence[LevelShape], signal: int, slices: Slices
) -> tuple[GeneratorShape, ...]:
    """The layers that generate the weights of ``levels`` from ``signal`` channels, deepest level first.

    Weights that are learned once for the data set come from a signal of one channel, the constant 1.
    """
    if variant.weights_per == "dataset":
        return tuple(GeneratorShape(0, 1, 1, (level.weights,)) for level in levels)
    counts: list[tuple[int, ...]] = [(level.weights,) for level in levels]
    if variant.merge_last_levels:
        counts[-2:] = [counts[-2] + counts[-1]]
    groups = variant.signal_groups
    # The VOC form divides the signal by the rounded counts, the later ones by the plain counts.
    shares = [round_up(sum(c), g) if variant.decoder == "voc" else sum(c) for c, g in zip(counts, groups, strict=True)]
    widths = divide_signal(signal, shares, max(groups))
    restarting = slices == "released" and variant.released_slices == "restarting"
    begins = [0 if restarting else sum(widths[:i]) for i in range(len(widths))]
    return tuple(
        GeneratorShape(begin, begin + width, group, count)
        for begin, width, group, count in zip(begins, widths, groups, counts, strict=True)
    )


def divide_signal(channels: int, counts: Sequence[int], unit: int) -> list[int]:
    """Widths of the signal's slices, in proportion to ``counts``, in multiples of ``unit`` channels.

    Equal counts share equally. Every slice gets at least one unit; shares are rounded down, and the set of slices that
    is smallest in total takes what is left. Raises :class:`UserError` where the signal is too narrow for that.
    """
    units, ragged = divmod(channels, unit)
    if ragged or units < len(counts):
        raise UserError(
            f"the backbone's head gives {channels} channels, which cannot be cut into {len(counts)} slices of whole "
            f"multiples of {unit}; choose a backbone with a wider head or another variant"
        )
    order = sorted(range(len(counts)), key=lambda i: counts[i])
    sets = [list(members) for _, members in groupby(order, key=lambda i: counts[i])]
    sets.sort(key=lambda members: counts[members[0]] * len(members), reverse=True)
    left = units - len(counts)
    widths = [unit] * len(counts)
    for members in sets:
        if members is sets[-1]:
            extra = left // len(members)
        else:
            share = counts[members[0]] * len(members) * units / sum(counts)
            extra = min(max(int(share // len(members)) - 1, 0), left // len(members))
        left -= extra * len(members)
        for i in members:
            widths[i] += extra * unit
    return widths
