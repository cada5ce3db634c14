"""How errors list bad files: the first ten and the total, without control characters."""

from collections.abc import Iterable

from hyperseg.errors import printable


def first_ten(names: Iterable[object]) -> str:
    """``a, b, c`` or, for more than ten, the first ten and ``and 12 more (22 in all)``."""
    listed = [printable(str(name)) for name in names]
    text = ", ".join(listed[:10])
    if len(listed) > 10:
        text += f" and {len(listed) - 10} more ({len(listed)} in all)"
    return text
