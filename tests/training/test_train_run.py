"""Trainings of the real network on a few small images, by the commands a user types."""

import math
import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from hyperseg.cli.evaluate import command as evaluate_command
from hyperseg.cli.overlay import command as overlay_command
from hyperseg.cli.train import command as train_command
from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.models import create_model
from hyperseg.records import Record, read_record
from hyperseg.records.schema import EvaluationNumbers, TrainingNumbers
from hyperseg.training.loop import learning_rate, train_step
from hyperseg.training.recipe import Recipe, load_recipe

VARIANT = "camvid_hyperseg_s"
SETTINGS = {
    "backbone": "tf_efficientnet_lite0", "pretrained_backbone": "false", "epochs": "2", "images_per_epoch": "4",
    "batch": "2", "crop_hw": "[128, 128]", "selection": "last", "threads": "1", "workers": "0",
}  # fmt: skip


def train(data: Path, out: Path, *extra: str, **changes: str) -> Result:
    arguments = ["--variant", VARIANT, "--data", str(data), "--out", str(out), *extra]
    for key, value in (SETTINGS | changes).items():
        arguments += ["--set", f"{key}={value}"]
    return CliRunner().invoke(train_command, arguments, catch_exceptions=False)


def numbers(record: Record) -> TrainingNumbers:
    assert isinstance(record.numbers, TrainingNumbers)
    return record.numbers


