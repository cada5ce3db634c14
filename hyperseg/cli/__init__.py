"""The ``hyperseg`` command: one thin file per subcommand, imported only when it is called."""

import io
import sys
from importlib import import_module

import click

from hyperseg import __version__
from hyperseg.errors import UserError, reason_of
from hyperseg.machine_faults import explain

# name -> one line of help; the module hyperseg.cli.<name> holds the click command `command`.
COMMANDS = {
    "adopt": "Take over recorded results in a fresh clone (dvc pull, check, snakemake --touch).",
    "bench": "Time every engine beside the authors' checkout and print the speed goals.",
    "data": "Generate, fetch, verify, prepare and inspect datasets.",
    "diff": "Say what differs between two records, the most likely cause first.",
    "evaluate": "Score weights on a dataset split under an evaluation protocol.",
    "export": "Write records as RO-Crate, CODECHECK and Hugging Face results.",
    "explain": "Say in plain words how a record's number came to be.",
    "latency": "Time a network under a latency protocol.",
    "overlay": "Write pictures of predictions beside the labels.",
    "plan": "Count the jobs of configurations, and estimate hours and disk.",
    "predict": "Predict the classes of pictures, a video or a camera.",
    "recompute": "Derive every number of a record again.",
    "records": "Validate records and print the record's JSON Schema.",
    "report": "Make tables, figures and the page from records alone.",
    "run": "Run the whole pipeline of one configuration, or of several.",
    "track": "Let DVC remember a campaign, for the next commit.",
    "train": "Train one variant by a recipe.",
    "verify": "Check records: schema, hashes, raw files, every number derived again.",
}


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"hyperseg.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hyperseg")
def group() -> None:
    """Reproducible benchmarks of HyperSeg and real-time semantic segmentation."""


def main() -> None:
    """Entry point: a :class:`UserError`, or a fault of a file, a disk or the machine, is one line and exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # as Python does for stderr: a letter that it lacks ends no command
    try:
        group(prog_name="hyperseg")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {place}{reason_of(error)}; check the path, its permissions and the free space", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        fault = explain(error)
        if fault is None:
            raise
        print(f"error: {fault}", file=sys.stderr)
        sys.exit(2)
