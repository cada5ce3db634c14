"""Machine code for an H100 or H200, built without a GPU: no spills, no atomics, bounded registers, memory, launches.

And that a kernel which is started early waits before it reads or writes.
"""

import os
from dataclasses import replace
from functools import cache

import pytest
import torch
import triton
from triton.backends.compiler import GPUTarget

from hyperseg import create_model
from hyperseg.kernels.inference import fuse
from hyperseg.kernels.triton.launch import Launch
from hyperseg.kernels.triton.machine import build
from hyperseg.kernels.triton.network import NetworkPlan
from hyperseg.kernels.triton.predict import flop, moved_bytes
from hyperseg.models.variants import VARIANTS

EVERYTHING = os.environ.get("HYPERSEG_TRITON_CASES") == "all"
REGISTERS = {"depthwise": 224, "finish_level": 192, "joined_product": 224}  # of a thread; of other kernels 128
SPILLED = {"conv_level": 16, "depthwise": 8}  # bytes of a thread, in a call of VOC each, depthwise only by Triton 3.6
SHARED_KIB = {"joined_product": 120}  # of few programs, which have a multiprocessor each; of other kernels 100
# Instructions of a program; Triton passes these where it fails to see a size or an alignment.
SIZE = {
    "depthwise": 2500,
    "finish_level": 2500,
    "stem": 2000,
    "product": 2000,
    "joined_product": 3000,
}  # of other kernels 1200


@cache
def launches_of(
    variant: str, dtype: torch.dtype = torch.float16, classes: bool = False, early: bool = False
) -> list[Launch]:
    """At the evaluation size, on no device: a plan there takes no memory."""
    fused = fuse(create_model(variant).eval()).to("meta")
    return NetworkPlan(fused, VARIANTS[variant].eval_hw, dtype, classes, early=early).launches


def largest(launches: list[Launch]) -> list[Launch]:
    """Of each kernel, and each size of a depthwise one, the call that moves most."""
    found: dict[tuple[str, object], Launch] = {}
    for launch in sorted(launches, key=moved_bytes):
        found[launch.kernel.__name__, launch.constants.get("SIZE")] = launch
    return list(found.values())


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("variant", VARIANTS)
def test_launches_of_a_pass(variant: str, dtype: torch.dtype) -> None:
    launches = launches_of(variant, dtype)
    assert len(launches) <= 150
    for launch in launches:
        assert all(tensor.is_contiguous() and tensor.storage_offset() == 0 for tensor in launch.tensors)
    assert sum(map(flop, launches)) > 1e10


CASES = [
    (variant, launch)
    for variant in (VARIANTS if EVERYTHING else ["voc_hyperseg_l"])
    for launch in (
        {la.key(): la for la in launches_of(variant)}.values() if EVERYTHING else largest(launches_of(variant))
    )
]


@pytest.mark.parametrize(("variant", "launch"), CASES, ids=[f"{v}-{la.kernel.__name__}-{la.grid}" for v, la in CASES])
def test_machine_code(variant: str, launch: Launch) -> None:
    code, name = build(launch), launch.kernel.__name__
    assert code.spilled_bytes <= SPILLED.get(name, 0)
    assert code.registers <= REGISTERS.get(name, 128)
    assert code.shared_bytes <= SHARED_KIB.get(name, 100) * 1024
    assert 20 < code.size <= SIZE.get(name, 1200)
    assert code.instructions >= code.size
    assert code.atomics == 0  # the same bits each time
    assert not code.waits  # for what is launched when the kernel before it has ended


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_the_context_head_fits_gpus_with_less_shared_memory(dtype: torch.dtype) -> None:
    """Of compute capability 8.6, 8.9 and 12.0 a program has 99 KiB; what other kernels take is less."""
    heads = [launch for launch in launches_of("voc_hyperseg_l", dtype) if launch.kernel.__name__ == "joined_product"]
    for launch in {launch.key(): launch for launch in heads}.values():
        compiled = triton.compile(launch.source(), target=GPUTarget("cuda", 89, 32), options=launch.options)
        assert compiled.metadata.shared <= 99 * 1024


def early_launches() -> list[Launch]:
    """One call of each kernel of a pass but the first; ``upsample`` is of another variant than the other kernels."""
    found = {}
    for variant, classes in (("camvid_hyperseg_s", False), ("camvid_hyperseg_s", True), ("voc_hyperseg_l", True)):
        first, *others = launches_of(variant, classes=classes, early=True)
        assert not first.early
        found |= {launch.kernel.__name__: launch for launch in others}
    return list(found.values())


@pytest.mark.parametrize("launch", early_launches(), ids=lambda launch: launch.kernel.__name__)
def test_an_early_kernel_waits_for_the_one_before(launch: Launch) -> None:
    assert launch.early
    assert launch.key() != replace(launch, early=False).key()
    assert build(launch).waits
