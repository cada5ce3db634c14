"""This package's kernels for CPUs, in C++, compiled on first use for the machine at hand.

Inference: :mod:`decoder` (patch-wise levels) and :mod:`trunk` (backbone and context head; its blocks in :mod:`block`,
its maps in :mod:`layers`). Training: :mod:`training` attaches :mod:`training_layers` and :mod:`training_levels` to a
network; their operators are :mod:`training_norm`, :mod:`training_maps`, :mod:`training_depthwise` and
:mod:`training_patches`. :mod:`build` compiles, :mod:`libraries` holds the signatures.

Of the C++, ``decoder.cpp``, ``trunk.cpp`` and ``training.cpp`` are the libraries; all of it stands on ``vector.h``,
sixteen floats in as many registers as the machine needs.
"""
