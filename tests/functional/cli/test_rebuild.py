"""`loader rebuild` on a real engine: all of the loader runs in this process, and only AWS is scripted."""

import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from functions.delete_points.steps import DeletionSteps
from functions.delete_points.store import DeletionStore
from local.influxdb.server import LocalInfluxdb
from shared.influx import Influx
from shared.ledger import object_name
from shared.settings import influx_settings
from tests.functional.conftest import SOURCE, WORK
from tests.support.builders import HOUR, START
from tests.support.command_line import run_loader
from tests.support.influx_api import InfluxApi
from tests.support.ledger_entries import put_items
from tests.support.own_datasets import declare_datasets
from tests.support.revised_files import File, finish, newest
from tests.support.scripted_aws import ScriptedAws, failed, succeeded
from tests.support.stale_points import Rewrites

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

KEY, OTHER = "dataset=plants/a.parquet", "dataset=more_plants/b.parquet"
DECLARATIONS = "\n".join(
    f"""
[{name}]
measurement = "plants"
required_tags = ["region", "energy_source", "measurement_type"]
fields = [{{ name = "power_mw", unit = "MW" }}, {{ name = "efficiency", unit = "ratio" }}]
"""
    for name in ("plants", "more_plants")
)
REGIONS = [f"R{number}" for number in range(120)]
WINDOW = ("--dataset", "plants", "--from", "2024-01-01", "--to", "2024-01-02")


def file_of(regions: list[str], value: float, field: str = "power_mw") -> File:
    return {(region, hour, field): value + hour for region in regions for hour in range(5)}


FORMER = file_of(REGIONS, 1.0)
choice = random.Random(1)  # noqa: S311
STALE = {(region, choice.choice((1, 2, 3)), "power_mw") for region in REGIONS}
NEW = {key: value for key, value in FORMER.items() if key not in STALE}
OTHERS = file_of([*REGIONS[:50], "X"], 7.0, "efficiency")
"""The values of the other dataset. That of X at 2 is stale, which nobody asks to remove."""


