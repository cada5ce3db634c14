"""Arithmetic and traffic against a layer counted by hand; a size no machine holds costs nothing to count."""

import pytest
import torch
from torch import nn

from hyperseg.latency.roofline import count_work, roofline


def test_one_convolution_by_hand() -> None:
    work = count_work(nn.Conv2d(3, 8, 3, padding=1, bias=False), 2, 10, 20)
    assert work.gmacs == pytest.approx(2 * 10 * 20 * 8 * 3 * 9 / 1e9)
    assert work.weight_bytes == 8 * 3 * 9 * 4
    assert work.bytes_moved == 4 * (2 * 3 * 200 + 8 * 3 * 9 + 2 * 8 * 200)
    assert work.largest_operator_bytes == work.bytes_moved


def test_views_move_nothing() -> None:
    class Views(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.permute(0, 2, 3, 1)[..., :2].unsqueeze(0)

    assert count_work(Views(), 1, 8, 8).bytes_moved == 0


def test_a_huge_input_takes_no_memory() -> None:
    work = count_work(nn.Sequential(nn.Conv2d(3, 16, 3, stride=2), nn.ReLU()), 64, 200_000, 200_000)
    assert work.largest_operator_bytes > 2**40


def test_fractions_of_peak_and_roof() -> None:
    work = count_work(nn.Conv2d(3, 8, 1, bias=False), 1, 100, 100)
    found = roofline(work, itemsize=2, median_ms=1.0, peak_gflop_per_s=100.0, peak_gigabytes_per_s=100.0)
    gflop = 2 * 100 * 100 * 3 * 8 / 1e9
    assert found.reached_gflop_per_s == pytest.approx(gflop * 1e3)
    assert found.fraction_of_peak == pytest.approx(gflop * 1e3 / 100)
    intensity = gflop / (work.bytes_moved / 2 / 1e9)
    assert found.flop_per_byte == pytest.approx(intensity)
    assert found.fraction_of_roof == pytest.approx(found.reached_gflop_per_s / min(100.0, 100 * intensity))


def test_a_bound_that_was_passed_is_no_bound() -> None:
    work = count_work(nn.Conv2d(3, 8, 1, bias=False), 1, 100, 100)
    found = roofline(work, itemsize=4, median_ms=1.0, peak_gflop_per_s=100.0, peak_gigabytes_per_s=0.01)
    assert found.fraction_of_peak is not None
    assert found.fraction_of_roof is None
