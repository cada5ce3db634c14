"""This package's kernels for CPUs, in C++, compiled on first use for the machine at hand.

Inference: :mod:`decoder` (patch-wise levels) and :mod:`trunk` (backbone and context head; its blocks in :mod:`block`,
its maps in :mod:`layers`). Training: :mod:`training_norm`, :mod:`training_maps` and :mod:`training_depthwise`.
:mod:`build` compiles, :mod:`libraries` holds the signatures.
"""
