"""Processes of this machine, found by what they carry in their environment or command line."""

import time
from pathlib import Path


def processes_of(folder: Path) -> list[str]:
    """Command lines of those that know `folder`. A zombie has neither environment nor command line."""
    return [command for pid in Path("/proc").glob("[0-9]*") if (command := _command_with(pid, str(folder)))]


def gone(folder: Path, *, within_s: float) -> bool:
    """Whether no process of `folder` is left, in good time."""
    deadline = time.monotonic() + within_s
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes_of(folder)


def _command_with(pid: Path, text: str) -> str:
    try:
        command, environment = ((pid / name).read_bytes().decode(errors="replace") for name in ("cmdline", "environ"))
    except OSError:  # it has just ended
        return ""
    return command.replace("\0", " ") if text in command + environment else ""
