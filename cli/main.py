"""`loader`, as the project's metadata installs it."""

import sys


def main() -> None:
    """Ctrl-C ends it without a stack trace, while it is still being imported too."""
    try:
        from cli.app import app  # noqa: PLC0415 - takes a second, in which people change their minds

        app()
    except KeyboardInterrupt:
        sys.exit(130)
