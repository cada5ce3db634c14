"""Faults of the machine under a training, as one sentence with what to do about it."""

import shutil
from pathlib import Path

from hyperseg.errors import UserError
from hyperseg.machine_faults import is_out_of_memory, lost_device
from hyperseg.training.recipe import Recipe

SHARED_MEMORY = Path("/dev/shm")


def explain(error: Exception, recipe: Recipe, step: int) -> UserError | None:
    """The fault behind an exception of a training step or of the loading processes; None where it is another one."""
    text = " ".join(str(one) for one in (error, error.__cause__, error.__context__) if one)
    if isinstance(error, UserError):
        return UserError(_from_worker(str(error))) if "DataLoader worker process" in text else error
    if is_out_of_memory(error) or "can't allocate memory" in text:
        return UserError(_out_of_memory(recipe, step))
    if (reason := lost_device(error)) is not None:
        return UserError(
            f"the GPU failed in step {step + 1} ({reason}); see `nvidia-smi` and the system's log; the same command "
            "goes on from the last checkpoint"
        )
    if "shared memory" in text or "unable to write to file </torch_" in text or "Bus error" in text:
        size = f" ({shutil.disk_usage(SHARED_MEMORY).total / 2**20:.0f} MiB)" if SHARED_MEMORY.exists() else ""
        return UserError(
            f"the loading processes ran out of shared memory: /dev/shm{size} is too small; give the container more "
            "(docker run --shm-size 2g) or set training.workers to 0"
        )
    if "DataLoader worker" in text and ("exited unexpectedly" in text or "killed by signal" in text):
        return UserError(
            f"a loading process was killed before step {step + 1}, most often because memory ran out; set "
            "training.workers to a smaller number, 0 for none"
        )
    return None


def _out_of_memory(recipe: Recipe, step: int) -> str:
    divisors = [n for n in range(recipe.accumulate + 1, recipe.batch + 1) if recipe.batch % n == 0]
    sentence = f"memory ran out in step {step + 1} at batch {recipe.batch // recipe.accumulate}"
    if not divisors:
        return f"{sentence}; set a smaller training.crop_hw or train on a device with more memory"
    return (
        f"{sentence}; set training.accumulate to {divisors[0]}: each batch of {recipe.batch} is then run in parts of "
        f"{recipe.batch // divisors[0]}, and images, steps and learning rate stay the recipe's (batch norm sees a part)"
    )


def _from_worker(text: str) -> str:
    """The sentence of a :class:`UserError` that a loading process raised, without the traceback torch puts around."""
    return text.rpartition("UserError: ")[2].strip()
