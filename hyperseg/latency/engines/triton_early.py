"""Engine ``triton`` with programmatic dependent launch: each kernel is set up while the one before it ends.

The kernels are the same, and so are the bits of the answer. It is an engine of its own until a GPU has shown what it is
worth and that every driver captures such a graph.
"""

from functools import partial

from hyperseg.latency.engines import triton
from hyperseg.latency.engines.engine import Engine

ENGINE = Engine(
    name="triton_early",
    modes=triton.ENGINE.modes,
    prepare=partial(triton.prepare, early=True),
    requires=("triton",),
    preload=("triton",),
    ours_alone=True,
    one_image=True,
    exact=True,
)
