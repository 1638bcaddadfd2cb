"""`make bench-trend`: compare the results in `benchmarks/results/` with those that were committed before.

Git is the archive: each commit that changed a result file is one measurement. The page lists every ratio with its
first, best and last committed value beside the one in the working tree, and flags a ratio that lost more than a tenth
against the last commit.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.record import RESULTS

ROOT = RESULTS.parents[1]
PAGE = ROOT / "build" / "benchmarks.md"
MAX_LOSS = 0.10
"""The share of a ratio that may be lost before it is flagged: runs on one machine differ by half of it."""


class Trend(NamedTuple):
    """One ratio: its committed values, oldest first, and its value in the working tree."""

    benchmark: str
    ratio: str
    committed: list[float]
    current: float

    @property
    def is_loss(self) -> bool:
        """True if the ratio is more than MAX_LOSS below the last committed value."""
        return bool(self.committed) and self.current < self.committed[-1] * (1 - MAX_LOSS)


def committed_ratios(file: Path) -> list[dict[str, float]]:
    """Return the ratios of each commit of a result file, oldest first."""
    name = file.relative_to(ROOT).as_posix()
    commits = _git("log", "--reverse", "--format=%H", "--", name).split()
    contents = (json.loads(_git("show", f"{commit}:{name}")) for commit in commits)
    return [content["ratios"] for content in contents if "ratios" in content]


def trends() -> Iterator[Trend]:
    """Yield every ratio of every result file in the working tree."""
    for file in sorted(RESULTS.glob("*.json")):
        history = committed_ratios(file)
        for ratio, value in json.loads(file.read_text(encoding="utf-8")).get("ratios", {}).items():
            yield Trend(file.stem, ratio, [ratios[ratio] for ratios in history if ratio in ratios], value)


def page(rows: list[Trend]) -> str:
    """Return the Markdown page."""
    lines = ["| benchmark | ratio | first | best | last committed | now | |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        past = [row.committed[0], max(row.committed), row.committed[-1]] if row.committed else []
        cells = [f"{value:.3f}" for value in past] or ["-"] * 3
        flag = f"**lost {1 - row.current / row.committed[-1]:.0%}**" if row.is_loss else ""
        lines.append(f"| {row.benchmark} | {row.ratio} | {' | '.join(cells)} | {row.current:.3f} | {flag} |")
    return "\n".join(lines) + "\n"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Print the page, and write it to `build/benchmarks.md`."""
    text = page(list(trends()))
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
