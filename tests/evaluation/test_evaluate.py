"""Evaluation under both protocols with networks whose answers are known."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from colour_network import ColourNetwork, build
from PIL import Image

from hyperseg.cli.steps import check_record_file
from hyperseg.data.description import ClassInfo
from hyperseg.data.prepared import PreparedDataset, read_image, read_label
from hyperseg.data.reading import Reading
from hyperseg.errors import UserError
from hyperseg.evaluation.evaluate import evaluate
from hyperseg.evaluation.overlay import comparison
from hyperseg.evaluation.predict import network_input, predict, scored_classes
from hyperseg.evaluation.protocol import load_protocol
from hyperseg.evaluation.run import evaluate_to_record
from hyperseg.evaluation.strips import by_score, check_own, image_iou
from hyperseg.files import sha256_file
from hyperseg.records import EvaluationNumbers
from hyperseg.records.raw import read_matrices
from hyperseg.records.strips import Strip, list_text
from hyperseg.records.verify import Verified, verify

CPU = torch.device("cpu")
NATIVE = (48, 64)
VOID_AS_CLASS = Reading(void="class", geometry="resize", normalization="imagenet")


@pytest.fixture
def dataset(tmp_path: Path) -> PreparedDataset:
    """Three classes, and void (3)."""
    return build(tmp_path / "blocks", "blocks", 3)


def score(
    network: ColourNetwork, dataset: PreparedDataset, protocol: str, hw: tuple[int, int] = NATIVE, **options: Reading
) -> EvaluationNumbers:
    return evaluate(network, dataset, "test", load_protocol(protocol), input_hw=hw, device=CPU, **options)


def test_standard_ignores_void_and_leaves_absent_classes_out(dataset: PreparedDataset) -> None:
    result = score(ColourNetwork(4), dataset, "standard")
    assert result.miou_percent == 100
    assert result.absent_classes == "left_out"
    assert [(entry.name, entry.iou_percent) for entry in result.classes] == [
        ("red", 100),
        ("green", 100),
        ("blue", None),
    ]
    void = sum(int((read_label(sample) == 255).sum()) for sample in dataset.samples("test"))
    assert result.ignored_pixels == void > 0
    assert sum(map(sum, result.confusion_matrix)) == 2 * 48 * 64 - void


def test_a_record_is_derived_again_from_its_matrices(dataset: PreparedDataset, tmp_path: Path) -> None:
    """What an evaluation writes holds, its interval included; a changed interval does not."""
    network = ColourNetwork(4)
    (tmp_path / "w.safetensors").write_bytes(b"stands for weights")
    out = tmp_path / "evaluation-standard.json"
    described = {
        "variant": SimpleNamespace(id="colours"), "backbone_name": "none", "backbone_weights": None, "slices": None,
    }  # fmt: skip
    for name, value in described.items():
        object.__setattr__(network, name, value)
    network.register_parameter("scale", torch.nn.Parameter(torch.ones(1)))
    protocol = load_protocol("standard")
    options = {"input_hw": NATIVE, "device": CPU}
    record = evaluate_to_record(network, tmp_path / "w.safetensors", dataset, "test", protocol, out, **options)
    assert verify([out])[0] == Verified(out, (), ())
    assert isinstance(record.numbers, EvaluationNumbers)
    assert record.numbers.matrices_file == "evaluation-standard.npz"
    matrices = read_matrices(out.with_suffix(".npz"), len(dataset.samples("test")), 3)
    assert matrices.sum(0).tolist() == record.numbers.confusion_matrix
    samples = [sample.name for sample in dataset.samples("test")]
    assert by_score(out, tmp_path / "w.safetensors", 2) == tuple(samples)  # equally good: in their order
    (tmp_path / "other.safetensors").write_bytes(b"other weights")
    with pytest.raises(UserError, match="scored other weights"):
        by_score(out, tmp_path / "other.safetensors", 2)
    text = out.read_text()
    assert text.count('"high": 100.0') == 1
    out.write_text(text.replace('"high": 100.0', '"high": 99.0').replace('"low": 100.0', '"low": 98.0'))
    assert "miou_interval.low is 98, but 100 by evaluation-standard.npz" in verify([out])[0].problems


def test_paper_counts_void_as_a_class_and_absent_ones_as_zero(dataset: PreparedDataset) -> None:
    result = score(ColourNetwork(4), dataset, "paper", reading=VOID_AS_CLASS)
    assert [entry.name for entry in result.classes] == ["red", "green", "blue", "Void"]
    assert [entry.iou_percent for entry in result.classes] == [100, 100, None, 100]
    assert result.miou_percent == pytest.approx(75)
    assert result.ignored_pixels == 0


def test_void_logit_does_not_compete_under_standard(dataset: PreparedDataset) -> None:
    """A network that would answer Void everywhere still answers the best of the scored classes."""
    network = ColourNetwork(4, (0, 0, 0, 100.0))
    assert score(network, dataset, "standard").miou_percent == 100
    assert score(network, dataset, "paper", reading=VOID_AS_CLASS).pixel_accuracy_percent < 60


def test_network_without_void_never_answers_it(dataset: PreparedDataset) -> None:
    result = score(ColourNetwork(3), dataset, "paper", reading=VOID_AS_CLASS)
    assert result.classes[3].iou_percent == 0
    assert all(row[3] == 0 for row in result.confusion_matrix)


def test_numbers_equal_an_independent_count(dataset: PreparedDataset) -> None:
    network = ColourNetwork(4, (0.0, 0.9, 0.0, 0.0))  # wrong here and there
    result = score(network, dataset, "standard", (32, 32))
    hits, union, majority = np.zeros(3), np.zeros(3), np.zeros(3)
    reading = load_protocol("standard").reading_of(dataset.id)
    for sample in dataset.samples("test"):
        label = read_label(sample)
        predicted = predict(network, read_image(sample), NATIVE, reading, (32, 32), 3, CPU).numpy()
        for c in range(3):
            truth, answer = label == c, (predicted == c) & (label != 255)
            hits[c] += (truth & answer).sum()
            union[c] += (truth | answer).sum()
            majority[c] += truth.sum()
    present = union > 0
    assert 0 < hits[0] < union[0]
    assert result.miou_percent == pytest.approx(100 * (hits[present] / union[present]).mean(), abs=1e-9)
    share = majority.max() / majority.sum()
    assert result.majority_miou_percent == pytest.approx(100 * share / (majority > 0).sum(), abs=1e-9)
    assert result.miou_interval is not None
    assert result.miou_interval.low <= result.miou_percent <= result.miou_interval.high


def test_input_size_is_used_and_recorded_one_image_at_a_time(dataset: PreparedDataset) -> None:
    network = ColourNetwork(4)
    network.train()
    result = score(network, dataset, "standard", (96, 128))
    assert network.sizes == [(1, 3, 96, 128)] * 2
    assert (result.input_height, result.input_width) == (96, 128)
    assert sum(map(sum, result.confusion_matrix)) + result.ignored_pixels == 2 * 48 * 64  # labels keep their own size
    assert network.training


def test_resize_is_bilinear_with_antialiasing() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    reading = Reading(void="ignore", geometry="resize", normalization="imagenet")
    ours = network_input(image, reading, (20, 30))
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(image).permute(2, 0, 1)[None].float(), (20, 30), mode="bilinear", antialias=True
    )
    mean, std = torch.tensor((0.485, 0.456, 0.406)), torch.tensor((0.229, 0.224, 0.225))
    pixels = (ours * std.view(1, 3, 1, 1) + mean.view(1, 3, 1, 1)) * 255
    assert (pixels - theirs).abs().max() < 1.01  # Pillow rounds to whole grey levels


def test_a_flip_averages_the_scores_of_the_mirror_image_turned_back() -> None:
    class Slope(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            columns = torch.arange(x.shape[3]).expand(x.shape[0], x.shape[2], -1).float()
            return torch.stack([columns, torch.full_like(columns, 32.25)], dim=1)

    image, plain = np.zeros((48, 64, 3), np.uint8), Reading(void="ignore", geometry="resize", normalization="imagenet")
    shares = [
        predict(Slope(), image, (48, 64), reading, NATIVE, 2, CPU).float().mean().item()
        for reading in (plain, plain.model_copy(update={"flip": True}))
    ]
    assert shares == [33 / 64, 1.0]  # columns 0 to 32 lose; with its mirror image each has 31.5


def test_voc_is_padded_on_the_right_and_bottom_and_scored_without_the_padding(tmp_path: Path) -> None:
    dataset = build(tmp_path / "voc", "voc2012", None)
    network = ColourNetwork(3)
    result = score(network, dataset, "standard", (64, 96))
    assert network.sizes == [(1, 3, 64, 96)] * 2
    assert result.miou_percent == 100
    assert sum(map(sum, result.confusion_matrix)) + result.ignored_pixels == 2 * 48 * 64
    image = np.full((10, 12, 3), 255, np.uint8)
    padded = network_input(image, load_protocol("paper").reading_of("voc2012", released=True), (16, 16))
    assert torch.allclose(padded[:, :, :10, :12], torch.ones(()))  # normalized with 0.5 / 0.5 under `paper`
    assert (padded[:, :, 10:] == -1).all()
    assert (padded[:, :, :, 12:] == -1).all()
    with pytest.raises(UserError, match="does not fit the padded evaluation input 32x32"):
        score(network, dataset, "standard", (32, 32))


def test_epochs_are_chosen_on_a_bicubic_image_and_a_label_shrunk_by_nearest(dataset: PreparedDataset) -> None:
    result = score(ColourNetwork(3), dataset, "selection", (24, 32))
    assert sum(map(sum, result.confusion_matrix)) + result.ignored_pixels == 2 * 24 * 32
    hits, union = np.zeros(3), np.zeros(3)
    for sample in dataset.samples("test"):
        label = read_label(sample)[1::2, 1::2]  # Pillow's nearest takes the pixel right below a sample's middle
        image = Image.fromarray(read_image(sample)).resize((32, 24), Image.Resampling.BICUBIC)
        reading = load_protocol("standard").reading_of("blocks")
        answer = predict(ColourNetwork(3), np.asarray(image), (24, 32), reading, (24, 32), 3, CPU).numpy()
        for c in range(3):
            truth, found = label == c, (answer == c) & (label != 255)
            hits[c] += (truth & found).sum()
            union[c] += (truth | found).sum()
    assert result.miou_percent == pytest.approx(100 * (hits[union > 0] / union[union > 0]).mean(), abs=1e-9)


def test_readings_of_the_published_datasets() -> None:
    paper, standard = load_protocol("paper"), load_protocol("standard")
    assert (paper.absent_classes, standard.absent_classes) == ("zero", "left_out")
    for name in ("camvid", "camvid_segnet", "streets"):
        assert paper.reading_of(name).void == "class"
        assert standard.reading_of(name).void == "ignore"
    assert paper.reading_of("camvid_authors12").void == "class"
    with pytest.raises(UserError, match="standard does not score camvid_authors12: its labels ignore 20"):
        standard.reading_of("camvid_authors12")
    assert paper.reading_of("cityscapes").void == "ignore"
    assert paper.reading_of("voc2012", released=True).normalization == "half"
    assert paper.reading_of("voc2012").normalization == "imagenet"  # what weights of one's own were trained with
    assert standard.reading_of("voc2012").normalization == "imagenet"
    assert {paper.reading_of("voc2012").geometry, standard.reading_of("voc2012").geometry} == {"pad"}


def test_scored_classes_follow_the_dataset(dataset: PreparedDataset, tmp_path: Path) -> None:
    assert [entry.name for entry in scored_classes(dataset, VOID_AS_CLASS)] == ["red", "green", "blue", "Void"]
    without_void = build(tmp_path / "own", "own", None)
    assert scored_classes(without_void, VOID_AS_CLASS) == list(without_void.classes)


@pytest.mark.parametrize(
    ("outputs", "split", "message"),
    [
        (2, "test", "has 2 outputs, but dataset blocks has 3 classes and void"),
        (3, "tset", "has no split 'tset'"),
        (3, "test+test", "holds 'test' twice, so its images would count twice"),
    ],
)
def test_what_does_not_fit_is_named(dataset: PreparedDataset, outputs: int, split: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        evaluate(ColourNetwork(outputs), dataset, split, load_protocol("standard"), input_hw=NATIVE, device=CPU)


def test_unknown_protocol_is_named() -> None:
    with pytest.raises(UserError, match="protocol 'pascal'; choose one of paper, selection, standard"):
        load_protocol("pascal")


def test_overlay_shows_image_label_prediction_and_a_legend() -> None:
    classes = [ClassInfo(name="red", colour=(250, 0, 0)), ClassInfo(name="green", colour=(0, 250, 0))]
    image, label = np.zeros((30, 40, 3), np.uint8), np.zeros((30, 40), np.uint8)
    label[:10] = 255
    picture = np.asarray(comparison(image, label, np.ones((30, 40), np.uint8), classes))
    body = picture[20:50]
    assert (body[:, :40] == 0).all()
    assert (body[:10, 46:86] == 0).all()
    assert (body[10:, 46:86, 0] > 150).all()
    assert (body[10:, 46:86, 1] == 0).all()
    assert (body[:, 92:132, 1] > 150).all()
    errors = body[:, 138:178]
    assert (errors[:10] == 0).all()
    assert (errors[10:] == (213, 40, 40)).all()
    assert image_iou(label, np.ones((30, 40), np.uint8), 2) == 0.0
    legend = picture[56:].reshape(-1, 3).tolist()
    assert [250, 0, 0] in legend
    assert [0, 250, 0] in legend


def test_a_strip_never_replaces_a_file_that_was_not_made_as_one(tmp_path: Path) -> None:
    out = tmp_path / "strips"
    check_own(out, ["a.png"])
    out.mkdir()
    (out / "a.png").write_bytes(b"a picture of mine")
    with pytest.raises(UserError, match=r"a\.png is there and was not made by `hyperseg overlay`"):
        check_own(out, ["a.png"])
    made = ("f" * 64, "camvid", "a" * 64, "test", "standard", "48x64")
    strip = Strip("a.png", sha256_file(out / "a.png"), "a", 50.0, *made)
    (out / "strips.csv").write_text(list_text([strip]))
    check_own(out, ["a.png", "b.png"])
    (out / "a.png").write_bytes(b"changed since")
    with pytest.raises(UserError, match="was not made by"):
        check_own(out, ["a.png"])
    (out / "strips.csv").write_text("film,strip\n")
    with pytest.raises(UserError, match=r"strips\.csv is no list of `hyperseg overlay`"):
        check_own(out, ["b.png"])


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("record.npz", "does not end in .json; name the record to write, for example record.json"),
        ("folder.json", "is a folder; name the record to write"),
        ("mine.json", "is there and is no record of this package"),
        ("mine.json/record.json", "cannot be written below"),
        (f"{'x' * 300}.json", "file name too long"),
    ],
)
def test_where_no_record_can_be_written_is_said_first(out: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "mine.json").write_text('{"images": []}')
    with pytest.raises(UserError, match=message):
        check_record_file(tmp_path / out)
    check_record_file(tmp_path / "new" / "record.json")
    assert not (tmp_path / "new").exists()
