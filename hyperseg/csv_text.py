"""Text in CSV files: a spreadsheet would run what begins like a formula."""

_MARKED = ("=", "+", "-", "@", "\t", "\r", "'")  # an apostrophe too, so that no two texts become the same


def inert(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would take for a formula; it shows none of it."""
    return f"'{text}" if text.startswith(_MARKED) else text


def plain(text: str) -> str:
    """What :func:`inert` made its text from."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_MARKED) else text
