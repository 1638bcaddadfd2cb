"""The entry point of `loader`, named in pyproject.toml."""

import sys

from cli.bash_completion import complete, is_requested


def main() -> None:
    """Run the command line. Ctrl-C exits with status 130 and no stack trace, even during the imports."""
    try:
        # These imports take a second, long enough for an operator to press Ctrl-C.
        from cli.app import app  # noqa: PLC0415

        if is_requested():
            complete(app)
        else:
            app()
    except KeyboardInterrupt:
        sys.exit(130)
