"""Latency distribution: median, tail and spread between processes of every network timed in one place."""

from matplotlib.figure import Figure

from hyperseg.report.collection import Collection, Key, Latency, grouped, protocol_of, protocol_title
from hyperseg.report.figures.style import COLOURS, INK, Picture, house_style, log_ticks, new_figure, picture
from hyperseg.report.inputs import Inputs
from hyperseg.report.names import distinct, hw, network_title, slug
from hyperseg.report.part import Part
from hyperseg.report.tables.runtime import device_label, enters_claims
from hyperseg.report.timed_seeds import weights_titles

_MOST = 24  # lines of a figure


def distribution_figures(inputs: Inputs) -> list[Picture]:
    """One figure per machine, latency protocol and precision with at least two networks or engines."""
    collection = inputs.collection
    timed = [
        entry for entry in collection.latency
        if enters_claims(entry) and entry.numbers.p90_ms is not None and entry.numbers.batch == 1
        and not entry.numbers.points
    ]  # fmt: skip
    drawn, left = collection.newest_campaigns(entry.record.campaign for entry in timed)
    timed = [entry for entry in timed if entry.record.campaign in drawn]

    def place(entry: Latency) -> Key:
        numbers, made = entry.numbers, entry.record.provenance
        device = device_label(entry, collection)
        return device, made.machine.fingerprint, protocol_of(entry.record), numbers.precision, numbers.tf32

    groups = [group for group in grouped(timed, place) if len(group) > 1]
    titles = [_title(group[0], collection) for group in groups]
    names = distinct(slug("distribution", title.lower()) for title in titles)
    weights = weights_titles(collection)
    return [_picture(*one, left, weights) for one in zip(names, titles, groups, strict=True)]


def _title(entry: Latency, collection: Collection) -> str:
    precision = f"{entry.numbers.precision} with TF32" if entry.numbers.tf32 else entry.numbers.precision
    return f"{device_label(entry, collection)}, {protocol_title(protocol_of(entry.record))}, {precision}"


def _picture(name: str, title: str, group: list[Latency], left: str, weights: dict[str, str]) -> Picture:
    shown = sorted(group, key=lambda entry: (entry.numbers.median_ms, entry.name))
    more = f" Of {len(shown)} the fastest {_MOST} are drawn." if len(shown) > _MOST else ""
    with house_style():
        return picture(
            name,
            f"Distribution of times: {title}",
            "Time of one image. Stroke: the median; thick: to the 90th percentile of all samples; thin: to the 99th, "
            "where there are enough samples; dots: medians of the processes, whose spread gives the interval; hollow: "
            f"DEGRADED.{more}{left}",
            _draw(shown[:_MOST], weights),
        )


def _draw(shown: list[Latency], weights: dict[str, str]) -> Figure:
    figure = new_figure(7.4, 0.24 * len(shown) + 1.0)
    axes = figure.subplots()
    axes.set_xscale("log")
    campaigns = len({entry.record.campaign for entry in shown}) > 1
    labels, ends = [], []
    for row, entry in enumerate(shown):
        numbers, record = entry.numbers, entry.record
        assert numbers.p90_ms is not None
        tail = numbers.p99_ms or numbers.p90_ms
        face = COLOURS[1] if numbers.verdict.verdict == "VALID" else "none"
        axes.plot([numbers.median_ms, tail], [row, row], color=COLOURS[0], lw=1.0)
        axes.plot([numbers.median_ms, numbers.p90_ms], [row, row], color=COLOURS[0], lw=4.5, solid_capstyle="butt")
        medians = numbers.process_medians_ms
        axes.plot(medians, [row] * len(medians), ls="none", marker="o", ms=4, mew=0.9, color=COLOURS[1], mfc=face)
        axes.plot(numbers.median_ms, row, marker="|", ms=10, mew=1.4, color=INK)
        size = hw(numbers.input_height, numbers.input_width)
        more = [record.campaign] if campaigns else []
        more += [weights[entry.name]] if entry.name in weights else []
        labels.append(", ".join([network_title(record.network.id), numbers.engine, size, *more]))
        ends += [numbers.median_ms, tail, *medians]
    limits = min(ends) / 1.15, max(ends) * 1.15
    axes.set_xlim(limits)
    log_ticks(axes.xaxis, limits)
    axes.set_yticks(range(len(shown)), labels, fontsize=8)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Time of one image [ms], log scale")
    return figure


PART = Part("distribution", "Distribution of times", "speed", distribution_figures, order=30)
