"""`hyperseg predict` on real pictures and a real video, with a small network."""

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from hyperseg.cli.predict import command
from hyperseg.errors import UserError
from hyperseg.models import create_model, export_checkpoint, save_weights
from hyperseg.prediction.classes import classes_of
from hyperseg.prediction.frames import open_source, read_picture

VARIANT = "camvid_hyperseg_s"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    save_weights(create_model(VARIANT, backbone="tf_efficientnet_lite0"), path)
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    pixels = np.random.default_rng(0).integers(0, 256, (70, 150, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    (folder / "sub").mkdir()
    Image.fromarray(np.rot90(pixels)).save(folder / "sub" / "b.jpg", exif=exif, quality=100, subsampling=0)
    (folder / "notes.txt").write_text("no picture")
    return folder


def predict(source: object, weights: Path, out: Path, *more: str) -> Result:
    arguments = [str(source), "--weights", str(weights), "--out", str(out), "--threads", "1", *more]
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_a_folder_of_pictures(pictures: Path, weights: Path, tmp_path: Path) -> None:
    result = predict(pictures, weights, tmp_path, "--input", "128x128")
    assert result.exit_code == 0
    assert "2 frames: " in result.output
    names = ["a.overlay.jpg", "a.png", "areas.csv", "sub-b.overlay.jpg", "sub-b.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    with (tmp_path / "areas.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows] == ["a", "sub-b"]
    for row in rows:
        indices = np.asarray(Image.open(tmp_path / f"{row['frame']}.png"))
        assert indices.shape == (70, 150)  # the picture's own size, upright
        assert float(row["Sky %"]) == pytest.approx(100 * (indices == 0).mean(), abs=1e-3)
        assert indices.max() < 11  # Void is not answered
        assert sum(float(row[key]) for key in row if key != "frame") == pytest.approx(100, abs=0.01)


def test_padding_runs_at_the_pictures_own_size_and_the_fast_engine_agrees(
    pictures: Path, weights: Path, tmp_path: Path
) -> None:
    plain = predict(pictures / "a.png", weights, tmp_path / "plain", "--fit", "pad")
    assert "engine eager\n" in plain.output
    predict(pictures / "a.png", weights, tmp_path / "folded", "--fit", "pad", "--engine", "eager")
    a, b = (np.asarray(Image.open(tmp_path / name / "a.png")) for name in ("plain", "folded"))
    assert a.shape == (70, 150)
    assert (a == b).mean() > 0.99


def test_a_video(pictures: Path, weights: Path, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "in.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 150, 70, "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(read_picture(pictures / "a.png"), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    result = predict(
        tmp_path / "in.mp4", weights, tmp_path / "out", "--input", "128x128", "--engine", "eager", "--frames", "2"
    )
    assert "2 frames: " in result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["areas.csv", "overlay.mp4"]
    with av.open(str(tmp_path / "out" / "overlay.mp4")) as container:
        frames = list(container.decode(video=0))
        assert (len(frames), frames[0].width, frames[0].height) == (2, 150, 70)
        assert float(container.streams.video[0].average_rate) == 5


def test_released_checkpoints_need_their_variant(pictures: Path, tmp_path: Path) -> None:
    path = tmp_path / "released.pth"
    export_checkpoint(create_model(VARIANT), path)
    with pytest.raises(UserError, match="does not name its network; give its variant with --variant"):
        predict(pictures / "a.png", path, tmp_path / "out")
    result = predict(pictures / "a.png", path, tmp_path / "out", "--variant", VARIANT, "--input", "128x128")
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nothing.png", "there is no picture, folder or video nothing.png"),
        ("93", "there is no camera 93 "),
        ("empty", "holds no picture"),
        ("text.mp4", "cannot open .*text.mp4"),
        ("broken.png", "cannot read picture .*broken.png"),
        ("deep.png", r"is a I;16 picture, not one of 8 bits a channel"),
    ],
)
def test_what_is_no_source_is_named(
    source: str, message: str, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nxxxx")
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(UserError, match=message) as caught:
        predict(source, weights, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_record_of_other_weights_is_refused(pictures: Path, weights: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"beside .*train.json there is no weights.safetensors"):
        predict(pictures / "a.png", tmp_path / "train.json", tmp_path / "out")


def test_classes_are_named_by_what_is_known() -> None:
    model = create_model(VARIANT, num_classes=3, backbone="tf_efficientnet_lite0")
    assert [entry.name for entry in classes_of(model, None)] == ["class 0", "class 1", "class 2"]
    assert len({entry.colour for entry in classes_of(model, None)}) == 3
    model = create_model("cityscapes_hyperseg_m", num_classes=12, backbone="tf_efficientnet_lite0")
    assert [entry.name for entry in classes_of(model, "camvid_segnet")][:2] == ["Sky", "Building"]


def test_a_folder_stops_at_the_limit(pictures: Path) -> None:
    assert [frame.name for frame in open_source(str(pictures), 1).frames] == ["a"]
