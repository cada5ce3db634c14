"""The C++ libraries with their functions' signatures, and the structures they take, field by field."""

import ctypes
import warnings
from functools import cache

from hyperseg.errors import UserError
from hyperseg.kernels.native.build import build, compiler

_POINTER, _NUMBER = ctypes.c_void_p, ctypes.c_int64


def _fields(kind: type, names: str) -> list[tuple[str, type]]:
    return [(name, kind) for name in names.split()]


class Layer(ctypes.Structure):
    """``PatchwiseLayer`` of ``decoder.cpp``."""

    _fields_ = (
        *_fields(_NUMBER, "batch cells_y cells_x patch_h patch_w"),
        ("signal", _POINTER),
        ("signal_stride", _NUMBER * 4),
        ("generator", _POINTER),
        *_fields(_NUMBER, "groups group_in group_out first weights coordinates"),
        ("skip", _POINTER),
        ("skip_channels", _NUMBER),
        ("skip_stride", _NUMBER * 4),
        ("below", _POINTER),
        *_fields(_NUMBER, "below_channels expand hidden out residual"),
        *_fields(_POINTER, "bias_expand bias_depthwise bias_project"),
        *((name, ctypes.c_float) for name in ("hidden_high", "out_low", "out_high")),
        ("output", _POINTER),
        ("streamed", _NUMBER),
    )


class Block(ctypes.Structure):
    """``TrunkBlock`` of ``trunk.cpp``."""

    _fields_ = (
        *_fields(_NUMBER, "batch source half activation height width mid"),
        *_fields(_POINTER, "x x_half"),
        *_fields(_NUMBER, "inputs image_h image_w stem_kernel stem_stride stem_before"),
        ("scale", ctypes.c_float * 3),
        ("shift", ctypes.c_float * 3),
        *_fields(_POINTER, "expand expand_bias"),
        *_fields(_NUMBER, "kernel stride before out_h out_w"),
        *_fields(_POINTER, "depthwise depthwise_bias"),
        *_fields(_NUMBER, "squeezed"),
        *_fields(_POINTER, "squeeze squeeze_bias excite excite_bias project project_bias"),
        *_fields(_NUMBER, "outputs out_blocks residual"),
        *_fields(_POINTER, "scaled mixed partial"),
        *_fields(_NUMBER, "band"),
        *_fields(_POINTER, "y y_half"),
    )


class Pointwise(ctypes.Structure):
    """``TrunkPointwise`` of ``trunk.cpp``."""

    _fields_ = (
        *_fields(_NUMBER, "pixels inputs outputs out_blocks half activation"),
        *_fields(_POINTER, "x x_half weights bias y y_half"),
    )


@cache
def decoder_library() -> ctypes.CDLL:
    """The kernels of the decoder's inference, ``decoder.cpp``. Raises :class:`UserError` as :func:`build`."""
    loaded = build("decoder.cpp")
    loaded.hyperseg_patchwise.argtypes = (ctypes.POINTER(Layer), ctypes.c_int)
    loaded.hyperseg_patchwise.restype = None
    loaded.hyperseg_upsample2.argtypes = (
        ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int
    )  # fmt: skip
    loaded.hyperseg_upsample2.restype = None
    return loaded


def training_available() -> bool:
    """Whether training may use this package's kernels; where they do not compile, a warning says so once."""
    return compiler() is not None and _training_builds()


@cache
def _training_builds() -> bool:
    try:
        training_library()
    except UserError as error:
        warnings.warn(f"{error}; PyTorch's own operators train instead, more slowly", stacklevel=2)
        return False
    return True


@cache
def training_library() -> ctypes.CDLL:
    """The kernels of a training step, ``training.cpp``. Raises :class:`UserError` as :func:`build`."""
    loaded = build("training.cpp")
    half_and_threads = (ctypes.c_int, ctypes.c_int)
    for operator, maps in ((loaded.hyperseg_depthwise, 3), (loaded.hyperseg_depthwise_backward, 5)):
        operator.argtypes = (*(_POINTER,) * maps, *(_NUMBER,) * 3, *half_and_threads)
        operator.restype = None
    for operator, pointers in ((loaded.hyperseg_norm, 9), (loaded.hyperseg_norm_backward, 10)):
        operator.argtypes = (_POINTER,) * pointers
        operator.restype = None
    for operator, maps in ((loaded.hyperseg_maps, 3), (loaded.hyperseg_maps_backward, 5)):
        operator.argtypes = (_NUMBER * 8, _NUMBER, *(_POINTER,) * maps, *half_and_threads)
        operator.restype = None
    for operator, numbers, maps in (
        (loaded.hyperseg_gate_sums, 3, 3),
        (loaded.hyperseg_gate_maps, 3, 4),
        (loaded.hyperseg_upsample2_backward, 3, 2),
        (loaded.hyperseg_split, 0, 3),
        (loaded.hyperseg_split_backward, 0, 3),
    ):
        operator.argtypes = (*(_NUMBER,) * numbers, *(_POINTER,) * maps, *half_and_threads)
        operator.restype = None
    return loaded


@cache
def trunk_library() -> ctypes.CDLL:
    """The kernels of the trunk's inference. Raises :class:`UserError` as :func:`build`."""
    loaded = build("trunk.cpp")
    loaded.hyperseg_trunk_block.argtypes = (ctypes.POINTER(Block), ctypes.c_int)
    loaded.hyperseg_trunk_block.restype = None
    loaded.hyperseg_trunk_pointwise.argtypes = (ctypes.POINTER(Pointwise), ctypes.c_int)
    loaded.hyperseg_trunk_pointwise.restype = None
    loaded.hyperseg_trunk_has_half.argtypes = ()
    loaded.hyperseg_trunk_has_half.restype = ctypes.c_int
    return loaded
