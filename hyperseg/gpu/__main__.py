"""``python -m hyperseg.gpu``: a session on this machine's GPU; ``make gpu`` calls it."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from hyperseg.errors import UserError
from hyperseg.gpu.pack import pack
from hyperseg.gpu.plan import Options
from hyperseg.gpu.session import run


def main() -> None:
    """Read the command line and run; a :class:`UserError` becomes one line on stderr and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m hyperseg.gpu", description="Every GPU figure, in minutes.")
    parser.add_argument("--minutes", type=float, default=10.0, help="time for this call; a second call goes on")
    parser.add_argument("--authors", type=Path, help="checkout of YuvalNirkin/hyperseg, to be timed beside")
    parser.add_argument("--camvid", type=Path, help="prepared CamVid dataset, for a training with the time left")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"), help="folder of results and caches")
    parser.add_argument("--dry", action="store_true", help="the same plan on the CPU with tiny sizes")
    parser.add_argument("--pack", action="store_true", help="afterwards, cut the results into files below 16 MB")
    given = parser.parse_args()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _stop)
    try:
        run(Options(given.out, given.minutes, given.authors, given.camvid, given.dry))
        if given.pack:
            print(*pack(given.out), sep="\n")
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _stop(signum: int, frame: FrameType | None) -> None:
    """Leave in order: the piece that runs, a session of its own, ends with this one and does not keep the GPU."""
    sys.exit(128 + signum)


if __name__ == "__main__":
    main()
