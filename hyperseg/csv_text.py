"""Text for CSV files: a spreadsheet would run a text that begins like a formula."""

_MARKED = ("=", "+", "-", "@", "\t", "\r", "'")  # the apostrophe too, so that two texts never become the same


def inert(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would take for a formula; the cell does not show it."""
    return f"'{text}" if text.startswith(_MARKED) else text


def plain(text: str) -> str:
    """The inverse of :func:`inert`."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_MARKED) else text
