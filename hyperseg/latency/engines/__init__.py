"""The table of inference engines: one file of this folder per engine, found by being there.

A file defines ``ENGINE``, an :class:`Engine`, and imports its runtime only inside ``prepare``. An engine that is not
installed is left out and named with its reason (:meth:`Engine.missing`), never replaced by another one.
"""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from hyperseg.errors import UserError
from hyperseg.latency.engines.engine import Engine, Run, Target

__all__ = ["Engine", "Run", "Target", "engine_table", "get_engine", "select_engines"]


@cache
def engine_table() -> dict[str, Engine]:
    """Every engine by name, in the order of their names."""
    modules = [import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__) if info.name != "engine"]
    engines: list[Engine] = [module.ENGINE for module in modules]
    return {engine.name: engine for engine in sorted(engines, key=lambda engine: engine.name)}


def get_engine(name: str, device: str, precision: str, batch: int = 1) -> Engine:
    """The engine, if it is installed and runs `batch` images in `precision` on `device`.

    Else a :class:`UserError` says why not.
    """
    table = engine_table()
    if name not in table:
        raise UserError(f"unknown engine '{name}'; choose one of {', '.join(table)}")
    engine = table[name]
    if not engine.runs(device, precision):
        modes = ", ".join(f"{precision} on {device}" for device, precision in sorted(engine.modes))
        raise UserError(f"engine {name} does not run in {precision} on {device}; it runs in {modes}")
    if not engine.takes(batch):
        raise UserError(f"engine {name} runs one image at a time, not {batch}; choose another engine or protocol")
    missing = engine.missing()
    if missing:
        raise UserError(f"engine {name} is left out: {missing}")
    return engine


def select_engines(
    names: Sequence[str], device: str, precision: str, batch: int = 1
) -> tuple[list[str], dict[str, str]]:
    """The engines of those names, and which are left out, with the reason; 'all' stands for every one that can run.

    `batch` is the largest number of images that they are to run at a time.

    An engine asked for by its name is never left out: what it lacks is a :class:`UserError`.
    """
    chosen: list[str] = []
    left_out: dict[str, str] = {}
    for name in names:
        if name != "all":
            chosen.append(get_engine(name, device, precision, batch).name)
            continue
        for engine in engine_table().values():
            if not engine.runs(device, precision):
                left_out[engine.name] = f"it does not run in {precision} on {device}"
            elif not engine.takes(batch):
                left_out[engine.name] = f"it runs one image at a time, not {batch}"
            elif missing := engine.missing():
                left_out[engine.name] = missing
            else:
                chosen.append(engine.name)
    return list(dict.fromkeys(chosen)), left_out
