"""The decoder on a CPU as one C++ pass per patch (``decoder.cpp``), compiled on first use for the machine at hand.

The fused decoder's levels run with their intermediate values in the cache of one core. What the torch operators of
:mod:`hyperseg.models.patchwise` write to memory in between (coordinates, concatenation, upsampled maps, weights of all
patches, patches with halo, two hidden maps) never exists here. Float32, inference alone. Needs GCC or Clang.
"""

import ctypes
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hyperseg.kernels.inference import FusedHyperSeg, Shift
from hyperseg.kernels.native.libraries import Layer, decoder_library
from hyperseg.models.decoder import Decoder, Level, WeightGenerator

_VECTOR = 16  # floats; ``kLanes`` of the source
_SLACK = 32  # floats before and after a map, which the kernels may read
_INFINITY = float("inf")


class Memory:
    """Maps that are used again at every call: a fresh one costs more to be given by the system than to be filled."""

    def __init__(self) -> None:
        self.maps: dict[bool, Tensor] = {}

    def take(self, shape: Sequence[int], last: bool = True) -> Tensor:
        """The map of ``shape``, one for the last answer of an operator and one for what lies between."""
        found = self.maps.get(last)
        if found is None or found.shape != tuple(shape):
            count = math.prod(shape)
            room = torch.zeros(count + 2 * _SLACK, dtype=torch.float32, device="cpu")
            found = self.maps[last] = room[_SLACK:-_SLACK].view(*shape)
        return found


class NativeLevel:
    """One fused level, ready to run."""

    def __init__(self, level: Level, generator: WeightGenerator, place: int, last: bool, coordinates: bool) -> None:
        shape = generator.shape
        self.shape = level.shape
        self.coordinates = coordinates
        self.last = last
        self.begin, self.end = shape.begin, shape.end
        self.first = sum(shape.counts[:place])
        group_in, group_out = (shape.end - shape.begin) // shape.groups, shape.outputs // shape.groups
        matrices = generator.weight.detach().float().reshape(shape.groups, group_out, group_in).transpose(1, 2)
        self.generator = nn.functional.pad(matrices, (0, -group_out % _VECTOR)).contiguous()
        self.group_out = group_out
        self.memory = Memory()
        self.shifts = [norm.shift.float().contiguous() for norm in level.norms if isinstance(norm, Shift)]

    def __call__(self, signal: Tensor, skip: Tensor, below: Tensor | None) -> Tensor:
        """Signal (B, S, gh, gw), skip (B, C, H, W) of any strides, the level below (B, D, H / 2, W / 2), contiguous."""
        shape = self.shape
        if shape.kind == "conv":
            return self._run(signal, skip, below, out=shape.outputs, project=0, out_low=0.0)
        if shape.kind == "block":
            residual = shape.inputs == shape.outputs
            return self._run(
                signal, skip, below, out=shape.outputs, hidden=shape.hidden, expand=0, depthwise=1, project=2,
                residual=residual,
            )  # fmt: skip
        assert shape.inputs != shape.outputs, "no published level of this form has a residual sum"
        expansion = shape.hidden * shape.inputs
        hidden = self._run(
            signal, skip, below, out=shape.hidden, project=0, out_low=0.0, out_high=6.0, weights=expansion
        )
        return self._run(
            signal, hidden, None, out=shape.outputs, hidden=shape.hidden, depthwise=1, project=2, coordinates=False,
            skipped=expansion, weights=shape.weights - expansion,
        )  # fmt: skip

    def _run(
        self,
        signal: Tensor,
        skip: Tensor,
        below: Tensor | None,
        *,
        out: int,
        project: int,
        hidden: int = 0,
        expand: int | None = None,
        depthwise: int | None = None,
        coordinates: bool = True,
        residual: bool = False,
        out_low: float = -_INFINITY,
        out_high: float = _INFINITY,
        skipped: int = 0,
        weights: int | None = None,
    ) -> Tensor:
        batch, channels, height, width = skip.shape
        rows, columns = signal.shape[-2:]
        part = signal[:, self.begin : self.end]
        output = self.memory.take((batch, out, height, width), last=project == 2 or self.shape.kind == "conv")
        layer = Layer(
            batch=batch, cells_y=rows, cells_x=columns, patch_h=height // rows, patch_w=width // columns,
            signal=part.data_ptr(), signal_stride=part.stride(),
            generator=self.generator.data_ptr(),
            groups=self.generator.shape[0], group_in=self.generator.shape[1], group_out=self.group_out,
            first=self.first + skipped, weights=self.shape.weights if weights is None else weights,
            coordinates=int(coordinates and self.coordinates),
            skip=skip.data_ptr(), skip_channels=channels, skip_stride=skip.stride(),
            below=None if below is None else below.data_ptr(),
            below_channels=0 if below is None else below.shape[1],
            expand=int(expand is not None), hidden=hidden, out=out, residual=int(residual),
            bias_expand=None if expand is None else self.shifts[expand].data_ptr(),
            bias_depthwise=None if depthwise is None else self.shifts[depthwise].data_ptr(),
            bias_project=self.shifts[project].data_ptr(),
            hidden_high=6.0, out_low=out_low, out_high=out_high,
            output=output.data_ptr(), streamed=int(self.last and project == 2),
        )  # fmt: skip
        decoder_library().hyperseg_patchwise(ctypes.byref(layer), torch.get_num_threads())
        return output


class NativeDecoder(nn.Module):
    """In place of a fused network's decoder: ``fused.decoder = NativeDecoder(fused)``.

    Takes skips (B, C_i, H_i, W_i), deepest first, and the signal, on the CPU, of any strides and floating type, and
    gives float32 logits at the image's size, whose memory is overwritten by the next call. Raises :class:`UserError`
    where it cannot be built.
    """

    def __init__(self, fused: FusedHyperSeg) -> None:
        super().__init__()
        assert isinstance(fused.decoder, Decoder)
        decoder_library()
        self.memory = Memory()
        self.pool = fused.decoder.pool
        self.levels: list[NativeLevel] = []
        for generator in fused.decoder.generators:
            assert isinstance(generator, WeightGenerator)
            for place in range(len(generator.shape.counts)):
                index = len(self.levels)
                level = fused.decoder.levels[index]
                assert isinstance(level, Level)
                last = index == len(fused.decoder.levels) - 1
                self.levels.append(NativeLevel(level, generator, place, last, fused.decoder.coordinates))

    def forward(self, skips: Sequence[Tensor], signal: Tensor) -> Tensor:
        signal = self.pool(signal.float())
        if signal.shape[2:] != skips[0].shape[2:]:  # several cells share their weights: the kernels go cell by cell
            signal = nn.functional.interpolate(signal, skips[0].shape[2:], mode="nearest")
        x: Tensor | None = None
        for level, skip in zip(self.levels, skips, strict=True):
            x = level(signal, skip.float().resolve_neg(), x)  # a negated view's memory holds the other sign
        assert x is not None
        # The last level lies at the image's size or at half of it; the signal always lies at /32.
        if 2 * x.shape[-1] != 32 * signal.shape[-1]:
            return x
        return upsample2(x, self.memory.take((*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])))


def upsample2(x: Tensor, out: Tensor) -> Tensor:
    """Bilinear x2 (``align_corners=False``) of a float32 CPU map (B, C, H, W) into ``out``, both contiguous."""
    batch, channels, height, width = x.shape
    decoder_library().hyperseg_upsample2(
        x.data_ptr(), batch * channels, height, width, out.data_ptr(), torch.get_num_threads()
    )
    return out
