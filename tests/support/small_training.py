"""The `hyperseg train` command on a tiny network input, as a user would type it."""

from pathlib import Path

from click.testing import CliRunner, Result

from hyperseg.cli.train import command

VARIANT = "camvid_hyperseg_s"
SETTINGS = {
    "backbone": "tf_efficientnet_lite0", "pretrained_backbone": "false", "epochs": "2", "images_per_epoch": "4",
    "batch": "2", "crop_hw": "[128, 128]", "selection": "last", "threads": "1", "workers": "0",
}  # fmt: skip


def arguments(data: Path, out: Path, *extra: str, **changes: str) -> list[str]:
    words = ["--variant", VARIANT, "--data", str(data), "--out", str(out), *extra]
    for key, value in (SETTINGS | changes).items():
        words += ["--set", f"{key}={value}"]
    return words


def train(data: Path, out: Path, *extra: str, **changes: str) -> Result:
    return CliRunner().invoke(command, arguments(data, out, *extra, **changes), catch_exceptions=False)
