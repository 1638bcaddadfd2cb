"""The commands of docs/tasks.md print what the page shows, apart from numbers, times, and IDs."""

import re
import shlex
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cli.app import app as loader
from tests.support.command_line import TERMINAL
from tests.support.deployed_app import DeployedApp, unique_records

PAGE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text()

PLACEHOLDERS = {
    r"\x1b\[[\d;]*m|\x1b\]8;.*?\x1b\\": "",
    r"\d+ (s|min) ago": "AGO",
    r"\b[0-9a-f]{8,16}\b": "ID",
    r"\d[\d,.:]*": "0",
}
"""What takes the place of escapes, ages, IDs, and numbers."""


def comparable(text: str) -> str:
    """Return a text without what differs from run to run, on one line."""
    for pattern, placeholder in PLACEHOLDERS.items():
        text = re.sub(pattern, placeholder, text)
    return " ".join(text.split())


def check(app: DeployedApp, command: str, **names: str) -> None:
    """Run a command of the page, with other names in place of those of the page, and compare what it prints.

    The page abbreviates output with an ellipsis.
    """
    after = PAGE.split(f"$ {command}\n", maxsplit=1)[1]
    shown = re.split(r"^(?:\$ |```)", after, maxsplit=1, flags=re.MULTILINE)[0]
    words = [names.get(word, word) for word in shlex.split(command)[1:]]
    environment = app.cloud.environment | TERMINAL | {"COLUMNS": "80"}
    printed = comparable(CliRunner().invoke(loader, words, env=environment).stdout)
    for part in filter(None, map(str.strip, comparable(shown).split("…"))):
        assert part in printed, command
        printed = printed.partition(part)[2]


@pytest.mark.slow  # five commands on the deployed app: ten seconds on a quiet machine
def test_the_commands_print_what_the_page_shows(
    app: DeployedApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table, broken, key = (
        unique_records(tmp_path, "generation", 60),
        Path("february.parquet"),
        "dataset=generation/february.parquet",
    )
    pq.write_table(table, "january.parquet")
    check(app, "loader load january.parquet --dataset generation")
    app.put(key, b"PAR1 and no more")
    failed = app.wait_for_load(key)
    check(app, "loader history --status failed")
    check(app, "loader show 8e27df72", **{"8e27df72": failed.arn.rpartition(":")[2]})
    pq.write_table(table, broken)
    check(app, "loader load february.parquet --dataset generation --replace")
    check(app, "loader verify dataset=generation/january.parquet")
