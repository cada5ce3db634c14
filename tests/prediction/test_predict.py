"""`hyperseg predict` on real pictures and a real video, with a small network."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from small_prediction import VARIANT, film, predict

from hyperseg.cli.predict import command
from hyperseg.cli.weights import load_network
from hyperseg.errors import UserError
from hyperseg.models import create_model, export_checkpoint
from hyperseg.prediction import PRETRAINED
from hyperseg.prediction.classes import classes_of
from hyperseg.prediction.frames import open_source, read_picture
from hyperseg.prediction.segmenter import Segmenter


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


def test_without_weights_those_of_the_package_run_at_the_input_that_they_score_best_at(
    pictures: Path, tmp_path: Path
) -> None:
    named = predict(pictures / "a.png", PRETRAINED, tmp_path / "named", "--input", "384x512")
    result = CliRunner().invoke(command, [str(pictures / "a.png"), "--out", str(tmp_path / "plain"), "--threads", "1"])
    assert (named.exit_code, result.exit_code) == (0, 0)
    assert (tmp_path / "plain/a.png").read_bytes() == (tmp_path / "named/a.png").read_bytes()


def test_padding_runs_at_the_pictures_own_size_and_the_fast_engine_agrees(
    pictures: Path, weights: Path, tmp_path: Path
) -> None:
    plain = predict(pictures / "a.png", weights, tmp_path / "plain", "--fit", "pad")
    assert "engine eager\n" in plain.output
    predict(pictures / "a.png", weights, tmp_path / "folded", "--fit", "pad", "--engine", "eager")
    a, b = (np.asarray(Image.open(tmp_path / name / "a.png")) for name in ("plain", "folded"))
    assert a.shape == (70, 150)
    assert (a == b).mean() > 0.99


def test_a_damaged_picture_is_left_out_and_named_and_the_others_are_written(
    pictures: Path, weights: Path, tmp_path: Path
) -> None:
    shutil.copytree(pictures, tmp_path / "in")
    whole = (pictures / "a.png").read_bytes()
    (tmp_path / "in/a2.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "in/b.png").write_bytes(b"")
    with pytest.raises(UserError) as caught:
        predict(tmp_path / "in", weights, tmp_path / "out", "--input", "128x128")
    said = str(caught.value)
    assert said.startswith(f"cannot read 2 of 4 pictures of {tmp_path / 'in'}: {tmp_path / 'in/a2.png'} (a damaged")
    assert f"{tmp_path / 'in/b.png'} (" in said
    assert said.endswith(f"; replace or remove them; the results of the others are in {tmp_path / 'out'}")
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {"a.png", "sub-b.png"}
    for file in (tmp_path / "in/a.png", tmp_path / "in/sub/b.jpg"):
        file.unlink()
    with pytest.raises(UserError, match=r"cannot read 2 of 2 pictures of .*; replace or remove them$"):
        predict(tmp_path / "in", weights, tmp_path / "none", "--input", "128x128")
    assert not (tmp_path / "none").exists()


def test_padding_of_a_picture_that_cannot_fit_is_refused_before_memory_is_taken(weights: Path) -> None:
    segmenter = Segmenter(load_network(weights, None), torch.device("cpu"), (128, 128), "pad", "eager")
    row = np.zeros((1, 1, 3), np.uint8)
    with pytest.raises(
        UserError, match=r"of 3000000 x 2000000 pixels at its own size needs at least .* leave --fit pad"
    ):
        segmenter.predict(np.broadcast_to(row, (2_000_000, 3_000_000, 3)))


def test_on_a_gpu_no_engine_is_compared_that_compiles_for_long_or_that_no_gpu_has_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Segmenter, "_prepare", lambda self, engine, images: engine)
    monkeypatch.setattr(Segmenter, "_time", lambda self, run, images: 1.0 if run == "eager" else 0.5)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)  # PyTorch's own choice
    segmenter = Segmenter(create_model(VARIANT), torch.device("cuda"), (128, 128))
    segmenter._fastest(torch.zeros(1, 3, 128, 128))
    assert not torch.backends.cudnn.allow_tf32
    assert {"eager"} <= set(segmenter.timings_ms) <= {"eager", "triton"}


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
        ("float.tif", "float.tif: its pixels are of mode F, whose range is not known"),
        ("moving.png", "moving.png: it holds 2 frames or pages"),
        ("²", "there is no picture, folder or video ²"),
    ],
)
def test_what_is_no_source_is_named(
    source: str, message: str, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nxxxx")
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "float.tif")
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:])
    with pytest.raises(UserError, match=message) as caught:
        predict(source, weights, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_record_of_other_weights_is_refused(pictures: Path, tmp_path: Path) -> None:
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


def test_a_video_of_one_pixel_and_one_that_was_cut_short(weights: Path, tmp_path: Path) -> None:
    more = "--input", "128x128", "--engine", "eager"
    tiny = film(tmp_path / "tiny.mkv", 1, 1, "ffv1", "bgr0")
    assert "1 frames: " in predict(tiny, weights, tmp_path / "tiny", *more).output
    cut = film(tmp_path / "cut.mkv", 32, 12, "mpeg4", "yuv420p")
    cut.write_bytes(cut.read_bytes()[:-200])
    result = predict(cut, weights, tmp_path / "cut", *more, "--index")
    assert "it may have been cut short" in result.output
    frames = len((tmp_path / "cut" / "areas.csv").read_text().splitlines()) - 1
    assert 0 < frames < 12
    assert (tmp_path / "cut" / "000000.png").is_file()
    predict(tiny, weights, tmp_path / "cut", *more)  # the frames of another video take their place
    assert sorted(path.name for path in (tmp_path / "cut").iterdir()) == ["areas.csv", "overlay.mp4"]


@pytest.mark.parametrize("size", ["0x64", "²x64", "64", "64x64x3", "640000x640000", f"{'9' * 5000}x64", "-1x64"])
def test_an_input_size_that_cannot_be(size: str, pictures: Path, weights: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not an input size; give HEIGHTxWIDTH in pixels, each from 1 to 16384"):
        predict(pictures / "a.png", weights, tmp_path / "out", "--input", size)


def test_a_gif_of_a_folder_is_left_out_and_named(tmp_path: Path) -> None:
    for name in ("a.png", "b.gif", "notes.txt"):
        Image.new("RGB", (20, 20)).save(tmp_path / name, "PNG")
    opened = open_source(str(tmp_path))
    assert opened.count == 1
    assert [note.rpartition(": ")[2] for note in opened.notes] == [str(tmp_path / "b.gif")]
