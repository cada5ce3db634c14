"""Types of options that name a place to write to."""

from pathlib import Path
from typing import Any

import click

from hyperseg.errors import UserError


class NamedPath(click.Path):
    """A path that is not empty: the current folder is ``.``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            raise UserError(f"{param.opts[0] if param else 'a path'} is empty; name a file or a folder")
        return super().convert(value, param, ctx)


class OutPath(NamedPath):
    """A place to write to, refused in a prepared dataset: every file there counts for its version."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from hyperseg.data.description import DATASET_FILE
        from hyperseg.data.manifest import MANIFEST_FILE

        out = Path(super().convert(value, param, ctx))
        for folder in (out, *out.absolute().parents):
            if all((folder / name).is_file() for name in (DATASET_FILE, MANIFEST_FILE)):
                raise UserError(f"{out} lies in the dataset {folder}, whose version counts every file; choose another")
        return out
