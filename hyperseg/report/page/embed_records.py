"""The records inside the page as compact JSON: shared parts are stored once, large records lie beside the page."""

import json
from collections import Counter
from typing import Any

from hyperseg.report.collection import Collection

EMBEDDED_BYTES = 4_000_000  # of raw records in the page; the rest are files that the page links to
_SHARED_CHARACTERS = 160  # a part shorter than this is not worth a reference


def embedded(collection: Collection) -> tuple[str, dict[str, bytes]]:
    """The page's data, safe inside a script element, and the files of the records that it does not hold."""
    inside: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    size = 0
    for entry in collection:
        # One at a time: all take as much memory as the records.
        plain = entry.record.model_dump(mode="json", exclude_none=False)
        text = json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
        head = {"file": entry.name, "sha256": entry.sha256}
        size += len(text)
        if size <= EMBEDDED_BYTES:
            inside[entry.anchor] = head | {"record": plain}
        else:
            inside[entry.anchor] = head | {"beside": f"records/{entry.anchor}.json"}
            files[f"records/{entry.anchor}.json"] = (text + "\n").encode()
    shared, records = _share(inside)
    data = json.dumps({"shared": shared, "records": records}, separators=(",", ":"), ensure_ascii=False)
    return data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"), files


def _share(tree: Any) -> tuple[list[Any], Any]:
    """Parts that occur more than once, and the tree with ``{"$": index}`` in their places."""
    texts: Counter[str] = Counter()

    def count(node: Any) -> None:
        if isinstance(node, dict | list):
            text = json.dumps(node)
            if len(text) >= _SHARED_CHARACTERS:
                texts[text] += 1
                if texts[text] == 1:  # the inside of a repeated part is shared with it
                    for child in node.values() if isinstance(node, dict) else node:
                        count(child)

    count(tree)
    places: dict[str, int] = {}
    shared: list[Any] = []

    def replace(node: Any, top: bool = False) -> Any:
        if not isinstance(node, dict | list):
            return node
        text = json.dumps(node)
        if not top and texts[text] > 1:
            if text not in places:
                part = replace(node, top=True)
                places[text] = len(shared)
                shared.append(part)
            return {"$": places[text]}
        if isinstance(node, dict):
            return {key: replace(child) for key, child in node.items()}
        return [replace(child) for child in node]

    whole = replace(tree, top=True)
    return shared, whole
