"""`hyperseg data`, as a user would type it."""

from click.testing import CliRunner, Result

from hyperseg.cli.data import command
from hyperseg.errors import UserError


def cli(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def told(result: Result) -> str:
    """The one sentence that the user is told."""
    assert isinstance(result.exception, UserError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)
