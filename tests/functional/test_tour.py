"""The commands of docs/tour.md that need no deployment print what the page shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.support.command_line import NOWHERE, TERMINAL

PAGE = (Path(__file__).parents[2] / "docs" / "tour.md").read_text()
LOADER = str(Path(sys.executable).with_name("loader"))


def shown_output(command: str) -> str:
    """Return what the page shows after a command."""
    after = PAGE.split(f"$ {command}\n", maxsplit=1)[1]
    return re.split(r"^(?:\$ |```)", after, maxsplit=1, flags=re.MULTILINE)[0]


def run(folder: Path, *command: str) -> str:
    environment = os.environ | NOWHERE | TERMINAL | {"COLUMNS": "100"}
    environment["LOADER_DATASETS"] = str(folder / "datasets.toml")
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    text = re.sub(r"\x1b\[[\d;]*m", "", ended.stdout)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def test_the_file_of_the_tour_is_suggested_checked_and_planned_as_shown(tmp_path: Path) -> None:
    script = re.search(r"```python\n(.+?)```", PAGE, re.DOTALL)
    assert script
    run(tmp_path, sys.executable, "-c", script[1])
    suggestion = run(tmp_path, LOADER, "suggest", "turbines.parquet", "--name", "turbines")
    assert suggestion == shown_output("loader suggest turbines.parquet --name turbines | tee -a datasets.toml")
    (tmp_path / "datasets.toml").write_text(suggestion)
    assert run(tmp_path, LOADER, "datasets", "check") == shown_output("loader datasets check")
    plan = run(tmp_path, LOADER, "plan", "--detached", "turbines.parquet", "--dataset", "turbines")
    assert plan == shown_output("loader plan turbines.parquet --dataset turbines")
