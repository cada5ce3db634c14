"""A Snakemake profile for `hyperseg run`: which executor runs the jobs, and what it changes in the configuration."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hyperseg.errors import UserError
from hyperseg.yaml_file import read_yaml

LOCAL = ("local", "dryrun")
LOCKED = ("slurm", "kubernetes")  # in workflow/*.lock
PLACEHOLDERS = ("IMAGE", "s3://BUCKET", "https://ENDPOINT")


@dataclass(frozen=True)
class Profile:
    """Where jobs run. `config` is put over the campaign's configuration."""

    folder: Path | None = None
    executor: str = "local"
    jobs: int = 1  # at a time, where the executor is not this machine
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def local(self) -> bool:
        """Whether the jobs run on this machine."""
        return self.executor in LOCAL

    def options(self) -> list[str]:
        """What Snakemake is given for it."""
        chosen = [] if self.executor == "local" else ["--executor", self.executor]
        return [*(["--workflow-profile", str(self.folder)] if self.folder else []), *chosen]


def read_profile(folder: Path | None, executor: str | None) -> Profile:
    """The profile of a folder, with another executor if one is named. Raises :class:`UserError`."""
    values: dict[str, Any] = {}
    if folder is not None:
        values = _values(folder)
        for step in ("train", "evaluate"):
            if step in (values.get("set-threads") or {}):
                raise UserError(
                    f"set-threads of {step} in {folder} would reserve other cores than the step uses; "
                    f"remove it and set threads.{step} in the configuration"
                )
    chosen = executor or values.get("executor") or "local"
    if chosen not in LOCAL and find_spec(f"snakemake_executor_plugin_{chosen.replace('-', '_')}") is None:
        locked = f"--no-deps --require-hashes -r workflow/{chosen}.lock"
        wanted = locked if chosen in LOCKED else f"snakemake-executor-plugin-{chosen}"
        raise UserError(f"Snakemake's executor '{chosen}' is not installed; install it with `uv pip install {wanted}`")
    config = values.get("config") or {}
    if not isinstance(config, dict):
        raise UserError(f"config in {folder} must be a mapping of the configuration's keys; write it as one")
    return Profile(folder, chosen, int(values.get("jobs") or 1), config)


def _values(folder: Path) -> dict[str, Any]:
    for name in ("config.v8+.yaml", "config.yaml"):
        if (folder / name).is_file():
            values = read_yaml(folder / name, "profile")
            if not isinstance(values, dict):
                raise UserError(f"the profile {folder / name} holds no settings; start from a copy of profiles/slurm")
            for key, value in values.items():
                if value in PLACEHOLDERS:
                    raise UserError(f"{key} in {folder / name} is still {value}; fill in what the cluster has")
            return values
    raise UserError(f"there is no profile {folder}/config.yaml; profiles/ holds the ones there are")
