"""Prepares a network for frames of any size, on the fastest engine of this machine."""

import copy
import time
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from hyperseg.data.reading import Reading
from hyperseg.errors import UserError
from hyperseg.evaluation.predict import network_input
from hyperseg.latency.batch_norm import prepare_batch_norm
from hyperseg.latency.devices import free_memory
from hyperseg.latency.engines import Target, engine_table, get_engine
from hyperseg.latency.engines.engine import Run
from hyperseg.latency.roofline import count_work
from hyperseg.latency.stages import Staged
from hyperseg.models.decoder import resize
from hyperseg.models.network import HyperSeg, class_map, pad_to_fit

# Only used when named: they compile for long at every new size, or no GPU has run them yet.
BY_NAME_ALONE = frozenset({"compile", "cudagraph", "onnxruntime", "openvino", "openvino_native", "triton_early"})
LARGE = 16 << 20  # frames of at least so many pixels are checked for memory first
ROUNDS = 3  # runs of a candidate; the fastest counts
SIZES = 8  # input sizes that an engine is kept ready for

Fit = Literal["resize", "pad"]


@dataclass
class Segmenter:
    """Predicts classes; `fit` is how a frame gets a size that the network takes.

    "resize": to `input_hw`, the aspect ratio not kept. "pad": at its own size, zeros at the right and below.
    """

    model: HyperSeg
    device: torch.device
    input_hw: tuple[int, int]
    fit: Fit = "resize"
    engine: str = "auto"
    classes: int | None = None  # the first so many outputs compete; None: all
    few: bool = False  # comparing engines would cost more than it saves
    network_s: list[float] = field(default_factory=list)  # per frame, forward pass alone
    timings_ms: dict[str, float] = field(default_factory=dict)  # of the engines that were compared
    prepare_s: float = 0.0
    _ready: dict[tuple[int, int], Run] = field(default_factory=dict)

    def __post_init__(self) -> None:
        torch.backends.cudnn.allow_tf32 = False  # a GPU's engines are compared, and answer, in float32

    @torch.inference_mode()
    def predict(self, image: np.ndarray) -> np.ndarray:
        """Class indices uint8 (H, W) of a frame uint8 (H, W, 3), at its own size.

        Raises :class:`UserError` where a large frame that is padded needs more memory than is free.
        """
        hw = image.shape[0], image.shape[1]
        if self.fit == "pad" and hw[0] * hw[1] > LARGE:
            self._check_memory(*hw)
        reading = Reading(void="ignore", geometry=self.fit, normalization="imagenet")
        if self.fit == "resize":
            images = network_input(image, reading, self.input_hw)
        else:
            images = pad_to_fit(self.model.variant, network_input(image, reading, hw))
        images = images.contiguous().to(self.device)
        run = self._run_for(images)
        started = time.perf_counter()
        logits = run(images)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        self.network_s.append(time.perf_counter() - started)
        logits = logits[:, : self.classes].float()
        if self.fit == "pad":
            logits = logits[..., : hw[0], : hw[1]]
        return class_map(resize(logits, hw))[0].to(torch.uint8).cpu().numpy()

    def _check_memory(self, height: int, width: int) -> None:
        """Refuse by the largest operator alone, a lower bound: beyond it the system may kill any process."""
        network = copy.deepcopy(self.model).cpu()
        per_pixel = count_work(network, 1, 512, 512).largest_operator_bytes / 512**2
        needed = per_pixel * height * width
        free = torch.cuda.mem_get_info(self.device)[0] if self.device.type == "cuda" else free_memory()
        if needed > free:
            raise UserError(
                f"a frame of {width} x {height} pixels at its own size needs at least {needed / 2**30:.1f} GiB on "
                f"{self.device.type}, where {free / 2**30:.1f} GiB are free; leave --fit pad out or cut it into parts"
            )

    def _run_for(self, images: Tensor) -> Run:
        size = images.shape[-2], images.shape[-1]
        if size not in self._ready:
            started = time.perf_counter()
            if self.engine == "auto":
                self.engine = "eager" if self.few else self._fastest(images)
            if len(self._ready) == SIZES:
                self._ready.pop(next(iter(self._ready)))
            self._ready[size] = self.model.eval() if self.few else self._prepare(self.engine, images)
            self.prepare_s += time.perf_counter() - started
        return self._ready[size]

    def _prepare(self, engine: str, images: Tensor) -> Run:
        network = copy.deepcopy(self.model).eval().requires_grad_(False)
        prepare_batch_norm(network, "folded", images)
        target = Target(self.device.type, "float32", torch.get_num_threads(), tf32=False)
        run = get_engine(engine, self.device.type, "float32").prepare(Staged(network, ()).eval(), images, target)
        run(images)  # a compiler works at the first call
        return run

    def _fastest(self, images: Tensor) -> str:
        """The engine with the fastest run on this input, of those that are ready within seconds."""
        for name, engine in engine_table().items():
            if name in BY_NAME_ALONE or engine.missing() or not engine.runs(self.device.type, "float32"):
                continue
            try:
                run = self._prepare(name, images)
            except UserError:  # something is missing on this machine; only an engine named by the user raises
                continue
            self.timings_ms[name] = 1000 * min(self._time(run, images) for _ in range(ROUNDS))
        return min(self.timings_ms, key=lambda name: self.timings_ms[name])

    def _time(self, run: Run, images: Tensor) -> float:
        started = time.perf_counter()
        run(images)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter() - started
