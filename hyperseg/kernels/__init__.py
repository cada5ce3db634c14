"""Kernels attached to the plain networks of :mod:`hyperseg.models`, which know nothing of them.

Inference: :func:`hyperseg.accelerate` runs a whole network on them. It starts from :mod:`inference`, the fused form
that every engine shares; :mod:`operators` are the decoder's levels for eager mode and for a compiler. Training:
:mod:`training` attaches what the device has. :mod:`native` is C++ for a CPU.
"""
