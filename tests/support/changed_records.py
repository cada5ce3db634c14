"""Records with numbers changed, as a mistaken or dishonest user would change them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parents[2] / "results/reference"
TRAINING = REFERENCE / "camvid/camvid_hyperseg_s/seed0/train.json"

Change = Callable[[dict[str, Any]], object]


def change(path: str, value: object) -> Change:
    """Sets one field of a record's numbers, 'a.0.b'."""

    def apply(numbers: dict[str, Any]) -> None:
        place: Any = numbers
        *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for part in way:
            place = place[part]
        place[last] = value

    return apply


def written(folder: Path, source: Path, *changes: Change) -> Path:
    record = json.loads(source.read_text())
    for apply in changes:
        apply(record["numbers"])
    path = folder / source.name
    path.write_text(json.dumps(record))
    return path
