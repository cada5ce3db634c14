"""One look for every figure, and how one is written: SVG and PNG, reproducible byte for byte."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import matplotlib as mpl
from matplotlib.axis import XAxis, YAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from PIL import Image

INK = "#24292f"  # text and axes; the page swaps it for its own text colour
FAINT = "#8b949e"  # grid and secondary marks; legible on white and on near-black
# Okabe and Ito's colours that keep their contrast on white and on near-black; colour-blind readers can tell them apart
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8b949e")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DPI = 160

_STYLE: Any = {  # matplotlib types its keys by version
    "font.family": "DejaVu Sans",  # comes with matplotlib, so the same everywhere
    "font.size": 9.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.titley": 1.0,  # where it is without ticks above; searching for them takes a tenth of the time
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.alpha": 0.35,
    "grid.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.fonttype": "none",  # text stays text
    "pdf.fonttype": 42,
    "svg.hashsalt": "hyperseg",
    "path.simplify": False,
}


@dataclass(frozen=True)
class Pane:
    """One panel as the page shows it, beside or below the others of its figure."""

    title: str
    svg: str
    caption: str
    marks: tuple[
        tuple[str, tuple[str, ...]], ...
    ] = ()  # text and record anchors of the artist with gid `point-<index>`


@dataclass(frozen=True)
class Picture:
    """One figure: what is written to files, and the panes that the page shows in its place."""

    name: str  # file name without an extension
    title: str
    caption: str
    svg: str
    png: bytes
    pdf: bytes
    panes: tuple[Pane, ...] = ()  # none: the page shows the figure as a whole
    choose: bool = False  # the page shows one pane at a time, chosen in a menu
    wide: bool = False  # a pane needs half of the page


def look(index: int) -> dict[str, Any]:
    """Marker and colour of one of many series: no pair comes twice among the first 49."""
    turn, place = divmod(index, len(COLOURS))
    return {"marker": MARKERS[(place + turn) % len(MARKERS)], "color": COLOURS[place]}


def picture(name: str, title: str, caption: str, figure: Figure) -> Picture:
    """A figure in every form that is written."""
    return Picture(name, title, caption, to_svg(figure), to_png(figure), to_pdf(figure))


@contextmanager
def house_style() -> Iterator[None]:
    """Within it every figure has the report's look, whatever the user's own matplotlib settings are.

    A name in letters that the font lacks is drawn as boxes in PNG and PDF, which a warning for each letter cannot help.
    """
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def new_figure(width_in: float, height_in: float) -> Figure:
    """A figure with constrained layout, bound to a canvas that can measure text."""
    layout = ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.05, wspace=0.02, hspace=0.03)
    figure = Figure(figsize=(width_in, height_in), dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def wrapped(text: str, inches: float) -> str:
    """A legend's text, broken to fit into a width."""
    return fill(text, max(20, int((inches - 0.45) * 15.0)))


def log_ticks(axis: XAxis | YAxis, limits: tuple[float, float]) -> None:
    """Plain numbers, the more of them in a decade the fewer decades there are."""
    ratio = limits[1] / limits[0]
    subs = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0) if ratio < 8 else (1.0, 2.0, 5.0) if ratio < 150 else (1.0,)
    axis.set_major_locator(LogLocator(base=10, subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def to_svg(figure: Figure) -> str:
    """SVG on a transparent ground, without a date."""
    patches = [figure.patch, *(axes.patch for axes in figure.axes)]
    colours = [(patch.get_facecolor(), patch.get_edgecolor()) for patch in patches]
    for patch in patches:
        patch.set(facecolor="none", edgecolor="none")
    found = _printed(figure, "svg", {"Date": None, "Creator": None})
    for patch, (face, edge) in zip(patches, colours, strict=True):
        patch.set(facecolor=face, edgecolor=edge)
    return found.decode()


def to_png(figure: Figure) -> bytes:
    """PNG on white of 256 colours, a third of the size of full colour, without the writer's version."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(_printed(figure, "png", {"Software": None}))) as full:
        full.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(out, "png", optimize=True)
    return out.getvalue()


def to_pdf(figure: Figure) -> bytes:
    """PDF at the figure's own size with embedded fonts, without a date."""
    return _printed(figure, "pdf", {"CreationDate": None, "Producer": None, "Creator": None})


_CANVASES: Any = {"svg": FigureCanvasSVG, "png": FigureCanvasAgg, "pdf": FigureCanvasPdf}


def _printed(figure: Figure, form: str, metadata: dict[str, None]) -> bytes:
    """The figure drawn once; ``savefig`` would draw it a second time to learn what has been laid out already."""
    lay_out(figure)
    out = io.BytesIO()
    getattr(_CANVASES[form](figure), f"print_{form}")(out, metadata=metadata)
    figure.set_dpi(DPI)  # vector formats leave their own
    FigureCanvasAgg(figure)
    return out.getvalue()


def lay_out(figure: Figure) -> None:
    """Place the axes now and keep them so: nothing that is added later moves them."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")
