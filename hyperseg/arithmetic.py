"""Arithmetic settings: the same for every contender of a process, and kept in the record."""

import os

import torch

from hyperseg.records.measurement import Switches

# Variables of the environment that change speed or rounding, by their prefixes.
_PREFIXES = (
    "OMP_", "KMP_", "GOMP_", "MKL_", "ONEDNN_", "DNNL_", "OPENBLAS_", "MALLOC_", "LD_PRELOAD", "CUDA_", "CUDNN_",
    "CUBLAS", "NVIDIA_TF32_OVERRIDE", "TORCH_", "TORCHINDUCTOR_", "PYTORCH_", "TRITON_", "HYPERSEG_",
)  # fmt: skip
_FOLDERS = ("_DIR", "_PATH", "_HOME", "VISIBLE_DEVICES")  # where things lie, which changes neither


def fix_arithmetic(*, tf32: bool) -> None:
    """Allow TF32 or not for float32 products; cuDNN picks the fastest algorithm in warm-up.

    By default PyTorch lets cuDNN round to TF32.
    """
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True


def switches() -> Switches:
    """The current value of every setting of torch and of the environment that changes speed or rounding."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    found: Switches = {
        "cudnn.benchmark": bool(cudnn.benchmark),
        "cudnn.deterministic": bool(cudnn.deterministic),
        "cudnn.allow_tf32": bool(cudnn.allow_tf32),
        "cuda.matmul.allow_tf32": bool(matmul.allow_tf32),
        "cuda.matmul.allow_fp16_reduced_precision_reduction": str(matmul.allow_fp16_reduced_precision_reduction),
        "cuda.matmul.allow_bf16_reduced_precision_reduction": str(matmul.allow_bf16_reduced_precision_reduction),
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "mkldnn.enabled": bool(torch.backends.mkldnn.enabled),
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
    }
    for name, value in sorted(os.environ.items()):
        if name.startswith(_PREFIXES) and not name.endswith(_FOLDERS):
            found[f"environment {name}"] = value
    return found
