"""`loader undo` on the deployed app: InfluxDB then has exactly the values of the files that are left."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest

from tests.support.builders import HOUR, generation
from tests.support.commands import CommandResult, run_loader, start_loader
from tests.support.deployed_app import DeployedApp
from tests.support.influx_api import InfluxApi
from tests.support.ledger import ledger_items, statuses
from tests.support.own_datasets import declare_datasets

DATASET = """
[{name}]
measurement = "{name}"
{revisions}
required_tags = ["region", "energy_source", "measurement_type"]
optional_tags = ["quality_flag", "plant_name", "operator"]
fields = [{{ name = "power_mw", unit = "MW" }}, {{ name = "efficiency", unit = "ratio" }}]
"""
REVISION = 'revision = "revised_at"'
DECLARATIONS = "".join(
    DATASET.format(name=name, revisions=revisions)
    for name, revisions in (
        ("undo_overlay", REVISION),
        ("undo_replace", f'{REVISION}\nrevisions = "replace"'),
        ("undo_unordered", ""),
    )
)
START = 800_000_000 * 1_000_000 // HOUR * HOUR
"""A time in 1995, in microseconds since 1970."""

Rows = dict[tuple[str, int], float]
"""The power of a plant at an hour."""


@pytest.fixture(autouse=True)
def _declared(app: DeployedApp, tmp_path: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        declare_datasets(monkeypatch, tmp_path, DECLARATIONS)
        with app.configured(LOADER_DATASETS=str(tmp_path / "datasets.toml")):
            yield


class Trial:
    """Files of one dataset, in a region of their own."""

    def __init__(self, app: DeployedApp, dataset: str) -> None:
        self.app, self.dataset, self.region = app, dataset, f"undo_{uuid4().hex[:8]}"
        self.prefix = f"dataset={dataset}/{self.region}/"

    def key(self, name: str, revision: int) -> str:
        return f"{self.prefix}revised_at=2024-0{revision}-01/{name}.parquet"

    def load(self, key: str, rows: Rows) -> str:
        """Load a file, and return its load ID."""
        plants, hours = zip(*rows, strict=True)
        table = generation(
            len(rows),
            timestamp=pa.array([START + hour * HOUR for hour in hours], pa.timestamp("us", "UTC")),
            region=[self.region] * len(rows),
            plant_name=list(plants),
            power_mw=pa.array(rows.values(), pa.float64()),
            efficiency=pa.array([None] * len(rows), pa.float64()),
        )
        execution = self.app.load(key, table)
        assert execution.status == "SUCCEEDED", execution.response
        return str(execution.response["data"]["load_id"])

    def stored(self) -> Rows:
        where = f"FROM {self.dataset} WHERE region = '{self.region}' GROUP BY *"
        (result,) = InfluxApi(self.app.cloud.influx).query(f"SELECT power_mw {where}").json()["results"]
        return {
            (series["tags"]["plant_name"], (time // 1000 - START) // HOUR): value
            for series in result.get("series", [])
            for time, value in series["values"]
        }

    def undo(self, load: str, *options: str) -> CommandResult:
        return run_loader(self.app, "undo", load, "--yes", "--json", *options)

    def statuses(self) -> list[str]:
        return statuses(self.app, self.prefix)


def rows(plant: str, first: int, last: int, value: float) -> Rows:
    return {(plant, hour): value for hour in range(first, last)}


def test_the_file_before_and_an_overlapping_older_file_get_their_values_back(app: DeployedApp) -> None:
    trial = Trial(app, "undo_overlay")
    other, key = trial.key("b", 1), trial.key("a", 2)
    trial.load(other, rows("p", 0, 10, 1.0))
    trial.load(key, rows("p", 5, 15, 2.0))
    before = trial.stored()
    load = trial.load(key, rows("p", 3, 15, 3.0))
    assert trial.stored() != before
    undone = trial.undo(load)
    assert undone.status == 0, (undone.out, undone.err)
    assert undone.json["loaded_again"] == {f"s3://{app.source_bucket}/{each}": "loaded" for each in (other, key)}
    assert trial.stored() == before == rows("p", 0, 5, 1.0) | rows("p", 5, 15, 2.0)
    assert sorted(trial.statuses()) == ["loaded", "loaded", "undone"]


@pytest.mark.slow
def test_points_that_only_the_load_had_are_deleted_and_only_a_person_loads_it_again(app: DeployedApp) -> None:
    trial = Trial(app, "undo_overlay")
    key = trial.key("a", 1)
    trial.load(key, rows("p", 0, 10, 1.0) | rows("stale", 0, 5, 1.0))
    trial.load(key, rows("p", 0, 10, 1.5))
    before = trial.stored()
    load = trial.load(key, rows("p", 0, 10, 3.0) | rows("wrong", 0, 4, 4.0))
    wrong = trial.stored()
    undone = trial.undo(load)
    assert undone.status == 0, (undone.out, undone.err)
    assert "nothing stands in for 4 points" in undone.err
    assert trial.stored() == before == rows("p", 0, 10, 1.5) | rows("stale", 0, 5, 1.0)
    refused = trial.undo(load)
    assert (refused.status, "not loaded, but undone since" in refused.err) == (2, True)
    backfill = run_loader(app, "backfill", trial.prefix)
    assert "1 of 1 file is loaded" in backfill.out, backfill.out
    assert trial.stored() == before
    skipped = run_loader(app, "load", f"s3://{app.source_bucket}/{key}")
    assert "its load was undone" in skipped.out, skipped.out
    again = run_loader(app, "load", f"s3://{app.source_bucket}/{key}", "--force")
    assert again.status == 0, again.err
    assert trial.stored() == wrong


@pytest.mark.slow
def test_a_revision_that_replaced_another_is_undone_as_a_whole(app: DeployedApp) -> None:
    trial = Trial(app, "undo_replace")
    for name, first in (("a", 0), ("b", 10)):
        trial.load(trial.key(name, 1), rows("p", first, first + 10, 1.0))
    before = trial.stored()
    loads = [
        trial.load(trial.key(name, 2), rows("new", first, first + 8, 2.0) | rows("p", first, first + 5, 2.0))
        for name, first in (("a", 0), ("c", 10))
    ]
    undone = trial.undo(loads[0])
    assert undone.status == 0, (undone.out, undone.err)
    assert undone.json["undone"] == [f"s3://{app.source_bucket}/{trial.key(name, 2)}" for name in "ac"]
    assert trial.stored() == before
    assert trial.statuses() == ["loaded", "loaded", "undone", "undone"]
    for command in (("backfill", trial.prefix), ("backfill", trial.prefix, "--all-revisions")):
        assert run_loader(app, *command).status == 0
        assert trial.stored() == before
    trial.load(trial.key("d", 1), rows("late", 0, 3, 1.0))
    assert trial.stored() == before | rows("late", 0, 3, 1.0)


@pytest.mark.slow
def test_an_undo_that_was_killed_is_continued(app: DeployedApp) -> None:
    trial = Trial(app, "undo_overlay")
    key = trial.key("a", 1)
    trial.load(key, rows("p", 0, 10, 1.0))
    before = trial.stored()
    load = trial.load(key, rows("q", 0, 10, 2.0))
    process = start_loader(app, "undo", load, "--yes")
    deadline = time.monotonic() + 60
    while "undone" not in trial.statuses() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.kill()
    process.wait()
    assert "undone" in trial.statuses()
    assert f"`loader undo {load[:8]}` continues" in run_loader(app, "status").out
    app.wait_until_idle()  # a load that has started goes on; it may not have claimed its file yet
    undone = trial.undo(key)
    assert (undone.status, undone.json["left"]) == (0, 0), (undone.out, undone.err)
    assert trial.stored() == before
    assert "continues" not in run_loader(app, "status").out


@pytest.mark.slow
def test_where_files_have_no_order_those_written_later_stand_again(app: DeployedApp) -> None:
    trial = Trial(app, "undo_unordered")
    first, second, third, wrong = (f"{trial.prefix}{name}.parquet" for name in "abcd")
    trial.load(first, rows("p", 0, 10, 1.0))
    trial.load(second, rows("p", 5, 15, 2.0))
    trial.load(third, rows("p", 12, 20, 3.0))
    before = trial.stored()
    load = trial.load(wrong, rows("p", 3, 8, 4.0))
    undone = trial.undo(load)
    assert undone.status == 0, (undone.out, undone.err)
    assert len(undone.json["loaded_again"]) == 3
    assert trial.stored() == before


@pytest.mark.slow
def test_where_nothing_stands_in_the_plan_says_so_before_the_question(app: DeployedApp) -> None:
    trial = Trial(app, "undo_overlay")
    key = trial.key("a", 1)
    trial.load(key, rows("p", 0, 10, 1.0))
    [former] = ledger_items(app, trial.prefix)
    load = trial.load(key, rows("p", 0, 12, 2.0))
    version = former["version"].partition(" ")[2]
    app.cloud.client("s3").delete_object(Bucket=app.source_bucket, Key=key, VersionId=version)
    asked = run_loader(app, "undo", load)
    assert asked.status == 2
    assert "this version no longer exists in S3" in asked.err
    assert "nothing stands in for 12 points: they will be removed" in asked.err
    undone = trial.undo(load)
    assert undone.status == 0, (undone.out, undone.err)
    assert trial.stored() == {}
