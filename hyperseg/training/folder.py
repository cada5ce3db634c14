"""The output folder of a training: made, proved writable, and held by one training at a time."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from hyperseg.errors import UserError, reason_of
from hyperseg.models import read_weights_info
from hyperseg.records import TrainingNumbers
from hyperseg.records.store import parse_record
from hyperseg.training.checkpoint import changes
from hyperseg.training.recipe import settings_of

LOCK_FILE = ".lock"
WEIGHTS_FILE = "weights.safetensors"
RECORD_FILE = "train.json"


@contextmanager
def output_folder(out: Path) -> Iterator[None]:
    """Hold `out` for this process; folders made for it are taken away again where nothing was put into them.

    Raises :class:`UserError` where it is a file, cannot be written, or another training writes into it.
    """
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / LOCK_FILE)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(f"another training writes into {out}; wait until it is done or choose another --out") from error
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"--out {out} is a file or lies below one; name a folder that may be made") from error
    except OSError as error:
        _take_away(made)
        raise UserError(f"cannot write into {out}: {reason_of(error)}; choose another --out") from error
    try:
        yield
    finally:
        # Before the release: a process that gets the lock of a deleted file tries again.
        (out / LOCK_FILE).unlink(missing_ok=True)
        lock.release()
        _take_away(made)


def check_replaceable(out: Path, settings: dict[str, Any]) -> None:
    """Raise :class:`UserError` where weights or a record in `out` would be lost: of another training, or not of one.

    `settings` are the new training's. The same training may be done again, to the same weights; weights of this package
    without a record are of one that was killed at its end.
    """
    weights, record = out / WEIGHTS_FILE, out / RECORD_FILE
    try:
        if record.exists():
            found = parse_record(record)
            if not isinstance(found.numbers, TrainingNumbers) or found.dataset is None:
                raise UserError(f"{record} is of no training")
            recipe = settings_of(found.config.get("recipe", {}))
            initial = found.config.get("initial") or {}
            before = {
                "variant": found.network.id, "recipe": recipe, "seed": found.seed, "dataset": found.dataset.version,
                "validation": found.config.get("validation"),
                "initial": {k: initial[k] for k in ("sha256", "renew_head") if k in initial} or None,
            }  # fmt: skip
        else:
            if weights.exists():
                read_weights_info(weights)
            return
    except UserError as error:
        raise UserError(f"{out} holds a file that would be replaced ({error}); choose another --out") from error
    differing = changes(before, {key: settings[key] for key in before})
    if differing:
        raise UserError(
            f"{out} holds another finished training ({'; '.join(differing)}); move it away or choose another --out"
        )


def _take_away(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):  # something lies in it
            folder.rmdir()
