"""Memory that ran out and a lost GPU are one sentence in every command; a mistake in a kernel keeps its traceback."""

import pytest
import torch

from hyperseg import cli
from hyperseg.machine_faults import explain

LOST = [
    torch.AcceleratorError("CUDA error: unspecified launch failure\nCUDA kernel errors might be reported later"),
    torch.AcceleratorError("CUDA error: uncorrectable ECC error encountered"),
    RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    RuntimeError("CUDA unknown error - this may be due to an incorrectly set up environment"),
    RuntimeError("Triton Error [CUDA]: unspecified launch failure"),
]


@pytest.mark.parametrize("error", LOST, ids=str)
def test_a_lost_gpu_is_one_sentence(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "group", fails)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith(f"error: the GPU failed ({str(error).splitlines()[0]}); see `nvidia-smi`")
    assert said.count("\n") == 1


def test_memory_that_ran_out_is_one_sentence() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    for error in (caught.value, MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")):
        assert str(explain(error)).startswith("memory ran out; ")


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError("CUDA error: device-side assert triggered"),
        torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("cuDNN error: CUDNN_STATUS_BAD_PARAM"),
        RuntimeError("shape '[2]' is invalid for input of size 3"),
        KeyError("CUDA error"),
    ],
    ids=str,
)
def test_mistakes_of_programs_are_no_faults_of_the_machine(error: Exception) -> None:
    assert explain(error) is None
