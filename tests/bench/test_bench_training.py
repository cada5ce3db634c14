"""A training step beside the authors': each as it trains, shown without a GPU."""

from typing import Any

import pytest
import torch
from torch import nn

from hyperseg.bench import run, training
from hyperseg.bench.setting import Setting
from hyperseg.training.loss import cross_entropy


def test_the_authors_step_has_pytorchs_adam_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `fused` False an Adam on a GPU goes parameter by parameter, which no one who calls Adam gets."""
    made: list[dict[str, Any]] = []

    class Seen(torch.optim.Adam):
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, **keywords)
            made.append(self.defaults)

    monkeypatch.setattr(torch.optim, "Adam", Seen)
    images, labels = torch.zeros(1, 3, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long)
    for ours in (False, True):
        training._step(nn.Conv2d(3, 2, 1), cross_entropy, images, labels, ours, "float32")()
    assert [(defaults["fused"], defaults["foreach"]) for defaults in made] == [(None, None), (True, None)]


def test_the_gpus_counters_are_opened_before_a_part_is_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def measure(variant: str, setting: Setting) -> None:
        done.append("training")
        raise NotImplementedError

    monkeypatch.setattr(run, "open_sources", lambda device, index: done.append("open"))
    monkeypatch.setitem(run.MEASURE, "training", measure)
    with pytest.raises(NotImplementedError):
        run.run("camvid_hyperseg_s", ["training"], Setting(None, print), "none", lambda numbers: None)
    assert done == ["open", "training"]
