"""Results of the benchmarks as JSON in `benchmarks/results/`, with what is needed to compare them later.

A result has `ratios`, which hold on any machine and which `benchmarks.trend` compares, and `figures`, which describe
the machine that they were measured on.
"""

import json
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

RESULTS = Path(__file__).parent / "results"


class Machine(TypedDict):
    """The machine of a run; `load_before` is its load average over the minute before the benchmark began."""

    processor: str
    processors: int | None
    system: str
    load_before: float


class Result(TypedDict):
    """One run of a benchmark. `date` is ISO 8601, UTC; higher ratios are better."""

    command: str
    date: str
    seed: int
    machine: Machine
    versions: dict[str, str]
    ratios: dict[str, float]
    figures: dict[str, Any]


def describe_machine() -> Machine:
    """Return the processor, system and load of this machine. Call it before the benchmark adds load of its own."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return Machine(
        processor=models[0] if models else platform.processor() or platform.machine(),
        processors=os.cpu_count(),
        system=platform.platform(),
        load_before=round(os.getloadavg()[0], 2),
    )


def package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the version of Python and of each installed package."""
    return {"python": platform.python_version(), **{package: version(package) for package in packages}}


def save_result(
    name: str,
    *,
    seed: int,
    machine: Machine,
    versions: Mapping[str, str],
    ratios: Mapping[str, float],
    figures: Mapping[str, Any],
) -> Path:
    """Write `benchmarks/results/<name>.json`, the result of `make bench-<name>`, and return its path."""
    result = Result(
        command=f"make bench-{name}",
        date=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        seed=seed,
        machine=machine,
        versions=dict(versions),
        ratios={ratio: round(value, 3) for ratio, value in ratios.items()},
        figures=dict(figures),
    )
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return path
