"""Trainings of the real network on a few small images, by the commands a user types."""

import csv
import math
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image as Picture
from safetensors.torch import load_file
from small_training import VARIANT, train

from hyperseg.cli.evaluate import command as evaluate_command
from hyperseg.cli.overlay import command as overlay_command
from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.models import create_model
from hyperseg.records import Record, read_record
from hyperseg.records.schema import EvaluationNumbers, TrainingNumbers
from hyperseg.records.settings import WITHOUT_EFFECT
from hyperseg.training.folder import check_replaceable
from hyperseg.training.recipe import load_recipe
from hyperseg.training.schedule import learning_rate
from hyperseg.training.step import make_optimizer, train_step


def numbers(record: Record) -> TrainingNumbers:
    assert isinstance(record.numbers, TrainingNumbers)
    return record.numbers


@pytest.fixture(scope="module")
def trained(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "seed3"
    assert train(tiny, out, "--seed", "3").exit_code == 0
    return out


def test_record_tells_what_was_run(trained: Path) -> None:
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
    assert (record.dataset.split, record.dataset.images) == ("train", 4)  # not train + val, as on CamVid
    assert record.config["notes"] == [f"{VARIANT} was not published on tiny: trained on train, the last epoch is kept"]
    assert record.config["recipe"]["crop_hw"] == [128, 128]
    assert record.config["switches"]["deterministic_algorithms"]
    assert not record.config["switches"]["cudnn.allow_tf32"]
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
    assert not record.config["switches"]["cudnn.allow_tf32"]
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
    with (tmp_path / "strips.csv").open(newline="") as file:
        strips = list(csv.DictReader(file))
    assert [strip["sha256"] for strip in strips] == [sha256_file(tmp_path / strip["file"]) for strip in strips]
    assert {strip["weights_sha256"] for strip in strips} == {sha256_file(trained / "weights.safetensors")}


def test_an_interrupted_overlay_is_done_again(
    tiny: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--weights", str(trained / "weights.safetensors"), "--data", str(tiny), "--out", str(tmp_path)]
    arguments += ["--input", "128x128", "--count", "2"]
    whole = CliRunner().invoke(overlay_command, arguments, catch_exceptions=False).output
    pictures = [Picture.new("RGB", (2, 2))]
    with monkeypatch.context() as patch:
        patch.setattr("hyperseg.evaluation.overlay.comparison", lambda *_: pictures.pop())
        with pytest.raises(IndexError):  # after one picture of two, other ones than before
            CliRunner().invoke(overlay_command, arguments, catch_exceptions=False)
    assert len(list(tmp_path.glob("*.png"))) == 1
    assert CliRunner().invoke(overlay_command, arguments, catch_exceptions=False).output == whole


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
    assert record.config["validation"] == {
        "split": "test", "protocol": {"id": "selection", "version": 1}, "input_hw": [128, 128],
    }  # fmt: skip
    assert "the epoch is chosen by its score on test" in result.stderr
    assert record.config["notes"][-1].startswith("the epoch is chosen by its score on test")


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
        ({"train_split": "trane"}, "has no split 'trane'"),
        ({"colour": "1"}, "unknown key training.colour"),
        ({"crop_hw": "[100, 128]"}, r"training\.crop_hw does not fit: .* 100 x 128"),
        ({"precision": "float16"}, r"training\.precision is float16"),
        ({"selection": "best", "selection_split": "tests"}, "has no split 'tests'"),
    ],
)
def test_failures_are_one_sentence_and_leave_nothing(
    tiny: Path, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    for extra in ((), ("--explain",)):
        with pytest.raises(UserError, match=message) as caught:
            train(tiny, tmp_path / "run", *extra, **changes)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_fine_tuning_names_what_does_not_fit_and_makes_it_anew_on_request(
    tiny: Path, trained: Path, tmp_path: Path
) -> None:
    weights = str(trained / "weights.safetensors")
    three = {"void": "ignore", "epochs": "1", "images_per_epoch": "2"}  # the weights have 4 classes
    with pytest.raises(UserError, match=r"has 4 classes, the training 3; the head's decoder\..*; add --renew-head"):
        train(tiny, tmp_path / "out", "--init", weights, **three)
    with pytest.raises(UserError, match="has backbone tf_efficientnet_lite0, not tf_efficientnet_lite1"):
        train(tiny, tmp_path / "out", "--init", weights, **three | {"backbone": "tf_efficientnet_lite1"})
    assert not (tmp_path / "out").exists()
    result = train(tiny, tmp_path / "out", "--init", weights, "--renew-head", **three, learning_rate="1.0e-12")
    assert "made anew: decoder." in result.stderr
    record = read_record(tmp_path / "out" / "train.json")
    assert record.config["initial"]["sha256"] == sha256_file(trained / "weights.safetensors")
    renewed = record.config["initial"]["renewed"]
    before, after = load_file(weights), load_file(tmp_path / "out" / "weights.safetensors")
    assert all(name.startswith("decoder.") for name in renewed)
    kept = [name for name in before if name not in renewed and name.endswith("weight")]
    assert all(torch.allclose(before[name], after[name], atol=1e-9) for name in kept)


def test_explain_prints_the_schedule_and_writes_nothing(tiny: Path, tmp_path: Path) -> None:
    result = train(tiny, tmp_path / "out", "--explain", "--scale", "2", epochs="1", images_per_epoch="2")
    assert result.exit_code == 0
    assert "2 epochs of 1 steps of 2 images: 2 steps, 4 images" in result.output
    assert "learning rate 0.001 at step 1, 0.00025 at step 2" in result.output
    assert "measured on 2 steps on cpu" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("loss", ["bootstrapped_cross_entropy", "cross_entropy"])
def test_a_batch_in_parts_gives_the_gradient_of_the_whole(loss: str) -> None:
    labels = torch.randint(0, 3, (4, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    labels[0, :9] = 255  # unequal shares of counted pixels
    images = torch.randint(0, 255, (4, 16, 16, 3), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    results = []
    for parts in (1, 2, 4):
        recipe = load_recipe(VARIANT, {"batch": 4, "accumulate": parts, "loss": loss, "bootstrap_k": 50})
        torch.manual_seed(0)
        model = torch.nn.Conv2d(3, 3, 1)
        outcome = train_step(model, images, labels, make_optimizer(model, recipe), recipe, torch.device("cpu"))
        assert model.weight.grad is not None
        results.append((outcome.loss, model.weight.grad))
    for other in results[1:]:
        torch.testing.assert_close(other, results[0])


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_lowers_the_loss(precision: str) -> None:
    torch.manual_seed(0)
    recipe = load_recipe(VARIANT, {"precision": precision})
    model = create_model(VARIANT, num_classes=3, backbone="tf_efficientnet_lite0", stochastic_depth=0.0, dropout=0.0)
    model.train()
    optimizer = make_optimizer(model, recipe)
    images = torch.zeros(2, 128, 128, 3, dtype=torch.uint8)
    images[:, :, 64:] = 255
    labels = torch.zeros(2, 128, 128, dtype=torch.uint8)
    labels[:, :, 64:] = 2
    losses = [train_step(model, images, labels, optimizer, recipe, torch.device("cpu")).loss for _ in range(8)]
    assert losses[-1] < 0.75 * losses[0]


def test_a_finished_training_of_other_settings_is_never_replaced(tiny: Path, trained: Path) -> None:
    before = {path.name: sha256_file(path) for path in trained.iterdir()}
    with pytest.raises(UserError, match=r"holds another finished training \(seed is 4, was 3\); move it away"):
        train(tiny, trained, "--seed", "4")
    with pytest.raises(UserError, match=r"finished training \(recipe.epochs is 3, was 2\)"):
        train(tiny, trained, "--seed", "3", epochs="3")
    assert {path.name: sha256_file(path) for path in trained.iterdir()} == before
    settings = {
        "variant": VARIANT, "seed": 3, "dataset": read_record(trained / "train.json").dataset.version, "initial": None,
        "validation": None, "recipe": {
            key: value for key, value in read_record(trained / "train.json").config["recipe"].items()
            if key not in WITHOUT_EFFECT
        },
    }  # fmt: skip
    check_replaceable(trained, settings)  # the same training may be done again


@pytest.mark.parametrize(
    ("name", "content"),
    [("train.json", b'{"images": [], "annotations": []}'), ("weights.safetensors", b"of another program")],
)
def test_files_that_no_training_wrote_are_never_replaced(name: str, content: bytes, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match="holds a file that would be replaced"):
        train(tiny, tmp_path)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, content)]


def test_a_head_is_renewed_of_initial_weights_alone(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--renew-head says what is made anew of --init, which is missing"):
        train(tiny, tmp_path / "out", "--renew-head")
