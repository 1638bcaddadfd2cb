"""Processes of this machine whose environment or command line mentions a folder."""

import time
from pathlib import Path


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of the processes that mention `folder`. A zombie has none, so it does not count."""
    return [command for pid in Path("/proc").glob("[0-9]*") if (command := _command_with(pid, str(folder)))]


def wait_until_gone(folder: Path, *, within_s: float) -> bool:
    """Wait until no process mentions `folder`, and tell whether that was so within `within_s` seconds."""
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
