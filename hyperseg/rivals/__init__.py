"""Networks of other libraries, trained, scored and timed under the same conditions as HyperSeg.

A rival is one entry in the list ``RIVALS`` of a module here, found by being there. Imports neither torch nor the
libraries until a network is built.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from hyperseg.rivals.rival import Rival

__all__ = ["Rival", "rival_table"]

# Modules without entries; `network` would load torch and timm, which takes seconds.
WITHOUT_ENTRIES = {"network", "rival"}


@cache
def rival_table() -> dict[str, Rival]:
    """Every rival by id, in the order of the modules' names and of their lists."""
    found: dict[str, Rival] = {}
    for module in sorted({module.name for module in iter_modules(__path__)} - WITHOUT_ENTRIES):
        for rival in getattr(import_module(f"{__name__}.{module}"), "RIVALS", ()):
            found[rival.id] = rival
    return found
