"""The processors this process may use."""

import os

SHARED_GPUS = "HYPERSEG_GPUS"  # environment variable of a run: the GPUs that its jobs share, one each
MAX_THREADS = 1024  # the most threads to ask for: with more, OpenMP ends the process


def usable_cores() -> int:
    """Number of cores this process may use, which a container or a scheduler can set below the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
