"""The commands of docs/tasks.md and docs/tour.md print what these pages show, apart from numbers, times, and IDs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cli.app import app as loader
from tests.support.command_line import TERMINAL
from tests.support.commands import run_loader
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.ledger import all_items, ledger_table
from tests.support.own_datasets import declare_datasets

DOCS = Path(__file__).parents[2] / "docs"
TASKS, TOUR = (DOCS / "tasks.md").read_text(), (DOCS / "tour.md").read_text()

SUGGEST = ["suggest", "turbines.parquet", "--name", "turbines"]

PLACEHOLDERS = {
    r"\x1b\[[\d;]*m|\x1b\]8;.*?\x1b\\": "",
    r"\d+ (s|min) ago": "AGO",
    r"\b[0-9a-f]{8,16}\b(-[0-9a-f]{4,12}\b)*": "ID",
    r"\d[\d,.:]*": "0",
}
"""What takes the place of escapes, ages, IDs, and numbers."""


def comparable(text: str) -> str:
    """Return a text without what differs from run to run, on one line."""
    for pattern, placeholder in PLACEHOLDERS.items():
        text = re.sub(pattern, placeholder, text)
    return " ".join(text.split())


def check(app: DeployedApp, page: str, command: str, **names: str) -> None:
    """Run a command of a page, with other names in place of those of the page, and compare what it prints.

    The page abbreviates output with an ellipsis.
    """
    after = page.split(f"$ {command}\n", maxsplit=1)[1]
    shown = re.split(r"^(?:\$ |```)", after, maxsplit=1, flags=re.MULTILINE)[0]
    words = [names.get(word, word) for word in shlex.split(command)[1:]]
    columns = str(max(80, *map(len, shown.splitlines())))
    environment = app.cloud.environment | TERMINAL | {"COLUMNS": columns}
    printed = comparable(CliRunner().invoke(loader, words, env=environment).stdout)
    for part in filter(None, map(str.strip, comparable(shown).split("…"))):
        assert part in printed, command
        printed = printed.partition(part)[2]


@pytest.fixture(autouse=True)
def _no_loads_yet(app: DeployedApp) -> None:
    """Empty the ledger: the pages show a history without the loads of other tests, whose names change its columns."""
    with ledger_table(app).batch_writer() as batch:
        for item in all_items(app):
            batch.delete_item(Key={"object": item["object"], "version": item["version"]})


@pytest.mark.slow  # five commands on the deployed app: ten seconds on a quiet machine
def test_the_commands_of_the_tasks_print_what_the_page_shows(
    app: DeployedApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table, broken, key = (
        unique_records(tmp_path, "generation", 60),
        Path("february.parquet"),
        "dataset=generation/february.parquet",
    )
    pq.write_table(table, "january.parquet")
    check(app, TASKS, "loader load january.parquet --dataset generation")
    app.put(key, b"PAR1 and no more")
    failed = app.wait_for_load(key)
    check(app, TASKS, "loader history --status failed")
    check(app, TASKS, "loader show 8e27df72", **{"8e27df72": failed.arn.rpartition(":")[2]})
    pq.write_table(table, broken)
    check(app, TASKS, "loader load february.parquet --dataset generation --replace")
    check(app, TASKS, "loader verify dataset=generation/january.parquet")


@pytest.mark.slow  # functions restart with another dataset
def test_the_tour_of_a_new_dataset_shows_what_the_commands_print(
    app: DeployedApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = re.search(r"```python\n(.+?)```", TOUR, re.DOTALL)
    assert script
    subprocess.run([sys.executable, "-c", script[1]], check=True)
    declare_datasets(monkeypatch, tmp_path, CliRunner().invoke(loader, SUGGEST).stdout)
    with app.configured(LOADER_DATASETS=str(tmp_path / "datasets.toml")):
        check(app, TOUR, "loader load turbines.parquet --dataset turbines")
        (entry,) = run_loader(app, "history", "dataset=turbines/", "--json").json
        check(app, TOUR, "loader history")
        check(app, TOUR, "loader verify 8a0822aa", **{"8a0822aa": entry["load_id"]})
        check(app, TOUR, "loader coverage")
