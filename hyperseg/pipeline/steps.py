"""The path of each result of a campaign, for the Snakemake rules and the DVC stages."""

from dataclasses import dataclass
from pathlib import Path

from hyperseg.files import write_text_atomic
from hyperseg.latency.engines import engine_table
from hyperseg.latency.protocol import load_protocol
from hyperseg.pipeline.campaign import Campaign
from hyperseg.pipeline.digests import digest_file
from hyperseg.records.provenance import machine
from hyperseg.records.strips import STRIPS_FILE

PAPER = "results/paper/paper.csv"  # committed numbers that the report shows beside ours
PEERS = tuple(f"results/published/published_peers{part}.csv" for part in ("", "_2026", "_web"))


@dataclass(frozen=True)
class Layout:
    """Paths of one campaign's results, with Snakemake's wildcards in braces; relative to the repository root."""

    campaign: Campaign
    device: str  # "cuda" or "cpu": what latencies are taken on
    machine: str  # whose latencies: this machine's fingerprint, or the target that the configuration names

    @classmethod
    def here(cls, campaign: Campaign) -> "Layout":
        """The layout on this machine; latencies are the target's where the campaign names one."""
        take = campaign.latency
        if take.target is not None:
            return cls(campaign, take.device, take.target)
        this = machine()
        own = "cuda" if this.gpus else "cpu"
        return cls(campaign, own if take.device == "auto" else take.device, this.fingerprint)

    def engines(self, variant: str) -> list[str]:
        """The engines that time a variant: those named that can run where it is timed, or all if none can."""
        named = self.campaign.latency.engines_of(variant)
        return [name for name in named if self.lacks(name) is None] or named

    def lacks(self, engine: str) -> str | None:
        """Why an engine cannot time on this machine; None where it can, or where another machine is timed."""
        if self.campaign.latency.target is not None:
            return None
        entry = engine_table()[engine]
        for precision in self.campaign.latency.precisions:
            if not entry.runs(self.device, precision):
                return f"it does not run in {precision} on {self.device}"
        return entry.missing()

    def sources(self, step: str, *names: str) -> str:
        """The file that stands for the code of a job; `names` are its variant, protocol or engine."""
        return digest_file(self.campaign.campaign, step, *names)

    @property
    def data(self) -> str:
        return self.campaign.dataset.folder

    @property
    def manifest(self) -> str:
        return f"{self.data}/manifest.json"

    @property
    def card(self) -> str:
        return f"{self.data}/card.json"

    @property
    def runs(self) -> str:
        return f"results/runs/{self.campaign.campaign}"

    @property
    def logs(self) -> str:
        return f"logs/{self.campaign.campaign}"

    @property
    def seed(self) -> str:
        """Folder of one training, its evaluations and its latencies."""
        return f"{self.runs}/{{variant}}/seed{{seed}}"

    @property
    def first_seed(self) -> str:
        """Folder of the training whose predictions are shown as pictures."""
        return f"{self.runs}/{{variant}}/seed{self.campaign.seeds[0]}"

    @property
    def latency(self) -> str:
        """Folder of the latencies of one training's weights on the machine that is timed."""
        return f"{self.seed}/latency/{self.machine}"

    @property
    def marker(self) -> str:
        """The file that stands for all latencies of one training's weights."""
        return f"{self.seed}/latency.done"

    @property
    def report(self) -> str:
        return f"reports/{self.campaign.campaign}"

    def trainings(self) -> list[str]:
        return [self.seed.format(variant=v, seed=s) for v in self.campaign.variants for s in self.campaign.seeds]

    def priority(self, variant: str, *, timed: bool = False) -> int:
        """Jobs of a higher number start first: variants in the configuration's order, all latencies after the rest."""
        place = len(self.campaign.variants) - self.campaign.variants.index(variant)
        return place if timed else place + len(self.campaign.variants)

    @property
    def latency_size(self) -> list[str]:
        """Options of ``hyperseg latency`` for an input other than the variant's own."""
        size = self.campaign.latency.input_hw
        return [f"--height={size[0]}", f"--width={size[1]}"] if size else []

    def latencies(self, variant: str, seed: int | str) -> list[str]:
        """One training's latency records: every engine that runs the protocol, in every precision."""
        take = self.campaign.latency
        return [
            f"{self.latency.format(variant=variant, seed=seed)}/{protocol}-{self.device}-{engine}-{precision}.json"
            for protocol in take.protocols
            for engine in self.engines(variant)
            if engine in (load_protocol(protocol).engines or [engine])
            and engine_table()[engine].takes(max(load_protocol(protocol).batches))
            for precision in take.precisions
        ]

    def timed(self) -> list[tuple[str, int]]:
        """The variants and seeds whose weights are timed."""
        return [(variant, seed) for variant in self.campaign.variants for seed in self.campaign.timed_seeds]

    def all_latencies(self) -> list[str]:
        """The latency records of every training that is timed, on this machine."""
        return [record for variant, seed in self.timed() for record in self.latencies(variant, seed)]

    def markers(self) -> list[str]:
        """One file for each training that is timed."""
        return [self.marker.format(variant=variant, seed=seed) for variant, seed in self.timed()]

    @property
    def strip_list(self) -> str:
        """The list of a variant's pictures."""
        return f"{self.first_seed}/strips/{STRIPS_FILE}"

    @property
    def strip_pictures(self) -> list[str]:
        """A variant's pictures, the worst image first."""
        places = range(1, self.campaign.report.strips + 1)
        return [f"{self.first_seed}/strips/{{variant}}-{place}.jpg" for place in places]

    def strip_lists(self) -> list[str]:
        """The lists of all variants' pictures; none where the campaign asks for no pictures."""
        variants = self.campaign.variants if self.campaign.report.strips else []
        return [self.strip_list.format(variant=variant) for variant in variants]

    def pictures(self) -> list[str]:
        """The pictures of all variants."""
        return [path.format(variant=variant) for variant in self.campaign.variants for path in self.strip_pictures]

    def records(self) -> list[str]:
        """Every record of the campaign: what the report is made from."""
        evaluations = [f"evaluation-{protocol}.json" for protocol in self.campaign.evaluation.protocols]
        files = [f"{folder}/{name}" for folder in self.trainings() for name in ["train.json", *evaluations]]
        return files + self.all_latencies()


def write_record_list(layout: Layout) -> str:
    """Write the paths of all records of a campaign and of the lists of its pictures, one a line, where they changed.

    Returns the file's own path.
    """
    name = f".hyperseg/records/{layout.campaign.campaign}.txt"
    text = "".join(f"{record}\n" for record in (*layout.records(), *layout.strip_lists()))
    path = Path(name)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text_atomic(path, text)
    return name
