"""`loader rebuild` on the deployed app: scattered stale points go, and InfluxDB has exactly the current values."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest

from tests.support.builders import HOUR, generation
from tests.support.commands import run_loader, start_loader
from tests.support.deployed_app import DeployedApp
from tests.support.influx_api import InfluxApi
from tests.support.own_datasets import own_measurement

NAME, OTHER = "rebuilt", "rebuilt_too"
"""The dataset, which has its own measurement, and another one with the same measurement."""

START = 810_000_000 * 1_000_000 // HOUR * HOUR
"""A time in 1995, in microseconds since 1970."""

PLANTS, HOURS = 120, 5

Values = dict[tuple[str, int, str], float]
"""By plant, hour, and field."""

FORMER: Values = {(f"p{plant}", hour, "power_mw"): plant + hour for plant in range(PLANTS) for hour in range(HOURS)}
STALE = {(f"p{plant}", 1 + plant % 3, "power_mw") for plant in range(PLANTS)}
NEW: Values = {key: value for key, value in FORMER.items() if key not in STALE}
OTHERS: Values = {(f"p{plant}", hour, "efficiency"): 0.5 for plant in range(30) for hour in range(HOURS)}


@pytest.fixture(autouse=True)
def _declared(app: DeployedApp, tmp_path: Path) -> Iterator[None]:
    with own_measurement(app, tmp_path, NAME, OTHER):
        yield


def table(values: Values) -> pa.Table:
    points = sorted({(plant, hour) for plant, hour, _ in values})
    columns = {
        name: pa.array([values.get((plant, hour, name)) for plant, hour in points], pa.float64())
        for name in ("power_mw", "efficiency")
    }
    times = pa.array([START + hour * HOUR for _, hour in points], pa.timestamp("us", "UTC"))
    return generation(len(points), timestamp=times, plant_name=[plant for plant, _ in points], **columns)


def stored(api: InfluxApi) -> Values:
    source = f"FROM {NAME} GROUP BY *"
    (result,) = api.query(f"SELECT power_mw, efficiency {source}").json()["results"]
    return {
        (series["tags"]["plant_name"], (time // 1000 - START) // HOUR, name): value
        for series in result["series"]
        for time, *row in series["values"]
        for name, value in zip(("power_mw", "efficiency"), row, strict=True)
        if value is not None
    }


@pytest.mark.slow
def test_a_rebuild_that_is_killed_and_stopped_is_completed_by_the_same_command(app: DeployedApp) -> None:
    folder, api = uuid4().hex[:8], InfluxApi(app.cloud.influx)
    key = f"dataset={NAME}/{folder}/a.parquet"
    for name, values in ((key, FORMER), (f"dataset={OTHER}/{folder}/b.parquet", OTHERS), (key, NEW)):
        assert app.load(name, table(values)).status == "SUCCEEDED"
    assert stored(api) == FORMER | OTHERS

    refused = run_loader(app, "stale", key, "--delete", "--yes", "--force")
    assert (refused.status, "it takes more than 100 requests" in refused.err) == (2, True)
    [command] = re.findall(r"`loader (rebuild .*)`", refused.err)
    words = (*shlex.split(command), "--max-points", "250", "--yes", "--force")

    kill_after_the_first_request(app, *words)
    assert NEW.items() <= stored(api).items()

    write_foreign(api, hour=3)
    stopped = run_loader(app, *words)
    assert (stopped.status, "another program wrote a point there" in stopped.out) == (1, True)
    assert (NEW | OTHERS).items() <= stored(api).items()
    assert stored(api)["someone", 3, "power_mw"] == 7.0
    delete_foreign(api)

    completed = run_loader(app, *words, "--json")
    assert completed.status == 0, completed.err
    assert [load["status"] for load in completed.json["loads"]] == ["SUCCEEDED"]
    assert stored(api) == NEW | OTHERS

    s3 = app.cloud.client("s3")
    version = s3.head_object(Bucket=app.source_bucket, Key=key)["VersionId"]
    s3.delete_object(Bucket=app.source_bucket, Key=key, VersionId=version)
    refused = run_loader(app, *words)
    assert (refused.status, f"{key} (" in refused.err, "is not in S3 any more" in refused.err) == (2, True, True)
    assert stored(api) == NEW | OTHERS


def kill_after_the_first_request(app: DeployedApp, *words: str) -> None:
    loader = start_loader(app, *words)
    assert loader.stderr is not None
    lines = list[str]()
    for line in loader.stderr:
        lines.append(line)
        if line.startswith("1 of "):
            break
    loader.kill()
    loader.wait()
    assert lines[-1].startswith("1 of "), lines
    assert not lines[-1].startswith("1 of 1 ")


def write_foreign(api: InfluxApi, hour: int) -> None:
    line = f"{NAME},plant_name=someone power_mw=7 {(START + hour * HOUR) * 1000}"
    assert api.write(line.encode()).status_code == 204


def delete_foreign(api: InfluxApi) -> None:
    body = {
        "start": "1990-01-01T00:00:00Z",
        "stop": "2000-01-01T00:00:00Z",
        "predicate": f'_measurement="{NAME}" AND plant_name="someone"',
    }
    parameters = {"org": api.influx.org, "bucket": api.influx.bucket}
    assert api.request("POST", "/api/v2/delete", params=parameters, json=body).status_code == 204
