"""The one exception a user is meant to see."""


class UserError(Exception):
    """Bad input or an unfit machine, reported in one sentence: the thing, the place, the remedy.

    The command line prints it as ``error: ...`` and exits with code 2; anything else is a bug of this package.
    """
