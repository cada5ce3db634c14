"""``hyperseg latency``: time networks under a latency protocol, each into one record."""

from pathlib import Path
from typing import Any, get_args

import click

from hyperseg.cli.paths import OutPath
from hyperseg.errors import UserError
from hyperseg.latency.protocol import BatchNorm, Precision
from hyperseg.processors import MAX_THREADS

OURS_ALONE = "it runs this package's networks alone"


@click.command()
@click.option("--variant", required=True, help="Variant to time; peers are timed at its input size and class count.")
@click.option("--weights", type=click.Path(path_type=Path), help="Trained weights; random ones otherwise, marked so.")
@click.option("--backbone", help="timm name of another backbone.")
@click.option("--num-classes", type=click.IntRange(min=1), help="Classes, where they differ from the variant's.")
@click.option("--peer", "peers", multiple=True, help="A peer to time beside the variant, or 'all'. Repeatable.")
@click.option(
    "--authors", type=click.Path(path_type=Path), help="Their checkout: time their eager network beside ours."
)
@click.option("--protocol", default="deploy", show_default=True, help="Protocol id.")
@click.option("--engine", "engines", multiple=True, default=["eager"], show_default=True, help="Repeatable, or 'all'.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--precision", type=click.Choice(get_args(Precision)), default="float32", show_default=True)
@click.option("--tf32", is_flag=True, help="Let a GPU compute float32 products in TF32.")
@click.option("--height", type=click.IntRange(min=1), help="Input height; the variant's native one otherwise.")
@click.option("--width", type=click.IntRange(min=1), help="Input width; the variant's native one otherwise.")
@click.option("--batch-norm", type=click.Choice(get_args(BatchNorm)), help="Other than the protocol's own.")
@click.option("--images", type=click.IntRange(min=1), help="Images of a pass, for protocols that count passes.")
@click.option("--threads", type=click.IntRange(1, MAX_THREADS), help="CPU threads; as torch chooses otherwise.")
@click.option("--wait", is_flag=True, help="Wait for a device that another job is timing.")
@click.option("--scaling", is_flag=True, help="Short for --protocol scaling: time against input size and batch.")
@click.option("--check-sampling", is_flag=True, help="Show what sampling the conditions costs, and write no record.")
@click.option("--campaign", default="latency", show_default=True, help="Name the record belongs to.")
@click.option("--out", type=OutPath(path_type=Path), help="Folder of the records.")
@click.option("--out-file", type=OutPath(path_type=Path), help="File of the one record, instead of --out.")
def command(**options: Any) -> None:
    """Time networks under a latency protocol, and end with the table and the verdict.

    Several engines and peers are measured in one session, in turns. Records are written as
    OUT/PROTOCOL-DEVICE-ENGINE-PRECISION.json, a peer's under OUT/peers/PEER/, the authors'
    under OUT/authors/; raw samples beside them as .parquet;
    neither is ever overwritten.
    """
    if options["scaling"]:
        options["protocol"] = "scaling"
    from hyperseg.latency.live import LiveLine, print_table

    requests = _requests(options)
    if options["check_sampling"]:
        from hyperseg.latency.sampling_overhead import check

        click.echo(check(requests[0], wait=options["wait"]).report())
        return
    from hyperseg.latency.laboratory import run_session, save
    from hyperseg.latency.samples import refuse_existing

    paths = _paths(options, requests)
    refuse_existing(*paths, *(path.with_suffix(".parquet") for path in paths))
    live = LiveLine()
    try:
        outcomes = run_session(requests, live, wait=options["wait"])
    finally:
        live.end()
    _tell_left_out({o.title: o.refused for o in outcomes if o.refused is not None})
    done = [(outcome, path) for outcome, path in zip(outcomes, paths, strict=True) if not outcome.refused]
    if not done:
        raise UserError("no engine runs here, for the reasons above; choose another --device or --precision")
    records = [save(outcome, path) for outcome, path in done]
    print_table(records)
    for _, path in done:
        click.echo(path)


def _requests(options: dict[str, Any]) -> list[Any]:
    """One request per engine and network: the variant first, then the authors' network, then peers."""
    from hyperseg.latency.devices import parse_device
    from hyperseg.latency.engines import engine_table, select_engines
    from hyperseg.latency.protocol import load_protocol
    from hyperseg.latency.request import Request
    from hyperseg.latency.subjects import AuthorsSpec, PeerSpec, Subject, VariantSpec
    from hyperseg.networks import get_network

    variant = get_network(options["variant"])
    protocol = load_protocol(options["protocol"])
    kind, _ = parse_device(options["device"])
    num_classes = options["num_classes"]
    engines, left_out = select_engines(options["engines"], kind, options["precision"], max(protocol.batches))
    _tell_left_out(left_out)
    ours = VariantSpec(
        variant=variant.id, weights=options["weights"], backbone=options["backbone"], num_classes=num_classes
    )
    pairs: list[tuple[Subject, str]] = [(ours, engine) for engine in engines]
    if options["authors"]:
        pairs.append((AuthorsSpec(checkout=options["authors"].absolute(), variant=variant.id), "eager"))
    if options["peers"]:
        from hyperseg.latency.peers import select_peers

        peers, left_out = select_peers(options["peers"])
        _tell_left_out(left_out)
        general = [engine for engine in engines if not engine_table()[engine].ours_alone]
        _tell_left_out({f"engine {name}, for peers,": OURS_ALONE for name in engines if name not in general})
        pairs += [
            (PeerSpec(peer=peer, num_classes=num_classes or variant.num_classes), engine)
            for peer in peers
            for engine in general
        ]
    return [
        Request(
            subject=subject,
            protocol=options["protocol"],
            engine=engine,
            campaign=options["campaign"],
            height=options["height"] or variant.eval_hw[0],
            width=options["width"] or variant.eval_hw[1],
            device=options["device"],
            precision=options["precision"],
            tf32=options["tf32"],
            batch_norm=options["batch_norm"],
            dataset=variant.dataset,
            images=options["images"],
            threads=options["threads"],
            by_name=engine in options["engines"] or subject.kind == "authors",
        )
        for subject, engine in pairs
    ]


def _paths(options: dict[str, Any], requests: list[Any]) -> list[Path]:
    """The record's file of every request."""
    if options["out_file"] is not None:
        if len(requests) > 1:
            raise UserError("--out-file names one record and several are asked for; give --out with a folder")
        return [options["out_file"]]
    if options["out"] is None:
        raise UserError("no place for the record; give --out with a folder, or --out-file")
    from hyperseg.latency.request import record_path

    return [options["out"] / record_path(request) for request in requests]


def _tell_left_out(left_out: dict[str, str]) -> None:
    for name, reason in left_out.items():
        click.echo(f"{name} is left out: {reason}", err=True)
