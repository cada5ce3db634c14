"""How a GPU computes, the same for every contender of a process."""

import torch


def fix_arithmetic(*, tf32: bool) -> None:
    """Products of float32 in TF32 or, exactly, not; of a convolution's algorithms the fastest, found in warm-up.

    By default PyTorch lets cuDNN round to TF32.
    """
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
