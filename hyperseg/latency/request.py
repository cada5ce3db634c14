"""A user's request, and its checks before anything is timed."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hyperseg.errors import UserError
from hyperseg.latency.devices import Device, find_device, parse_device
from hyperseg.latency.engines import engine_table, get_engine
from hyperseg.latency.job import Job
from hyperseg.latency.processes import OutOfMemoryError
from hyperseg.latency.protocol import BatchNorm, Precision, Protocol, load_protocol
from hyperseg.latency.roofline import Work, count_work
from hyperseg.latency.stages import Staged
from hyperseg.latency.subjects import PeerSpec, Subject, VariantSpec
from hyperseg.networks import get_network
from hyperseg.records.schema import NetworkRef
from hyperseg.rivals import rival_table


@dataclass(frozen=True)
class Request:
    """One number, or one sweep, to be measured."""

    subject: Subject
    protocol: str
    engine: str
    campaign: str
    height: int  # the native input
    width: int
    device: str = "cpu"  # 'cpu', 'cuda' or 'cuda:N'
    precision: Precision = "float32"
    tf32: bool = False
    batch_norm: BatchNorm | None = None  # None: the protocol's default
    dataset: str | None = None  # whose split's size a protocol by passes takes
    images: int | None = None  # instead of that size
    threads: int | None = None  # None: as torch chooses
    by_name: bool = True  # False: the engine came from 'all', and is left out if it cannot run here

    @property
    def in_tf32(self) -> bool:
        """Whether TF32 is both allowed and what the engine would use."""
        on_gpu, exact = parse_device(self.device)[0] == "cuda", engine_table()[self.engine].exact
        return self.tf32 and on_gpu and self.precision == "float32" and not exact


@dataclass(frozen=True)
class PlannedPoint:
    """One batch at one input size."""

    axis: Literal["input", "batch"]
    pixel_ratio: float
    job: Job
    work: Work


@dataclass
class Plan:
    """A checked request: the network's description and the points to time, in order."""

    request: Request
    protocol: Protocol
    network: NetworkRef
    points: list[PlannedPoint] = field(default_factory=list)


def check_request(request: Request) -> Device:
    """The device of a request. Raises :class:`UserError` for what can be refused without building anything."""
    kind, _ = parse_device(request.device)
    protocol = load_protocol(request.protocol)
    _check_protocol(request, protocol)
    engine = get_engine(request.engine, kind, request.precision, max(protocol.batches))
    ours = isinstance(request.subject, VariantSpec) and request.subject.variant not in rival_table()
    if engine.ours_alone and not ours:
        raise UserError(
            f"engine {engine.name} runs this package's networks alone; choose another one for {request.subject.title}"
        )
    return find_device(request.device)


def make_plan(request: Request) -> Plan:
    """Check a request and lay out its points. Raises :class:`UserError` for what cannot be timed, saying why."""
    from torch import inference_mode

    from hyperseg.models import check_size

    device = check_request(request)
    protocol = load_protocol(request.protocol)
    laid_out = sizes(request, protocol)
    if not isinstance(request.subject, PeerSpec):
        for _, _, height, width in laid_out:
            check_size(get_network(request.subject.variant), height, width)
    with inference_mode():
        network = request.subject.build()
        plan = Plan(request, protocol, request.subject.describe(network, (request.height, request.width)))
        staged = Staged(network, protocol.stages).eval()
        for axis, batch, height, width in laid_out:
            job = _job(request, protocol, device, batch, height, width)
            ratio = height * width / (request.height * request.width)
            plan.points.append(PlannedPoint(axis, ratio, job, count_work(staged, batch, height, width)))
    _check_memory(plan.points[0], device)
    return plan


