"""Which steps are captured, and what the steps around a capture are, with a stand-in for the graph: it needs a GPU."""

import copy
import weakref
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from hyperseg.errors import UserError
from hyperseg.training import captured
from hyperseg.training.captured import WARM_UP, CapturedSteps, captures, set_learning_rate
from hyperseg.training.parallel import Processes
from hyperseg.training.recipe import load_recipe
from hyperseg.training.step import StepOutcome, make_optimizer, train_step

RECIPE = load_recipe("camvid_hyperseg_s", {"bootstrap_k": 16})
CPU = torch.device("cpu")


class Replayed:
    """Runs the function again, and writes its answer where the first one lies, as a graph does."""

    def __init__(self, function: Callable[[], StepOutcome], first: StepOutcome) -> None:
        self.function, self.first = function, first

    def __call__(self) -> StepOutcome:
        again = self.function()
        self.first.loss.copy_(again.loss)
        if self.first.constant is not None and again.constant is not None:
            self.first.constant.copy_(again.constant)
        return self.first


def stand_in(function: Callable[[], StepOutcome], device: torch.device) -> Replayed:
    """Captures as a graph does: the answer's memory is there, and nothing has run."""
    answer = StepOutcome(torch.zeros(()), None, torch.zeros((), dtype=torch.bool))
    return Replayed(function, answer)


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 12, 1)).train()


def batches(count: int, size: int = 8) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return [
        (
            torch.randint(0, 256, (2, size, size, 3), generator=generator, dtype=torch.uint8),
            torch.randint(0, 12, (2, size, size), generator=generator, dtype=torch.uint8),
        )
        for _ in range(count)
    ]


def plain_losses(model: nn.Module, given: list[tuple[Tensor, Tensor]]) -> list[float]:
    optimizer = make_optimizer(model, RECIPE)
    return [float(train_step(model, *batch, optimizer, RECIPE, CPU).loss) for batch in given]


@pytest.mark.parametrize(
    ("changes", "processes", "expected"),
    [
        ({}, 1, True),
        ({"precision": "bfloat16"}, 1, True),
        ({"precision": "float16"}, 1, False),  # the host reads the loss's scale
        ({"accumulate": 2}, 1, True),
        ({"cuda_graph": False}, 1, False),
        ({"accumulate": 2, "loss": "cross_entropy"}, 1, False),  # pixels are counted on the host
        ({}, 2, False),
    ],
)
def test_a_step_that_asks_the_host_is_not_captured(changes: dict[str, object], processes: int, expected: bool) -> None:
    recipe = load_recipe("camvid_hyperseg_s", changes)
    assert captures(recipe, torch.device("cuda"), Processes(0, processes)) == expected
    assert not captures(recipe, CPU, Processes(0, processes))


def test_warm_up_capture_and_replays_are_the_plain_steps(model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of another shape in between takes a plain step too."""
    given = [*batches(WARM_UP + 2), *batches(1, size=16), *batches(2)]
    twin = copy.deepcopy(model)
    expected = plain_losses(twin, given)
    monkeypatch.setattr(captured, "run_beside", lambda function, device: function())
    monkeypatch.setattr(captured, "capture", stand_in)
    steps = CapturedSteps(model, make_optimizer(model, RECIPE), RECIPE, CPU)
    outcomes = [steps(*batch, look=index % 2 == 0) for index, batch in enumerate(given)]
    assert [float(outcome.loss) for outcome in outcomes] == expected  # each its own memory
    assert [outcome.constant is not None for outcome in outcomes] == [True, False] * 4
    assert steps.captured is not None
    for ours, theirs in zip(model.state_dict().values(), twin.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_steps_before_a_capture_run_all_that_is_captured(model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that goes on may not look at a prediction before, and older drivers load no kernel in a capture."""
    looked: list[bool] = []

    def step(*given: object, look: bool) -> StepOutcome:
        looked.append(look)
        return StepOutcome(torch.zeros(()), None, torch.zeros((), dtype=torch.bool))

    monkeypatch.setattr(captured, "run_beside", lambda function, device: function())
    monkeypatch.setattr(captured, "train_step", step)
    steps = CapturedSteps(model, make_optimizer(model, RECIPE), RECIPE, CPU)
    assert [steps(*batch, look=False).constant for batch in batches(WARM_UP)] == [None] * WARM_UP
    assert looked == [True] * WARM_UP


def test_where_a_step_cannot_be_captured_it_is_said_and_plain_steps_go_on(
    model: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(function: Callable[[], StepOutcome], device: torch.device) -> None:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    given, said = batches(WARM_UP + 3), list[str]()
    twin = copy.deepcopy(model)
    expected = plain_losses(twin, given)
    monkeypatch.setattr(captured, "run_beside", lambda function, device: function())
    monkeypatch.setattr(captured, "capture", refuse)
    steps = CapturedSteps(model, make_optimizer(model, RECIPE), RECIPE, CPU, said.append)
    assert [float(steps(*batch).loss) for batch in given] == expected
    assert said == [
        "a training step cannot be captured here (operation not permitted when stream is capturing); "
        "its kernels are started one by one"
    ]


def test_the_memory_of_a_capture_that_failed_is_free_for_the_plain_step(
    model: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A capture takes a step's memory anew, so that it may run out where plain steps fit; the error holds all of it."""
    taken: list[weakref.ref[Tensor]] = []
    still_there: list[bool] = []

    def run_out(function: Callable[[], StepOutcome], device: torch.device) -> None:
        activations = torch.zeros(8)
        taken.append(weakref.ref(activations))
        raise torch.OutOfMemoryError("CUDA out of memory")

    def step(*given: object, **more: object) -> StepOutcome:
        still_there.extend(one() is not None for one in taken)
        return StepOutcome(torch.zeros(()), None, None)

    monkeypatch.setattr(captured, "run_beside", lambda function, device: function())
    monkeypatch.setattr(captured, "capture", run_out)
    monkeypatch.setattr(captured, "train_step", step)
    steps = CapturedSteps(model, make_optimizer(model, RECIPE), RECIPE, CPU, lambda text: None)
    for batch in batches(WARM_UP + 2):
        steps(*batch)
    assert still_there == [False, False]


def test_the_learning_rate_of_a_cpu_stays_a_number(model: nn.Module) -> None:
    optimizer = make_optimizer(model, RECIPE)
    set_learning_rate(optimizer, 0.25, CPU)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25]


def test_a_capture_that_the_driver_refuses_ends_the_training(model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    """The allocator and the random generator would stay as in a capture."""

    def refuse(function: Callable[[], StepOutcome], device: torch.device) -> None:
        raise torch.AcceleratorError("CUDA error: operation failed due to a previous error during capture", 901)

    monkeypatch.setattr(captured, "run_beside", lambda function, device: function())
    monkeypatch.setattr(captured, "capture", refuse)
    steps = CapturedSteps(model, make_optimizer(model, RECIPE), RECIPE, CPU)
    given = batches(WARM_UP + 1)
    for batch in given[:-1]:
        steps(*batch)
    with pytest.raises(UserError, match=r"set training\.cuda_graph to false and start again"):
        steps(*given[-1])
