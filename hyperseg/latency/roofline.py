"""Arithmetic and traffic of one forward pass, counted without running it, and the fraction of the device reached."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hyperseg.records.latency import Roofline

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Work:
    """One forward pass of a batch. Bytes are of float32 tensors."""

    gmacs: float
    bytes_moved: int  # every operator reads its inputs and writes its outputs once
    largest_operator_bytes: int  # a lower bound of the memory the pass needs beside the weights
    weight_bytes: int


def count_work(network: "nn.Module", batch: int, height: int, width: int) -> Work:
    """Count on tensors without data: no memory is used and nothing is computed, whatever the size."""
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves
    from torch.utils.flop_counter import FlopCounterMode

    def tensors(tree: Any) -> list[torch.Tensor]:
        return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]

    class Traffic(TorchDispatchMode):
        moved = 0
        largest = 0

        def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
            result = function(*arguments, **(keywords or {}))
            written = tensors(result)
            if written and not _is_view(function):
                moved = sum(t.numel() * t.element_size() for t in (*tensors((arguments, keywords)), *written))
                self.moved += moved
                self.largest = max(self.largest, moved)
            return result

    flops = FlopCounterMode(display=False)
    traffic = Traffic()
    with torch.inference_mode(), FakeTensorMode(allow_non_fake_inputs=True):
        image = torch.empty(batch, 3, height, width)
        with flops, traffic:
            network(image)
    weights = sum(tensor.numel() * tensor.element_size() for tensor in network.parameters())
    return Work(flops.get_total_flops() / 2 / 1e9, traffic.moved, traffic.largest, weights)


def _is_view(operator: Any) -> bool:
    """Whether an operator returns a view of its argument, which moves no memory."""
    aliases = [answer.alias_info for answer in operator._schema.returns if answer.alias_info is not None]
    return bool(aliases) and not any(alias.is_write for alias in aliases)


def roofline(
    work: Work, itemsize: int | None, median_ms: float, peak_gflop_per_s: float, peak_gigabytes_per_s: float
) -> Roofline:
    """The record's account; `itemsize` is the bytes of one number, None for an engine whose traffic is not known."""
    gflop = 2 * work.gmacs
    reached = gflop / (median_ms / 1e3)
    gigabytes = work.bytes_moved * itemsize / 4 / 1e9 if itemsize else None
    intensity = gflop / gigabytes if gigabytes else None
    roof = min(peak_gflop_per_s, intensity * peak_gigabytes_per_s) if intensity else None
    return Roofline(
        gmacs_per_batch=work.gmacs,
        estimated_gigabytes_moved=gigabytes,
        flop_per_byte=intensity,
        peak_gflop_per_s=peak_gflop_per_s,
        peak_gigabytes_per_s=peak_gigabytes_per_s,
        reached_gflop_per_s=reached,
        fraction_of_peak=_fraction(reached, peak_gflop_per_s),
        fraction_of_roof=_fraction(reached, roof),
    )


def _fraction(reached: float, most: float | None) -> float | None:
    """None if the bound is unknown or was exceeded: then it is no bound."""
    return reached / most if most and reached <= most else None
