"""The structures of ``native_trunk.cpp``, field by field, and its compiled library."""

import ctypes
from functools import cache

from hyperseg.models.native_build import build

_POINTER, _NUMBER = ctypes.c_void_p, ctypes.c_int64


def _fields(kind: type, names: str) -> list[tuple[str, type]]:
    return [(name, kind) for name in names.split()]


class Block(ctypes.Structure):
    """``TrunkBlock``."""

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
    """``TrunkPointwise``."""

    _fields_ = (
        *_fields(_NUMBER, "pixels inputs outputs out_blocks half activation"),
        *_fields(_POINTER, "x x_half weights bias y y_half"),
    )


@cache
def trunk_library() -> ctypes.CDLL:
    """The kernels of the trunk's inference. Raises :class:`UserError` as :func:`build`."""
    return bind_trunk(build("native_trunk.cpp"))


def bind_trunk(loaded: ctypes.CDLL) -> ctypes.CDLL:
    """The same library with its functions' signatures."""
    loaded.hyperseg_trunk_block.argtypes = (ctypes.POINTER(Block), ctypes.c_int)
    loaded.hyperseg_trunk_block.restype = None
    loaded.hyperseg_trunk_pointwise.argtypes = (ctypes.POINTER(Pointwise), ctypes.c_int)
    loaded.hyperseg_trunk_pointwise.restype = None
    loaded.hyperseg_trunk_has_half.argtypes = ()
    loaded.hyperseg_trunk_has_half.restype = ctypes.c_int
    return loaded
