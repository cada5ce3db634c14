"""What a session measures, by value and time. Imports no torch."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hyperseg.pipeline.campaign import load_campaign

# Those that the goals name first come first.
VARIANTS = (
    "camvid_hyperseg_s",
    "cityscapes_hyperseg_m",
    "camvid_hyperseg_l",
    "cityscapes_hyperseg_s",
    "voc_hyperseg_l",
)
LEAST_TRAINING_SECONDS = 60
FRONT = Path(__file__).parents[2] / "config/front_camvid.yaml"


@dataclass(frozen=True)
class Options:
    """What a session is asked for; `dry` is the same plan on a CPU with tiny sizes, which shows that it runs."""

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
        """By group; groups run in processes of their own, so that an engine that fails takes no other with it.

        ``ready`` within seconds; ``early``: the same kernels started early, beside them; ``compiled`` by TorchInductor,
        a minute for each variant and precision. An engine that cannot run here is left out, and said so.
        """
        if self.dry:
            return {"ready": ("eager",)}
        return {"ready": ("eager", "triton"), "early": ("triton", "triton_early"), "compiled": ("cudagraph",)}

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
    """The pieces in order, and what is left out, with the reason."""
    first, others = options.variants[:2], options.variants[2:]
    pieces = [Piece("answers", 75, "every engine owns what it runs on and answers right, all variants at once")]
    pieces += [Piece(f"bench:{v}", 35, "inference beside the authors' code, in turns") for v in (*first, *others)]
    if "early" in options.engines:
        pieces.append(Piece("answers:early", 60, "the same of kernels that are started early"))
        pieces += [
            Piece(f"bench:{v}:early", 25, "the same, kernels started early beside those that are not")
            for v in options.variants
        ]
    protocols = [("deploy:fastest", 70), ("deploy:eager", 110), ("paper:eager", 60)]
    if options.dry:
        protocols = [("smoke:eager", 30)]
    later = []
    if "compiled" in options.engines:
        later.append(Piece("compile", 150, "what TorchInductor compiles, several at a time; its time is no result"))
        later.append(Piece("answers:compiled", 40, "the same of what was compiled"))
        later += [
            Piece(f"bench:{v}:compiled", 40, "what was compiled beside the authors' code") for v in options.variants
        ]
        later += [Piece(f"latency:{v}:throughput:fastest", 90, "protocol throughput") for v in first]
    left_out = []
    if options.authors:
        pieces.append(Piece(f"training:{first[0]}", 90, "a training step beside the authors'"))
    else:
        left_out.append("the authors' code and the training step beside it: give AUTHORS=DIR, a checkout of theirs")
    if options.camvid:
        pieces.append(Piece("agreement", 40, "equal classes on real CamVid with trained weights"))
    pieces += [
        Piece(f"latency:{v}:{name}", seconds, f"protocol {name.partition(':')[0]}")
        for name, seconds in protocols
        for v in first
    ]
    pieces += [Piece(f"profile:{v}", 20, "time by layer and shape, eager") for v in first]
    if options.camvid:
        networks = load_campaign(FRONT).variants[: 1 if options.dry else None]
        pieces += [Piece(f"front:{n}", 45, f"trained and scored as {FRONT.name} says") for n in networks]
    pieces += later
    if options.camvid:
        pieces.append(Piece("camvid", LEAST_TRAINING_SECONDS, "a training on real CamVid with the time that is left"))
    else:
        left_out.append("a training on real images: give CAMVID=DIR, a prepared dataset")
    return pieces, left_out
