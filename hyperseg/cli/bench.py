"""``hyperseg bench``: every engine beside the authors' checkout, interleaved, with the speed goals' verdicts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from hyperseg.errors import UserError
from hyperseg.latency.ratios import Clock, Contender, Goal, Timing, time_in_turns, verdict
from hyperseg.models.variants import VARIANTS, get_variant

if TYPE_CHECKING:
    from torch import Tensor, nn

    from hyperseg.models import HyperSeg

TORCH_ALONE = ("eager", "compile", "native")


@click.command()
@click.option("--authors", type=click.Path(path_type=Path), required=True, help="Checkout of YuvalNirkin/hyperseg.")
@click.option("--variant", "variants", multiple=True, help="Repeatable; all otherwise.")
@click.option("--engine", "engines", multiple=True, help="Repeatable; all that are installed otherwise.")
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(["inference", "training", "agreement"]),
    help="Repeatable; inference and training, and agreement where weights are given, otherwise.",
)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--rounds", type=click.IntRange(min=3), default=7, show_default=True, help="Turns of each contender.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads; as torch chooses otherwise.")
@click.option(
    "--clock",
    type=click.Choice(get_args(Clock)),
    default="wall",
    show_default=True,
    help="cpu: the process's CPU time, for a busy machine; take it with --threads 1.",
)
@click.option("--weights", type=click.Path(path_type=Path), help="Trained weights, for the agreement on real images.")
@click.option("--images", type=click.Path(path_type=Path), help="Folder of real images, for the agreement.")
@click.option("--limit", type=click.IntRange(min=1), default=24, show_default=True, help="Images of the agreement.")
@click.option("--train-batch", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--train-size", type=click.IntRange(min=64), default=256, show_default=True, help="Side of the crop.")
def command(**options: Any) -> None:
    """Time every engine beside the authors' eager float32 in one process, in turns, and print the speed goals.

    Both networks get the same random weights and input; the ratio is the median over rounds of the authors' time by
    ours. Peak memory and growth with size are in the records of `hyperseg latency`.
    """  # fmt: skip
    import torch

    if options["device"] == "cuda" and not torch.cuda.is_available():
        raise UserError("there is no CUDA device here; run the benchmark where there is one, or with --device cpu")
    if (options["weights"] is None) != (options["images"] is None):
        raise UserError("the agreement needs both --weights and --images; give both or neither")
    if options["threads"]:
        torch.set_num_threads(options["threads"])
    parts = options["parts"] or ("inference", "training", *(["agreement"] if options["weights"] else []))
    for variant in options["variants"] or VARIANTS:
        if "inference" in parts:
            bench_inference(get_variant(variant).id, options)
        if "training" in parts:
            bench_training(get_variant(variant).id, options)
    if "agreement" in parts:
        if not options["weights"]:
            raise UserError("the agreement needs --weights and --images; give both")
        bench_agreement(options)


def bench_inference(variant: str, options: dict[str, Any]) -> None:
    """Print every engine's time, ratio and error at the variant's native input, batch 1."""
    import torch

    from hyperseg.latency.authors import load_network
    from hyperseg.models import export_checkpoint

    device, (height, width) = options["device"], get_variant(variant).eval_hw
    ours = _network(variant)
    authors = load_network(options["authors"], variant)
    authors.load_state_dict(export_checkpoint(ours)["state_dict"], strict=False)
    authors = authors.eval().to(device)
    image = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0)).to(device)
    with torch.inference_mode():
        plain = ours.to(device)(image)
        contenders = [Contender("authors", _timed(authors, image, device))]
        errors = {"authors": float((authors(image) - plain).abs().max())}
        for name, run in _prepared(ours, image, options):
            contenders.append(Contender(name, _timed(run, image, device)))
            errors[name] = float((run(image).float() - plain).abs().max())
        timings = time_in_turns(contenders, options["rounds"], options["clock"], warm_up=2)
    unit = "CPU ms" if options["clock"] == "cpu" else "ms"
    click.echo(f"\n{variant} at {height} x {width}, batch 1, {device}, {torch.get_num_threads()} threads, inference")
    _table(timings, unit, errors)
    for goal in _inference_goals(device, [timing.name for timing in timings]):
        click.echo("  " + verdict(goal, timings))


def bench_training(variant: str, options: dict[str, Any]) -> None:
    """Print the time of a training step (forward, loss, backward, Adam step) of both, and their first losses."""
    import torch

    from hyperseg.latency.authors import load_bootstrapped_loss, load_network, silence_randomness
    from hyperseg.models import export_checkpoint
    from hyperseg.training.loss import IGNORE, bootstrapped_cross_entropy, cross_entropy

    device, side, batch = options["device"], options["train_size"], options["train_batch"]
    ours = _network(variant)
    authors = load_network(options["authors"], variant)
    authors.load_state_dict(export_checkpoint(ours)["state_dict"], strict=False)
    silence_randomness(authors)
    voc = get_variant(variant).decoder == "voc"
    plain = torch.nn.CrossEntropyLoss(ignore_index=IGNORE)
    theirs = plain if voc else load_bootstrapped_loss(options["authors"])
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, 3, side, side, generator=generator).to(device)
    labels = torch.randint(0, ours.num_classes, (batch, side, side), generator=generator).to(device)
    first: dict[str, float] = {}
    contenders = []
    networks = {"authors": (authors, theirs), "ours": (ours, cross_entropy if voc else bootstrapped_cross_entropy)}
    for name, (network, loss) in networks.items():
        step = _training_step(network.train().to(device), loss, images, labels, fused=name == "ours")
        first[name] = step()
        contenders.append(Contender(name, step))
    timings = time_in_turns(contenders, options["rounds"], options["clock"], warm_up=1)
    click.echo(f"\n{variant} at {side} x {side}, batch {batch}, {device}, training step")
    _table(timings, "CPU ms" if options["clock"] == "cpu" else "ms", {})
    difference = abs(first["authors"] - first["ours"])
    click.echo(f"  first loss {first['ours']:.6f}, the authors' {first['authors']:.6f}, difference {difference:.1e}")
    click.echo("  " + verdict(Goal("training step", 2.0, ("ours",)), timings))


def bench_agreement(options: dict[str, Any]) -> None:
    """Print how often each engine's classes equal the plain float32 network's, on real images."""
    import torch

    from hyperseg.latency.agreement import agreement, read_images
    from hyperseg.models.weights import read_weights_info

    variant = str(read_weights_info(options["weights"]).variant)
    ours = _network(variant, options["weights"])
    images = [i.to(options["device"]) for i in read_images(options["images"], ours.variant.eval_hw, options["limit"])]
    click.echo(f"\n{variant}, classes equal to plain float32's on {len(images)} images of {options['images']}")
    with torch.inference_mode():
        ours = ours.to(options["device"])
        for name, run in _prepared(ours, images[0], options):
            share = agreement(ours, run, images)
            word = "reached" if share >= 99.5 else "MISSED"
            click.echo(f"  {name:32} {share:7.3f} %   {word} (goal 99.5 %)")


def _network(variant: str, weights: Path | None = None) -> "HyperSeg":
    import torch

    from hyperseg import create_model

    torch.manual_seed(0)
    network = create_model(variant, weights=weights, stochastic_depth=0.0, dropout=0.0).eval()
    if weights is None:
        _enliven(network)
    return network


def _enliven(network: "HyperSeg") -> None:
    """Random norms and wider generators: with fresh ones the logits are all but zero, and an error in them unseen."""
    import torch
    from torch import nn

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.8, 1.6)
                module.bias.normal_(0, 0.2)
        for generator in network.decoder.generators:
            for parameter in generator.parameters():
                parameter.mul_(4)


def _prepared(ours: "nn.Module", image: "Tensor", options: dict[str, Any]) -> list[tuple[str, Any]]:
    """Each engine that was asked for and is installed, in every precision it has, named engine/precision."""
    import copy

    import torch

    from hyperseg.latency.engines import Target, engine_table, get_engine

    found = []
    for name, engine in engine_table().items():
        if options["engines"] and name not in options["engines"]:
            continue
        if engine.missing():
            click.echo(f"  engine {name} is left out: {engine.missing()}")
            continue
        for device, precision in sorted(engine.modes):
            if device == options["device"]:
                target = Target(device=device, precision=precision, threads=torch.get_num_threads(), tf32=False)
                run = get_engine(name, device, precision).prepare(copy.deepcopy(ours), image, target)
                found.append((f"{name}/{precision}", run))
    return found


def _timed(run: Any, image: "Tensor", device: str) -> Any:
    import torch

    def once() -> None:
        with torch.inference_mode():
            run(image)
        if device == "cuda":
            torch.cuda.synchronize()

    return once


def _training_step(network: "nn.Module", loss: Any, images: "Tensor", labels: "Tensor", fused: bool) -> Any:
    import torch

    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, betas=(0.5, 0.999), fused=fused)

    def step() -> float:
        optimizer.zero_grad()
        value = loss(network(images), labels)
        value.backward()
        optimizer.step()
        return float(value.detach())

    return step


def _inference_goals(device: str, names: list[str]) -> list[Goal]:
    def of(precision: str, engines: tuple[str, ...] = ()) -> tuple[str, ...]:
        chosen = [name for name in names if name.endswith(f"/{precision}")]
        return tuple(name for name in chosen if not engines or name.partition("/")[0] in engines)

    if device == "cuda":
        return [Goal("CUDA float32, TF32 off", 4.0, of("float32")), Goal("CUDA float16", 10.0, of("float16"))]
    return [
        Goal("CPU float32, best engine", 3.5, of("float32")),
        Goal("CPU float32, torch alone", 2.5, of("float32", TORCH_ALONE)),
        Goal("CPU bfloat16, best engine", 6.0, of("bfloat16")),
    ]


def _table(timings: list[Timing], unit: str, errors: dict[str, float]) -> None:
    for timing in timings:
        error = f"   largest error {errors[timing.name]:.1e}" if timing.name in errors else ""
        click.echo(f"  {timing.name:32} {timing.median_ms:9.1f} {unit}  {timing.ratio:6.2f}x{error}")