def record_path(request: Request) -> Path:
    """The record's place below the folder a user names; a batch-norm reading other than the protocol's is in it."""
    kind, index = parse_device(request.device)
    device = kind if not index else f"{kind}{index}"
    default = load_protocol(request.protocol).batch_norm.default
    reading = "" if request.batch_norm in (None, default) else f"-{request.batch_norm}"
    precision = f"{request.precision}{'-tf32' if request.in_tf32 else ''}"
    name = f"{request.protocol}-{device}-{request.engine}-{precision}{reading}"
    folders = {"variant": Path(), "authors": Path("authors"), "peer": Path("peers", request.subject.title)}
    return folders[request.subject.kind] / f"{name}.json"


def _check_protocol(request: Request, protocol: Protocol) -> None:
    name = f"protocol {protocol.id}"
    if protocol.engines is not None and request.engine not in protocol.engines:
        raise UserError(f"{name} is defined for engine {', '.join(protocol.engines)}, not for '{request.engine}'")
    if request.precision not in protocol.precisions:
        raise UserError(f"{name} is defined for {', '.join(protocol.precisions)}, not for {request.precision}")
    if request.batch_norm is not None and request.batch_norm not in protocol.batch_norm.allowed:
        allowed = " or ".join(protocol.batch_norm.allowed)
        raise UserError(f"{name} takes its batch norms {allowed}, not {request.batch_norm}")
    if request.tf32 and not protocol.tf32_allowed:
        raise UserError(f"{name} is defined with TF32 off; leave --tf32 out")
    if request.images is not None and protocol.passes is None:
        raise UserError(f"{name} counts no passes over images; leave --images out")


def _check_memory(point: PlannedPoint, device: Device) -> None:
    """Refuse what cannot fit by its largest operator alone, before memory is taken."""
    needed = needed_bytes(point)
    if needed > device.free_bytes:
        raise OutOfMemoryError(
            f"{point.job.subject.title} at batch {point.job.batch}, {point.job.height} x {point.job.width} needs at "
            f"least {needed / 2**30:.1f} GiB on {point.job.device}, where {device.free_bytes / 2**30:.1f} GiB are "
            "free; choose a smaller batch or input"
        )


def needed_bytes(point: PlannedPoint) -> int:
    """A lower bound of the memory a point takes: weights, and the tensors of the largest operator."""
    itemsize = 4 if point.job.precision == "float32" else 2
    return point.work.weight_bytes + point.work.largest_operator_bytes * itemsize // 4


def sizes(request: Request, protocol: Protocol) -> list[tuple[Literal["input", "batch"], int, int, int]]:
    """(axis, batch, height, width) of every point; the native input at the first batch is on both axes, once."""
    sizes: list[tuple[Literal["input", "batch"], int, int, int]] = []
    if len(protocol.input_scales) > 1:
        for scale in protocol.input_scales:
            height, width = _scaled(request, scale)
            if ("input", protocol.batches[0], height, width) not in sizes:
                sizes.append(("input", protocol.batches[0], height, width))
    else:
        sizes.append(("batch", protocol.batches[0], request.height, request.width))
    return sizes + [("batch", batch, request.height, request.width) for batch in protocol.batches[1:]]


def _scaled(request: Request, scale: float) -> tuple[int, int]:
    """The native size with about `scale` times its pixels, in the sizes the network takes."""
    unit = 32 if isinstance(request.subject, PeerSpec) else get_network(request.subject.variant).unit
    height, width = (max(unit, round(side * scale**0.5 / unit) * unit) for side in (request.height, request.width))
    return height, max(width, 2 * unit)  # a single unit by a single unit is too small for most variants


def _job(request: Request, protocol: Protocol, device: Device, batch: int, height: int, width: int) -> Job:
    warm_up, length = protocol.lengths(request.dataset, request.images)
    return Job(
        subject=request.subject,
        engine=request.engine,
        device=device.kind,
        device_index=device.index,
        precision=request.precision,
        tf32=request.in_tf32,
        batch_norm=request.batch_norm or protocol.batch_norm.default,
        stages=protocol.stages,
        batch=batch,
        height=height,
        width=width,
        threads=request.threads,
        warm_up=warm_up,
        length=length,
        calibration_seconds=protocol.calibration_seconds,
    )
