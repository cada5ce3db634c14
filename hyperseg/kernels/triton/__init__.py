"""Triton kernels of a whole pass on an NVIDIA GPU: image 1, float16 or float32, channels last, no atomics.

``launch`` holds one kernel call with all that it runs on; ``products``, ``depthwise``, ``excite``, ``stem``,
``context``, ``generators``, ``levels``, ``blocks`` and ``upsampling`` hold kernels, each with what prepares
its calls; ``trunk`` and ``decoder`` put them in order, ``network`` makes a module of them. Every size is a constant of
its kernel, every tensor begins at a multiple of 16 bytes, and every sum has a fixed order, so that two runs give the
same bits. On a machine without a GPU the kernels run in Triton's interpreter, where ``TRITON_INTERPRET=1`` was set
before Triton was imported.
"""
