"""The processes of a session: ``python -m hyperseg.gpu.pieces OPTIONS PIECE SECONDS-LEFT``."""

import csv
import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic
from hyperseg.gpu.plan import Options, Piece
from hyperseg.gpu.trainings import camvid, front
from hyperseg.models.variants import get_variant

if TYPE_CHECKING:
    from hyperseg.bench.setting import PartName, Setting

CAMPAIGN = "gpu"


def main() -> None:
    """Run one piece; a :class:`UserError` is one line and exit code 2."""
    options, piece = Options.of_json(json.loads(sys.argv[1])), Piece(sys.argv[2], 0, "")
    try:
        PIECES[piece.kind](options, *piece.arguments, **_left(piece, float(sys.argv[3])))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _left(piece: Piece, seconds: float) -> dict[str, float]:
    return {"seconds": seconds} if piece.kind == "camvid" else {}


def compile_all(options: Options) -> None:
    """Fill the caches of compiled kernels: prepare every engine that compiles, each in a process of its own."""
    jobs = [f"compile-one:{v}:{p}" for v in options.variants for p in options.precisions]
    failed = _side_by_side(jobs, max(1, (os.cpu_count() or 1) // 4))
    if failed:
        print(f"not compiled: {', '.join(failed)}; the pieces that need it say why")


def compile_one(options: Options, variant: str, precision: str) -> None:
    """One variant in one precision: to logits as ``bench`` runs it, and to classes as protocol `deploy` does."""
    import torch

    from hyperseg.bench.networks import ours
    from hyperseg.latency.engines import Target, engine_table
    from hyperseg.latency.stages import Staged

    image = torch.zeros(1, 3, *_size(options, variant), device=options.device)
    target = Target(options.device, precision, torch.get_num_threads(), tf32=False)
    for name in options.engines["compiled"]:
        engine = engine_table()[name]
        if engine.missing() or not engine.runs(options.device, precision):
            continue
        with torch.inference_mode():
            engine.prepare(ours(variant).to(options.device), image, target)(image)
            staged = Staged(ours(variant).to(options.device), ["forward", "upsample", "argmax"]).eval()
            engine.prepare(staged, image, target)(image)


def answers(options: Options, which: str = "ready") -> None:
    """Liveness and agreement of every engine, of all variants in processes of their own: nothing is timed."""
    failed = _side_by_side([f"answers-one:{v}:{which}" for v in options.variants], len(options.variants))
    if failed:
        raise UserError(f"no answers of {', '.join(failed)}; their own message is above in this log")


def answers_one(options: Options, variant: str, which: str) -> None:
    """The answers of one variant's engines."""
    from hyperseg.gpu.answers import check

    check(options, variant, _size(options, variant), options.engines[which], which)


def early(options: Options, variant: str) -> None:
    """Engine triton with its kernels started early beside not: the same bits, and the time of a pass by events."""
    from hyperseg.gpu.early import check

    check(options, variant, _size(options, variant))


def _side_by_side(jobs: list[str], workers: int) -> list[str]:
    """Run pieces in processes of their own, several at a time; those that failed."""

    threads = max(1, (os.cpu_count() or 1) // min(workers, len(jobs)))

    def one(job: str) -> int:
        command = [sys.executable, "-m", "hyperseg.gpu.pieces", sys.argv[1], job, "0"]
        return subprocess.run(command, check=False, env=os.environ | {"OMP_NUM_THREADS": str(threads)}).returncode

    with ThreadPoolExecutor(workers) as pool:
        return [job for job, code in zip(jobs, pool.map(one, jobs), strict=True) if code]


def bench(options: Options, variant: str, which: str = "ready") -> None:
    """Inference in OUT/records/VARIANT/inference, or inference-GROUP of engines, each bench-DEVICE.json."""
    part = "inference" if which == "ready" else f"inference-{which}"
    campaign = CAMPAIGN if which == "ready" else f"{CAMPAIGN}-{which}"  # a report's tables keep the two apart
    _bench(options, variant, "inference", part, _setting(options, options.engines[which]), campaign)


def training(options: Options, variant: str) -> None:
    """A training step beside the authors', in OUT/records/VARIANT/training."""
    _bench(options, variant, "training", "training", _setting(options, options.engines["ready"]))


def agreement(options: Options) -> None:
    """Equal classes of every engine on pictures of the dataset's test split, with the weights that come along."""
    from hyperseg.prediction import PRETRAINED

    assert options.camvid is not None
    pictures = options.camvid / "test" / "images"
    setting = _setting(
        options, options.engines["ready"], weights=PRETRAINED, images=pictures, limit=1 if options.dry else 24
    )
    _bench(options, "camvid_hyperseg_s", "agreement", "agreement", setting)


def _bench(
    options: Options,
    variant: str,
    part: "PartName",
    folder: str,
    setting: "Setting",
    campaign: str = CAMPAIGN,
) -> None:
    from hyperseg.bench.run import run
    from hyperseg.bench.text import lines
    from hyperseg.latency.devices import find_device
    from hyperseg.latency.lock import device_lock
    from hyperseg.records import write_record

    path = options.records / variant / folder / f"bench-{options.device}.json"
    if path.exists():
        return
    setting = replace(setting, size=_size(options, variant))
    device = find_device(setting.device)
    with device_lock(device.lock_key, device.name):
        record = run(variant, [part], setting, campaign, lambda numbers: print(*lines(numbers), sep="\n"))
    write_record(path, record)


def latency(options: Options, variant: str, protocol: str, which: str) -> None:
    """One protocol on the fastest engine, or on what runs operator by operator; nothing is measured again.

    What is refused, because another process has the GPU, say, does not keep the rest from being measured; the piece is
    not done then.
    """
    from hyperseg.gpu.early import faster
    from hyperseg.latency.engines import engine_table
    from hyperseg.latency.laboratory import run_session, save
    from hyperseg.latency.protocol import Precision
    from hyperseg.latency.request import Request, record_path
    from hyperseg.latency.subjects import AuthorsSpec, Subject, VariantSpec

    ours: Subject = VariantSpec(variant=variant)
    modes: list[tuple[Subject, str, str]] = [(ours, "eager", "float32")]
    if which == "fastest":
        one = protocol == "deploy" and engine_table()["triton"].missing() is None  # image at a time
        modes = [(ours, faster(options, variant) if one else "cudagraph", "float16")]
    elif options.authors and not options.dry:
        modes.append((AuthorsSpec(checkout=options.authors.absolute(), variant=variant), "eager", "float32"))
    height, width = _size(options, variant)
    requests = [
        Request(
            subject, protocol, engine, CAMPAIGN, height, width, device=options.device,
            precision=cast(Precision, precision), dataset=get_variant(variant).dataset,
        )
        for subject, engine, precision in modes
    ]  # fmt: skip
    folder = options.records / variant / "latency" / protocol
    wanted = [request for request in requests if not (folder / record_path(request)).exists()]
    refused = []
    for request in wanted:
        try:
            outcomes = run_session([request], print)
        except UserError as error:
            refused.append(f"{request.subject.title}, {request.engine} in {request.precision}: {error}")
            continue
        save(outcomes[0], folder / record_path(request))
    if refused:
        raise UserError("; ".join(refused))


def profile(options: Options, variant: str) -> None:
    """OUT/profiles/VARIANT.csv: time of each operator and shape of an eager pass, channels last."""
    import torch
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    from hyperseg.bench.networks import ours

    cuda = options.device == "cuda"
    dtype = torch.float16 if cuda else torch.float32
    network: Any = ours(variant).to(device=options.device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    image = torch.zeros(1, 3, *_size(options, variant), device=options.device, dtype=dtype)
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    passes = 1 if options.dry else 5
    with torch.inference_mode():
        for _ in range(1 if options.dry else 3):
            network(image)
        with profiler(activities=activities, record_shapes=True) as profiled:
            for _ in range(passes):
                network(image)
            if cuda:
                torch.cuda.synchronize()
    field = "self_device_time_total" if cuda else "self_cpu_time_total"
    # On a GPU kernels have rows of their own, beside those of the operators that started them.
    operators = [e for e in profiled.key_averages(group_by_input_shape=True) if e.device_type == DeviceType.CPU]
    rows = [
        (f"{getattr(e, field) / passes:.2f}", f"{e.count / passes:g}", e.key, str(e.input_shapes))
        for e in sorted(operators, key=lambda e: -getattr(e, field))
        if getattr(e, field) > 0
    ]
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(
        [("microseconds_a_pass", "calls_a_pass", "operator", "shapes"), *rows]
    )
    write_text_atomic(options.out / "profiles" / f"{variant}.csv", table.getvalue())


def _size(options: Options, variant: str) -> tuple[int, int]:
    """The variant's own input, or the smallest that it takes."""
    chosen = get_variant(variant)
    return (2 * chosen.unit, 2 * chosen.unit) if options.dry else chosen.eval_hw


def _setting(options: Options, engines: tuple[str, ...], **more: Any) -> "Setting":
    from hyperseg.bench.setting import Setting

    return Setting(
        authors=options.authors,
        say=print,
        device="cpu" if options.dry else "cuda",
        engines=engines,
        rounds=6 if options.dry else 40,
        train_batch=2 if options.dry else 8,
        train_size=128 if options.dry else 512,
        **more,
    )


PIECES: dict[str, Any] = {
    "compile": compile_all,
    "compile-one": compile_one,
    "answers": answers,
    "answers-one": answers_one,
    "agreement": agreement,
    "bench": bench,
    "early": early,
    "latency": latency,
    "training": training,
    "profile": profile,
    "front": front,
    "camvid": camvid,
}

if __name__ == "__main__":
    main()