class Plants:
    """Two datasets in one measurement of a real engine, whose loads and deletions run when a command starts them."""

    def __init__(self, s3: "S3Client", ledger: "Table", context: SimpleNamespace, aws: ScriptedAws, api: InfluxApi):
        self.s3, self.ledger, self.api, self.aws = s3, ledger, api, aws
        self.rewrites = Rewrites(s3, context)
        self.calls = 0
        aws.outputs |= {"FindStaleName": "stale", "DeletePointsName": "delete"}
        aws.environments["stale"] = {}
        aws.results["delete"] = self.delete
        aws.ending = self.load

    def delete(self, event: Any) -> Any:
        """Do the next step of a deletion, as if half a minute had passed since the one before."""
        steps = DeletionSteps(DeletionStore(self.s3, event["deletion"]), self.ledger, Influx(influx_settings()), 0.01)
        step = steps.restore_next if event.get("restore") else steps.do_next
        for _ in range(2):
            self.calls += 1
            state = step(datetime.now(UTC) + timedelta(seconds=30 * self.calls))
            if state["status"] != "waiting":
                break
        return state

    def load(self, event: Any) -> Any:
        """Load a version of a file that is in the source bucket."""
        load = self.rewrites.begin(event["key"])
        assert (event["force"], event["override_slot"]) == (True, False)
        assert event["version_id"] in load.state["file"]["claim"]["version"]
        finish(load)
        self.rewrites.settle(load, "loaded")
        return succeeded(load_id=load.state["file"]["load_id"])

    def stored(self) -> File:
        """Return the values in InfluxDB."""
        (result,) = self.api.query("SELECT power_mw, efficiency FROM plants GROUP BY *").json()["results"]
        return {
            (series["tags"]["region"], (time // 1000 - START) // HOUR, name): value
            for series in result.get("series", [])
            for time, *row in series["values"]
            for name, value in zip(("power_mw", "efficiency"), row, strict=True)
            if value is not None
        }


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalInfluxdb]:
    with LocalInfluxdb(tmp_path_factory.mktemp("influxdb")) as influxdb:
        yield influxdb


@pytest.fixture
def api(
    engine: LocalInfluxdb, aws: ScriptedAws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[InfluxApi]:
    """The engine as all functions reach it, with two datasets that have a measurement in it."""
    target = engine.target
    values = {"URL": target.url, "ORG": target.org, "BUCKET": target.bucket, "TOKEN": target.token}
    for name, value in values.items():
        monkeypatch.setenv(f"INFLUXDB_{name}", value)
    aws.environments["write"] = {f"INFLUXDB_{name}": value for name, value in values.items()}
    declare_datasets(monkeypatch, tmp_path, DECLARATIONS)
    api = InfluxApi(target)
    yield api
    api.query("DROP MEASUREMENT plants")


@pytest.fixture
def plants(s3: "S3Client", ledger: "Table", context: SimpleNamespace, aws: ScriptedAws, api: InfluxApi) -> Plants:
    """A file of which 120 rows are gone that are scattered among current ones, and one of another dataset."""
    plants = Plants(s3, ledger, context, aws, api)
    newer_others = {key: value for key, value in OTHERS.items() if key[:2] != ("X", 2)}
    for key, file in ((KEY, FORMER), (OTHER, OTHERS), (OTHER, newer_others), (KEY, NEW)):
        plants.rewrites.load(key, file)
    assert plants.stored() == newest([FORMER, OTHERS])
    return plants


def rebuild(*options: str) -> tuple[int, Any]:
    """Rebuild the day with slices of a few points; return the exit status and what the command printed as JSON."""
    words = ("rebuild", *WINDOW, "--max-points", "200", "--yes", "--force", "--json")
    result = run_loader(*words, *options)
    # The functions print their metrics before that, since they run in this process.
    return result.exit_code, json.loads(result.stdout[result.stdout.index("{\n") :])


def test_scattered_stale_points_are_removed_and_the_files_are_loaded_again(plants: Plants) -> None:
    refused = run_loader("stale", KEY, "--delete", "--yes", "--force")
    assert (refused.exit_code, "it takes more than 100 requests" in refused.stderr) == (2, True)
    [command] = re.findall(r"`loader (.*)`", refused.stderr)
    assert command == "rebuild --dataset plants --from 2024-01-01T01:00:00 --to 2024-01-01T03:00:01"
    status, content = rebuild()
    [state] = content["deletions"].values()
    assert (state["status"], state["removed"], state["doubts"]) == ("done", len(STALE), [])
    assert 2 < state["requests"] < 10
    assert [load["key"] for load in content["loads"]] == [KEY]
    assert (status, content["stale_points"], content["overtaken"]) == (0, 0, [])
    assert plants.stored() == newest([NEW, OTHERS])
    status, content = rebuild()
    assert (status, content["deletions"], len(content["loads"])) == (0, {}, 1)
    assert plants.stored() == newest([NEW, OTHERS])


def test_a_foreign_point_stops_it_and_nothing_is_lost(plants: Plants) -> None:
    time_ns = (START + 2 * HOUR) * 1000
    plants.api.write(f"plants,region=someone power_mw=7 {time_ns}".encode())
    before = plants.stored()
    status, content = rebuild()
    [state] = content["deletions"].values()
    assert (status, content["stale_points"], content["loads"]) == (1, None, [])
    assert state["foreign"] == [f"plants,region=someone at {time_ns}"]
    kept = {key for key in STALE if key[1] == 2}
    assert plants.stored() == {key: value for key, value in before.items() if key not in STALE or key in kept}


@pytest.mark.parametrize("calls", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_the_same_command_continues_after_a_crash(plants: Plants, calls: int) -> None:
    def crash(event: Any) -> Any:
        if plants.calls > calls:
            return {"errorType": "InfluxUnauthorizedError", "errorMessage": "the token was revoked"}
        return plants.delete(event)

    plants.aws.results["delete"] = crash
    result = run_loader("rebuild", *WINDOW, "--max-points", "200", "--yes", "--force")
    assert (result.exit_code, "To continue it" in result.stderr) == (2, True)
    assert newest([NEW, OTHERS]).items() <= plants.stored().items()
    plants.aws.results["delete"] = plants.delete
    status, content = rebuild()
    assert (status, sum(state["removed"] for state in content["deletions"].values())) == (0, len(STALE))
    assert plants.stored() == newest([NEW, OTHERS])


def test_values_that_a_later_file_wrote_stand_also_outside_the_time(plants: Plants) -> None:
    """The first file has points of the next day. The last one was written after one that is outside the time, too."""
    days = [file_of(["R1"], 1.0) | {("R2", 40, "power_mw"): 1.0}]
    days.append({("R2", 40, "power_mw"): 2.0, ("R3", 80, "efficiency"): 2.0})
    days.append({("R3", 80, "efficiency"): 3.0})
    keys = ["dataset=plants/c.parquet", "dataset=plants/d.parquet", "dataset=more_plants/e.parquet"]
    for key, day in zip(keys, days, strict=True):
        plants.rewrites.load(key, day)
    before = plants.stored()
    status, content = rebuild()
    assert (status, [load["key"] for load in content["loads"]]) == (0, [KEY, *keys])
    assert plants.stored() == {key: value for key, value in before.items() if key not in STALE or key in days[0]}
    plants.s3.delete_object(Bucket=SOURCE, Key=keys[2], VersionId=_version(plants, keys[2]))
    result = run_loader("rebuild", *WINDOW, "--yes", "--force")
    assert (result.exit_code, f"the loaded version of {object_name(SOURCE, keys[2])}" in result.stderr) == (2, True)
    assert "Choose a time whose files have no points in common with it" in result.stderr


def test_a_version_that_is_undone_meanwhile_is_not_loaded_again(plants: Plants) -> None:
    later = "dataset=plants/c.parquet"
    plants.rewrites.load(later, file_of(["R1"], 9.0))

    def load(event: Any) -> Any:
        items: list[Any] = plants.ledger.scan()["Items"]
        put_items(plants.ledger, *(each | {"status": "undone"} for each in items if each["object"].endswith(later)))
        return plants.load(event)

    plants.aws.ending = load
    status, content = rebuild()
    assert (status, content["overtaken"]) == (1, [object_name(SOURCE, later)])
    assert [load["key"] for load in content["loads"]] == [KEY]


def _version(plants: Plants, key: str) -> str:
    return plants.s3.head_object(Bucket=SOURCE, Key=key)["VersionId"]


@pytest.mark.slow
def test_a_file_that_fails_again_loses_nothing(plants: Plants) -> None:
    plants.aws.ending = lambda _: failed("SourceArchivedError", "restore it first")
    status, content = rebuild()
    assert (status, content["stale_points"]) == (1, 0)
    assert [load["error"] for load in content["loads"]] == ["SourceArchivedError"]
    assert plants.stored() == newest([NEW, OTHERS])


def test_a_file_with_a_newer_version_is_left_to_its_load(plants: Plants) -> None:
    newer = {("R1", 1, "power_mw"): 77.0}

    def delete(event: Any) -> Any:
        state = plants.delete(event)
        if state["status"] == "done":
            plants.rewrites.load(KEY, NEW | newer)
        return state

    plants.aws.results["delete"] = delete
    status, content = rebuild()
    assert (status, content["overtaken"], content["loads"]) == (1, [object_name(SOURCE, KEY)], [])
    assert plants.stored() == newest([NEW, OTHERS, newer])


def test_nothing_is_deleted_if_a_source_is_gone_or_something_speaks_against_it(plants: Plants) -> None:
    before = plants.stored()
    result = run_loader("rebuild", *WINDOW, "--yes")
    assert (result.exit_code, "120 of 600 points that a former version" in result.stderr) == (2, True)
    result = run_loader("rebuild", *WINDOW, "--force")
    assert (result.exit_code, "answer y, or add --yes" in result.stderr) == (2, True)
    assert "plants: 120 stale points, 1 request, about 0 s" in result.stderr
    assert "then 1 file will be loaded again" in result.stderr
    newest_version = plants.s3.head_object(Bucket=SOURCE, Key=KEY)["VersionId"]
    plants.s3.delete_object(Bucket=SOURCE, Key=KEY, VersionId=newest_version)
    result = run_loader("rebuild", *WINDOW, "--yes", "--force")
    assert (result.exit_code, f"{object_name(SOURCE, KEY)} (" in result.stderr) == (2, True)
    assert f"{newest_version}) is not in S3 any more" in result.stderr
    assert plants.stored() == before
    assert plants.s3.list_objects_v2(Bucket=WORK, Prefix="deletions/")["KeyCount"] == 0
