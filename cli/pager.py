"""The pager for output that is longer than the screen: $PAGER, or less, unless NO_PAGER or --no-pager turns it off.

Only lists are shown in a pager. A command that waits or asks prints directly.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from functools import wraps
from shutil import which
from typing import Any

from cli.output import console

LESS_OPTIONS = "FRX"
"""Quit if the output fits on the screen, keep colors, and leave the output on the screen afterwards; as git does."""


def show_in_pager(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command's function that shows what it prints to a terminal in the pager."""

    @wraps(callback)
    def run(*arguments: Any, **options: Any) -> Any:
        command = pager_command()
        if not command:
            return callback(*arguments, **options)
        capture = console.capture()
        try:
            with capture:
                return callback(*arguments, **options)
        finally:
            _page(command, capture.get())

    return run


def pager_command() -> list[str]:
    """Return the pager with its arguments; [] if none is to be used."""
    if console.without_pager or os.environ.get("NO_PAGER") or not sys.stdout.isatty():
        return []
    command = shlex.split(os.environ.get("PAGER", "less"))
    return command if command and command != ["cat"] and which(command[0]) else []


def _page(command: list[str], content: str) -> None:
    """Show the content. The pager handles Ctrl-C itself, and may be left before it has read everything."""
    if not content:
        return
    environment = {"LESS": LESS_OPTIONS} | os.environ
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=environment) as pager:
        while pager.poll() is None:
            try:
                pager.communicate(content)
            except KeyboardInterrupt:
                continue
