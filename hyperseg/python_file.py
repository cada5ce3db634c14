"""A user's Python file as a module: a table of the report, a dataset."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

from hyperseg.errors import UserError


class _WithoutCache(SourceFileLoader):
    """A loader that writes no ``__pycache__`` into the user's folder."""

    def set_data(self, path: object, data: object, *, _mode: int = 0o666) -> None:
        pass


def load_python_file(path: Path, name: str) -> ModuleType:
    """Run the file as the module `name`. Raises :class:`UserError` for no Python file and for what its code raises."""
    if path.suffix != ".py" or not path.is_file():
        raise UserError(f"{path} is not a Python file; give a .py file")
    spec = spec_from_loader(name, _WithoutCache(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the user's own code: whatever it raises is about that file
        said = " ".join(str(error).split())
        raise UserError(f"{path} cannot be loaded: {type(error).__name__}: {said}; correct that file") from error
    return module
