"""The one reader of YAML: plain values alone, keys that are there once, and one sentence for anything else."""

from pathlib import Path
from typing import Any

import yaml

from hyperseg.errors import UserError, reason_of

MAX_BYTES = 4 << 20  # of a file written by hand
MAX_DEPTH = 64  # of nested lists and mappings


def read_yaml(path: Path, what: str = "file") -> Any:
    """The content of a YAML file; `what` says what it is for, as in "cannot read the configuration x.yaml".

    Raises :class:`UserError` for a file that cannot be read, is larger than 4 MiB, or is not plain YAML.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UserError(f"{what} {path} is larger than 4 MiB; name the YAML file that was meant")
        text = content.decode()
    except OSError as error:
        raise UserError(f"cannot read {what} {path}: {reason_of(error)}; check its name and its permissions") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{what} {path} is not UTF-8 text; save it as UTF-8") from error
    return parse_yaml(text, f"{what} {path}")


def parse_yaml(text: str, where: str) -> Any:
    """The value of YAML text, dates left as text; `where` is named in the :class:`UserError` for what is not YAML.

    A key that stands twice in a mapping, a tag such as ``!!python``, a value within itself, and nesting deeper than 64
    are refused too.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None)
        line = f" at line {mark.line + 1}" if mark else ""
        reason = f" ({' '.join(str(problem).split())})" if problem else ""
        raise UserError(f"{where} is not YAML{line}{reason}; correct it there") from error
    except (ValueError, OverflowError, RecursionError) as error:  # `!!int abc`, an integer of 5 000 digits
        raise UserError(f"{where} holds a value that YAML cannot read; put such values in quotes") from error


class _Loader(yaml.SafeLoader):
    """SafeLoader with unique keys, bounded nesting, no value within itself, and dates as the text they are."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._open: list[str | None] = []  # anchors of the nodes that are being read, None for one without

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in self._open:
                raise yaml.constructor.ConstructorError(
                    None, None, f"alias '*{event.anchor}' stands within what it names", mark
                )
            return super().compose_node(parent, index)
        self._open.append(event.anchor)
        try:
            if len(self._open) > MAX_DEPTH:
                raise yaml.constructor.ConstructorError(None, None, f"nested deeper than {MAX_DEPTH}", event.start_mark)
            return super().compose_node(parent, index)
        finally:
            self._open.pop()

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool | None):
                raise yaml.constructor.ConstructorError(None, None, "a key is no plain value", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key}' stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


# Dates stay text: no configuration holds a date, and an impossible date would raise without a line number.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
