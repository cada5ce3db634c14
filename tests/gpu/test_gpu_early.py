"""Two engines side by side: bits image by image, and which of the two is the faster. The functions run on a CPU too."""

import json
from pathlib import Path

import torch
from torch import Tensor

from hyperseg.gpu.early import faster, medians, same_bits
from hyperseg.gpu.plan import Options
from hyperseg.gpu.summary import summary

IMAGES = [torch.arange(4.0), torch.ones(4)]


def twice(image: Tensor) -> Tensor:
    return 2 * image


def test_an_engine_that_reads_too_soon_has_the_bits_of_the_image_before() -> None:
    before = IMAGES[0]

    def late(image: Tensor) -> Tensor:
        nonlocal before
        answer, before = 2 * before, image
        return answer

    assert same_bits(twice, twice, IMAGES)
    assert not same_bits(twice, late, IMAGES)
    assert not same_bits(twice, lambda image: 2 * image + torch.tensor([0, 0, 0, 1e-6]), IMAGES)


def test_medians_of_each_engine() -> None:
    found = medians({"triton": twice, "triton_early": twice}, IMAGES, "cpu")
    assert list(found) == ["triton", "triton_early"]
    assert min(found.values()) > 0


def test_the_faster_engine_must_have_the_same_bits(tmp_path: Path) -> None:
    options = Options(tmp_path)
    assert faster(options, "camvid_hyperseg_s") == "triton"
    path = tmp_path / "passes" / "camvid_hyperseg_s.json"
    path.parent.mkdir()
    for early, bits, want in [(500.0, True, "triton_early"), (500.0, False, "triton"), (700.0, True, "triton")]:
        row = {"precision": "float16", "median_us": {"triton": 600.0, "triton_early": early}, "same_bits": bits}
        path.write_text(json.dumps([row]))
        assert faster(options, "camvid_hyperseg_s") == want
        assert ("the same bits" if bits else "OTHER BITS") in summary(tmp_path)
    path.write_text(json.dumps([{"precision": "float16", "median_us": {"triton": 600.0}}]))  # an older GPU
    assert faster(options, "camvid_hyperseg_s") == "triton"


def test_a_record_that_cannot_be_read_does_not_end_the_summary(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "cut.json").write_text('{"schema')
    assert "cut.json" in summary(tmp_path)
