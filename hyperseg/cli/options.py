"""Options that several commands have."""

from pathlib import Path

import click

from hyperseg.processors import MAX_THREADS

_PATH = click.Path(path_type=Path)

WEIGHTS = click.option(
    "--weights", required=True, type=_PATH, help="A weights.safetensors of `hyperseg train`, or a released .pth."
)
DATA = click.option("--data", required=True, type=_PATH, help="Prepared dataset folder.")
SPLIT = click.option("--split", default="test", show_default=True, help="One split, or several joined with '+'.")
VARIANT = click.option("--variant", help="Variant id; needed for a .pth, which does not name it.")
CONFIG = click.option("--config", type=_PATH, help="Campaign YAML; its evaluation.input_hw is used.")
INPUT = click.option(
    "--input", "input_size", metavar="HxW", help="Network input, height x width; default: the variant's."
)
THREADS = click.option(
    "--threads", type=click.IntRange(1, MAX_THREADS), help="torch's threads on a CPU; default: all cores."
)
DEVICE = click.option("--device", default="auto", show_default=True, type=click.Choice(["auto", "cpu", "cuda"]))
