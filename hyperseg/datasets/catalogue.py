"""A user's own catalogue file: mirrors and changed facts over what the table of published datasets says."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hyperseg.datasets.published import Published, get_published, published_table
from hyperseg.errors import UserError
from hyperseg.strict import first_problem
from hyperseg.yaml_file import read_yaml


def catalogued(dataset: str, own: Path | None) -> Published:
    """The published dataset of that id, as the catalogue file `own` changes it.

    `own` maps dataset ids to fields of :class:`Published`. A field replaces the published value; of `archives`, one of
    a known file name is changed, a new one appended, and `urls` given there come before the published ones. Raises
    UserError.
    """
    published = get_published(dataset)
    if own is None:
        return published
    changes = _read(own).get(dataset, {})
    return _changed(published, changes, f"{dataset} in the catalogue {own}")


def _read(own: Path) -> dict[str, dict[str, Any]]:
    content = read_yaml(own, "catalogue")
    if not isinstance(content, dict) or not all(isinstance(entry, dict) for entry in content.values()):
        raise UserError(f"the catalogue {own} is not a mapping of dataset ids; see docs/data.md for the form")
    unknown = [str(name) for name in content if name not in published_table()]
    if unknown:
        raise UserError(
            f"the catalogue {own} names {', '.join(unknown)}, but the published datasets are "
            f"{', '.join(published_table())}; see docs/data.md for adding one of your own"
        )
    return content


def _changed(published: Published, changes: dict[str, Any], where: str) -> Published:
    values = {name: getattr(published, name) for name in Published.model_fields}
    listed = changes.get("archives", [])
    if not isinstance(listed, list) or not all(isinstance(archive, dict) for archive in listed):
        raise UserError(f"'archives' of {where} is not a list of mappings; see docs/data.md for the form")
    archives = {archive.file: archive.model_dump() for archive in published.archives}
    for archive in listed:
        before = archives.get(str(archive.get("file")), {})
        urls = [*_as_list(archive.get("urls", [])), *before.get("urls", [])]
        archives[str(archive.get("file"))] = {**before, **archive, "urls": urls}
    try:
        return Published.model_validate({**values, **changes, "archives": list(archives.values())})
    except ValidationError as error:
        key, message = first_problem(error)
        raise UserError(f"'{key}' of {where} does not fit: {message}") from error


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
