"""The engine table and what it says about what cannot run; the outputs are compared in test_engines_outputs."""

from dataclasses import replace

import pytest
import torch

from hyperseg.errors import UserError
from hyperseg.latency import engines
from hyperseg.latency.engines import engine_table, get_engine, select_engines
from hyperseg.latency.engines.engine import compiled
from hyperseg.latency.request import Request, check_request, record_path
from hyperseg.latency.subjects import VariantSpec


def test_an_engine_that_is_not_installed_is_left_out_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    table = dict(engine_table())
    table["eager"] = replace(table["eager"], requires=("no_such_runtime",), extra="engines")
    monkeypatch.setattr(engines, "engine_table", lambda: table)
    chosen, left_out = select_engines(["all"], "cpu", "float32")
    assert "eager" not in chosen
    assert left_out["eager"] == "no_such_runtime is not installed; install hyperseg-bench[engines]"
    with pytest.raises(UserError, match="engine eager is left out: no_such_runtime is not installed"):
        get_engine("eager", "cpu", "float32")


def test_an_engine_of_one_image_is_left_out_or_refused_where_more_are_timed() -> None:
    chosen, left_out = select_engines(["all"], "cuda", "float16", batch=4)
    assert {"eager", "cudagraph"} <= set(chosen)
    assert left_out["triton"] == "it runs one image at a time, not 4"
    subject = VariantSpec(variant="camvid_hyperseg_s")
    request = Request(subject, "scaling", "triton", "test", 576, 768, device="cuda", precision="float16")
    with pytest.raises(UserError, match="engine triton runs one image at a time, not 4; choose another engine"):
        check_request(request)


def test_what_cannot_be_compiled_is_one_sentence() -> None:
    def backend(*given: object) -> None:
        raise RuntimeError("Failed to find C compiler. Please name one\nmore")

    module = torch.compile(torch.nn.ReLU(), backend=backend)
    with pytest.raises(UserError) as caught:
        compiled(lambda: module(torch.zeros(1)), "cudagraph")
    assert str(caught.value) == (
        "engine cudagraph cannot compile the network here (Failed to find C compiler. Please name one); "
        "choose engine eager"
    )


def test_no_answer_that_is_exact_is_called_tf32() -> None:
    """`--engine all --tf32` times kernels that never use it, too."""
    asked = Request(VariantSpec(variant="camvid_hyperseg_s"), "smoke", "eager", "test", 64, 128, "cuda", tf32=True)
    assert record_path(asked).name == "smoke-cuda-eager-float32-tf32.json"
    for change in ({"engine": "triton"}, {"engine": "triton_early"}, {"device": "cpu"}, {"precision": "float16"}):
        other = replace(asked, **change)
        assert not other.in_tf32
        assert "tf32" not in record_path(other).name
