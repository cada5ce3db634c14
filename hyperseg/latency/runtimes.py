"""A torch module on another runtime, as a function of tensors."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    Function = Callable[[Tensor], tuple[Tensor, ...]]


def openvino(module: nn.Module, example: Tensor, precision: str, threads: int) -> "Function":
    """``module`` compiled by OpenVINO for the CPU and the example's shape; ``precision`` 'float32' or 'bfloat16'.

    Inputs and outputs are float32. The outputs' memory belongs to the runtime: it is overwritten by the next call.
    """
    import openvino as ov

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns about every shape it reads
        model = ov.convert_model(module, example_input=example, input=[tuple(example.shape)])
    # Without the hint the CPU's own preference decides, which may be bfloat16.
    hints = {
        "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
    }
    request = ov.Core().compile_model(model, "CPU", hints).create_infer_request()

    def run(image: Tensor) -> tuple[Tensor, ...]:
        results = request.infer([image.numpy()], share_inputs=True, share_outputs=True)
        return tuple(torch.from_numpy(result) for result in results.values())

    return run


def onnxruntime(module: nn.Module, example: Tensor, threads: int) -> "Function":
    """``module`` in ONNX Runtime on the CPU in float32, for the example's shape."""
    import onnxruntime as ort

    with torch.no_grad(), warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        path = Path(folder) / "network.onnx"
        torch.onnx.export(module, (example,), path, dynamo=True, external_data=False, verbose=False)
        content = path.read_bytes()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(image: Tensor) -> tuple[Tensor, ...]:
        return tuple(torch.from_numpy(result) for result in session.run(None, {name: image.numpy()}))

    return run
