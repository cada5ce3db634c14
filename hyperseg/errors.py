"""The one exception a user is meant to see."""


def printable(text: str) -> str:
    """The text with every character that is not printable (escape codes, line breaks) written as ``\\x1b``."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


class UserError(Exception):
    """Bad input or an unfit machine, reported in one sentence: the thing, the place, the remedy.

    The command line prints it as ``error: ...`` and exits with code 2; anything else is a bug of this package.
    """

    def __str__(self) -> str:
        """One line, whatever names and values from files it quotes: no terminal obeys it."""
        return printable(super().__str__())
