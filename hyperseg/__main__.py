"""``python -m hyperseg``: the command from a source tree, where it is not installed."""

from hyperseg.cli import main

main()
