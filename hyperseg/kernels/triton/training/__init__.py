"""Triton kernels of a training step, each a function of tensors with a gradient of its own.

``batch_norm`` with the activation after it, ``gates`` of squeeze and excitation, ``patches``: the depthwise convolution
of patches, ``doubling``: bilinear upsampling. They take maps in any size, in float32, float16 and bfloat16 (which
Triton's interpreter does not compute), add up in float32 and in a fixed order: two runs give the same bits.
"""
