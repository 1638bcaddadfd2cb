"""Processor time of the processes that a benchmark started, by what they do."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_KINDS = {
    "awslambdaric": "functions",
    "local.aws.main": "emulator",
    "local.influxdb.gateway": "gateway",
    "influxd": "influxd",
}
"""A piece of a command line, and what a process with it is."""


def cpu_seconds() -> dict[str, float]:
    """Return the seconds of processor time that this process and its living descendants have used, by kind.

    What a function's process used is lost when it ends, and counts for the emulator, its parent, from then on.
    """
    parents = {int(path.name): _parent(path) for path in Path("/proc").glob("[0-9]*")}
    seconds: dict[str, float] = {}
    for pid in _descendants(os.getpid(), parents):
        kind, used = _kind(pid), _used(pid)
        seconds[kind] = seconds.get(kind, 0.0) + used
    return seconds


def _descendants(root: int, parents: dict[int, int]) -> list[int]:
    pids = [root]
    for pid in pids:  # the list grows while it is read: children follow their parents
        pids.extend(child for child, parent in parents.items() if parent == pid)
    return pids


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/<pid>/stat from the state on; empty once the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _parent(path: Path) -> int:
    stat = _stat(int(path.name))
    return int(stat[1]) if stat else 0


def _used(pid: int) -> float:
    """Return user and system time of a process and of its children that have ended."""
    stat = _stat(pid)
    return sum(int(ticks) for ticks in stat[11:15]) / _TICKS if stat else 0.0


def _kind(pid: int) -> str:
    if pid == os.getpid():
        return "benchmark"
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "ended"
    return next((kind for piece, kind in _KINDS.items() if piece in command), "other")
