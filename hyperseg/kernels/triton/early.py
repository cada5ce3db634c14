"""Programmatic dependent launch: a kernel's programs may start while the kernel before it still runs.

Between two kernels of a CUDA graph a GPU waits until the first has ended, and only then sets up the second. Where both
take a few microseconds, this is a good part of the time. A kernel launched early is set up meanwhile; it then waits
until the one before it has ended and all that this wrote can be read. GPUs of compute capability 9.0 (Hopper) and later
can do so.
"""

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

CAPABILITY = (9, 0)


@triton.jit
def await_previous(EARLY: tl.constexpr) -> None:
    """First in every kernel of a pass: nothing may be read or written before.

    As each kernel waits for the one before, it also waits for all kernels before that one. The next kernel is let in
    only after the wait, so that no more than two are on the GPU at a time.
    """
    if EARLY:
        gdc_wait()
        gdc_launch_dependents()
