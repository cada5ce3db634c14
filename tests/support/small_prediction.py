"""The `hyperseg predict` command, as a user would type it, and videos for it."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from hyperseg.cli.predict import command

VARIANT = "camvid_hyperseg_s"


def film(path: Path, size: int, frames: int, codec: str, pixels: str) -> Path:
    """A black video of `size` x `size` pixels."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=5)
        stream.width, stream.height, stream.pix_fmt = size, size, pixels
        for _ in range(frames):
            frame = av.VideoFrame.from_ndarray(np.zeros((size, size, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def predict(source: object, weights: Path, out: Path, *more: str) -> Result:
    arguments = [str(source), "--weights", str(weights), "--out", str(out), "--threads", "1", *more]
    return CliRunner().invoke(command, arguments, catch_exceptions=False)