@pytest.fixture(scope="module")
def trained(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "seed3"
    assert train(tiny, out, "--seed", "3").exit_code == 0
    return out


def test_record_tells_what_was_run(tiny: Path, trained: Path) -> None:
    record = read_record(trained / "train.json")
    assert record.network.weights_sha256 == sha256_file(trained / "weights.safetensors")
    assert (record.network.id, record.network.num_classes, record.network.backbone) == (
        VARIANT,
        4,
        "tf_efficientnet_lite0",
    )
    assert record.network.backbone_weights is None
    assert (record.seed, record.campaign, record.protocol) == (3, "none", None)
    assert record.dataset is not None
    assert (record.dataset.split, record.dataset.images) == ("train+val", 6)
    assert record.config["recipe"]["crop_hw"] == [128, 128]
    result = numbers(record)
    assert (result.steps, result.images_seen, len(result.epochs)) == (4, 8, 2)
    assert [point.step for point in result.epochs] == [2, 4]
    assert result.final_loss == result.epochs[-1].loss
    recipe = load_recipe(VARIANT, {"epochs": 2, "images_per_epoch": 4, "batch": 2, "crop_hw": (128, 128)})
    assert result.epochs[0].learning_rate == pytest.approx(1e-3 * (1 - 1 / 4) ** 2)
    assert result.epochs[0].learning_rate == learning_rate(recipe, 1)
    assert all(math.isfinite(point.loss) for point in result.epochs)
    assert sorted(path.name for path in trained.iterdir()) == ["train.json", "weights.safetensors"]


def test_the_same_command_gives_the_same_weights_and_another_seed_others(
    tiny: Path, trained: Path, tmp_path: Path
) -> None:
    reference = sha256_file(trained / "weights.safetensors")
    assert train(tiny, tmp_path / "again", "--seed", "3", workers="2").exit_code == 0
    assert sha256_file(tmp_path / "again" / "weights.safetensors") == reference
    assert train(tiny, tmp_path / "other", "--seed", "4", epochs="1").exit_code == 0
    assert sha256_file(tmp_path / "other" / "weights.safetensors") != reference


def test_evaluation_of_the_trained_weights(tiny: Path, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "evaluation.json"
    arguments = ["--weights", str(trained / "weights.safetensors"), "--data", str(tiny), "--out", str(out)]
    result = CliRunner().invoke(evaluate_command, [*arguments, "--input", "128x128"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "green" in result.output
    record = read_record(out)
    assert isinstance(record.numbers, EvaluationNumbers)
    assert record.seed == 3
    assert record.network == read_record(trained / "train.json").network
    assert record.protocol is not None
    assert record.protocol.id == "standard"
    assert (record.numbers.input_height, record.numbers.input_width) == (128, 128)
    assert [entry.name for entry in record.numbers.classes] == ["red", "green", "blue"]
    assert record.numbers.ignored_pixels == 3 * 150 * 4
    assert sum(map(sum, record.numbers.confusion_matrix)) == 3 * 150 * 146


def test_overlay_pictures(tiny: Path, trained: Path, tmp_path: Path) -> None:
    arguments = ["--weights", str(trained / "weights.safetensors"), "--data", str(tiny), "--out", str(tmp_path)]
    result = CliRunner().invoke(
        overlay_command, [*arguments, "--input", "128x128", "--count", "2"], catch_exceptions=False
    )
    assert result.exit_code == 0
    pictures = sorted(tmp_path.glob("*.png"))
    assert [str(path) for path in pictures] == sorted(result.output.split())
    assert len(pictures) == 2


def test_an_interrupted_training_gives_the_same_weights(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperseg.training.checkpoint.INTERVAL_S", 0.0)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert train(tiny, whole, epochs="3").exit_code == 0

    class Interrupted(Exception):
        pass

    def interrupt_in_the_third_epoch(recipe: Recipe, step: int) -> float:
        if step == 5:
            raise Interrupted
        return learning_rate(recipe, step)

    monkeypatch.setattr("hyperseg.training.loop.learning_rate", interrupt_in_the_third_epoch)
    with pytest.raises(Interrupted):
        train(tiny, broken, epochs="3")
    assert [path.name for path in broken.iterdir()] == [".checkpoint.pt"]
    monkeypatch.setattr("hyperseg.training.loop.learning_rate", learning_rate)
    (tmp_path / "other").mkdir()
    shutil.copy(broken / ".checkpoint.pt", tmp_path / "other")
    other = train(tiny, tmp_path / "other", "--seed", "1", epochs="3")  # another training does not take it up
    assert "going on" not in other.stderr
    resumed = train(tiny, broken, epochs="3")
    assert "going on after epoch 2 of 3" in resumed.stderr
    assert sha256_file(broken / "weights.safetensors") == sha256_file(whole / "weights.safetensors")
    record = read_record(broken / "train.json")
    assert record.config["epochs_before_interruption"] == 2
    assert [point.step for point in numbers(record).epochs] == [2, 4, 6]
    assert sorted(path.name for path in broken.iterdir()) == ["train.json", "weights.safetensors"]


def test_best_epoch_is_kept(tiny: Path, tmp_path: Path) -> None:
    result = train(
        tiny, tmp_path, "--config", str(campaign(tmp_path)), selection="best", selection_split="test", epochs="2"
    )
    assert result.exit_code == 0
    record = read_record(tmp_path / "train.json")
    scores = [point.miou_percent for point in numbers(record).epochs]
    assert None not in scores
    assert record.config["selected_epoch"] == 1 + scores.index(max(s for s in scores if s is not None))
    assert (numbers(record).selection, numbers(record).selection_split) == ("best", "test")
    assert record.campaign == "small"


def campaign(folder: Path) -> Path:
    path = folder / "small.yaml"
    path.write_text(
        f"campaign: small\ndataset: {{id: tiny, folder: data/tiny}}\nvariants: [{VARIANT}]\nseeds: [0]\n"
        "training: {scale_range: [0.9, 1.1]}\n"
        "evaluation: {protocols: [standard], split: test, input_hw: [128, 128]}\n"
        "latency: {protocols: [smoke], engines: [eager], precisions: [float32]}\nreport: {title: Small}\n"
    )
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"learning_rate": "1.0e+30"},
            r"the loss became (nan|inf) in epoch 1, step 2, .*; lower training\.learning_rate",
        ),
        ({"train_split": "trane"}, "has no split 'trane'"),
        ({"colour": "1"}, "unknown key training.colour"),
        ({"crop_hw": "[100, 128]"}, "100"),
    ],
)
def test_failures_are_one_sentence_and_leave_nothing(
    tiny: Path, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        train(tiny, tmp_path / "run", **changes)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_lowers_the_loss(precision: str) -> None:
    torch.manual_seed(0)
    recipe = load_recipe(VARIANT, {"precision": precision})
    model = create_model(VARIANT, num_classes=3, backbone="tf_efficientnet_lite0", stochastic_depth=0.0, dropout=0.0)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=recipe.betas)
    images = torch.zeros(2, 128, 128, 3, dtype=torch.uint8)
    images[:, :, 64:] = 255
    labels = torch.zeros(2, 128, 128, dtype=torch.uint8)
    labels[:, :, 64:] = 2
    losses = [train_step(model, images, labels, optimizer, recipe, torch.device("cpu")) for _ in range(8)]
    assert losses[-1] < 0.75 * losses[0]
