"""``hyperseg bench``: the speed goals, as ratios to the authors' checkout taken in turns."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from hyperseg.allocator import keep_freed_memory
from hyperseg.bench.setting import ClockName, PartName, Setting
from hyperseg.cli.paths import OutPath
from hyperseg.errors import UserError
from hyperseg.models.variants import VARIANTS, get_variant
from hyperseg.processors import MAX_THREADS

if TYPE_CHECKING:
    from hyperseg.records import BenchNumbers


@click.command()
@click.option("--authors", type=click.Path(path_type=Path), required=True, help="Checkout of YuvalNirkin/hyperseg.")
@click.option("--variant", "variants", multiple=True, help="Repeatable; all otherwise.")
@click.option("--engine", "engines", multiple=True, help="Repeatable; all that are installed otherwise.")
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(get_args(PartName)),
    help="Repeatable; all otherwise, agreement only where weights are given.",
)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--rounds", type=click.IntRange(min=3), default=7, show_default=True, help="Turns of each contender.")
@click.option("--threads", type=click.IntRange(1, MAX_THREADS), help="CPU threads; as torch chooses otherwise.")
@click.option(
    "--clock",
    type=click.Choice(get_args(ClockName)),
    default="wall",
    show_default=True,
    help="cpu: the process's CPU time, for a busy machine; take it with --threads 1.",
)
@click.option(
    "--keep-memory",
    is_flag=True,
    help="Let the process keep freed memory: no contender pays for pages that the system hands out anew.",
)
@click.option("--weights", type=click.Path(path_type=Path), help="Trained weights, for the agreement on real images.")
@click.option("--images", type=click.Path(path_type=Path), help="Folder of real images, for the agreement.")
@click.option("--limit", type=click.IntRange(min=1), default=24, show_default=True, help="Images of the agreement.")
@click.option("--train-batch", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--train-size", type=click.IntRange(min=64), default=256, show_default=True, help="Side of the crop.")
@click.option("--wait", is_flag=True, help="Wait for a device that another job is timing.")
@click.option("--campaign", default="bench", show_default=True, help="Name the records belong to.")
@click.option("--out", type=OutPath(path_type=Path), help="Folder for one record per variant, never overwritten.")
def command(**options: Any) -> None:
    """Measure our engines beside the authors' eager float32 in the same run, and print the goals' verdicts.

    Contenders take turns on the same random weights and input; a ratio is the median over rounds of the authors' time
    by ours, with its interval and a verdict. Parts: inference, a training step, agreement on real images, and loading
    a training sample beside plain Pillow. Records go to OUT/VARIANT/bench-DEVICE.json. Growth with pixels and batch,
    other libraries' networks and peak memory are measured by `hyperseg latency`.
    """
    from hyperseg.latency.authors import check_checkout
    from hyperseg.latency.devices import find_device
    from hyperseg.latency.lock import device_lock
    from hyperseg.latency.samples import refuse_existing

    check_checkout(options["authors"])
    parts: list[PartName] = list(options["parts"]) or [
        p for p in get_args(PartName) if p != "agreement" or options["weights"]
    ]
    variants = [get_variant(variant).id for variant in options["variants"] or VARIANTS]
    named = options.keys() & {field.name for field in fields(Setting)}
    setting = Setting(say=_once(), **{name: options[name] for name in named})
    agreeing = _agreement_variant(parts, setting)
    paths = {variant: _path(options["out"], variant, setting) for variant in {*variants, *filter(None, [agreeing])}}
    refuse_existing(*filter(None, paths.values()))
    device = find_device(setting.device)

    with device_lock(device.lock_key, device.name, options["wait"], say=setting.say):
        _measure(variants, parts, agreeing, setting, options["campaign"], paths)


def _measure(
    variants: list[str],
    parts: list[PartName],
    agreeing: str | None,
    setting: Setting,
    campaign: str,
    paths: dict[str, Path | None],
) -> None:
    """Measure each variant's parts; the agreement only for the variant of the weights."""
    import torch

    from hyperseg.bench.networks import usable_engines
    from hyperseg.bench.run import run
    from hyperseg.records import write_record

    if setting.keep_memory and not keep_freed_memory():
        raise UserError(
            "freed memory cannot be kept on this system, which is not Linux with glibc; leave --keep-memory out"
        )
    if setting.threads:
        torch.set_num_threads(setting.threads)
    usable_engines(setting)  # refuses an unknown engine before anything is timed
    for variant in dict.fromkeys([*variants, *filter(None, [agreeing])]):
        wanted = [part for part in parts if (variant == agreeing if part == "agreement" else variant in variants)]
        if not wanted:
            continue
        click.echo(f"\n{variant} on {setting.device}, {torch.get_num_threads()} threads")
        record = run(variant, wanted, setting, campaign, _show)
        if path := paths[variant]:
            write_record(path, record)
            click.echo(path)


def _once() -> Callable[[str], None]:
    """A function that writes a line to stderr, each text only once: an engine can be left out of every part."""
    said: set[str] = set()

    def say(text: str) -> None:
        if text not in said:
            said.add(text)
            click.echo(text, err=True)

    return say


def _show(numbers: "BenchNumbers") -> None:
    from hyperseg.bench.text import lines

    for line in lines(numbers):
        click.echo(line)


def _agreement_variant(parts: list[PartName], setting: Setting) -> str | None:
    """The variant of the weights if the agreement is asked for, else None."""
    asked = "agreement" in parts
    if (setting.weights is None) != (setting.images is None) or (asked and setting.weights is None):
        raise UserError("the agreement needs --weights and --images; give both")
    if not asked or setting.weights is None:
        return None
    from hyperseg.models.weights import read_weights_info

    return str(read_weights_info(setting.weights).variant)


def _path(out: Path | None, variant: str, setting: Setting) -> Path | None:
    return out / variant / f"bench-{setting.device}.json" if out else None
