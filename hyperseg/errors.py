"""The one exception a user is meant to see, and helpers for its text."""

from collections.abc import Iterable


def printable(text: str) -> str:
    """The text with every character that is not printable (escape codes, line breaks) written as ``\\x1b``."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def reason_of(error: OSError) -> str:
    """What the system says of a call that failed, as a clause: ``no space left on device``."""
    return (error.strerror or str(error)).lower()


def first_ten(names: Iterable[object]) -> str:
    """``a, b, c`` or, for more than ten, the first ten and ``and 12 more (22 in all)``."""
    listed = [printable(str(name)) for name in names]
    text = ", ".join(listed[:10])
    if len(listed) > 10:
        text += f" and {len(listed) - 10} more ({len(listed)} in all)"
    return text


class UserError(Exception):
    """Bad input or an unfit machine, reported in one sentence: the thing, the place, the remedy.

    The command line prints it as ``error: ...`` and exits with code 2; anything else is a bug of this package.
    """

    def __str__(self) -> str:
        """One line, whatever names and values from files it quotes: no terminal obeys it."""
        return printable(super().__str__())
