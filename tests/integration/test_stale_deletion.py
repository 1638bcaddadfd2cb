"""`loader stale --delete` on the deployed app: InfluxDB then has exactly the values of the current files.

A file is rewritten without some rows, with a renamed plant, with a tag added, with a tag removed, and without a field.
Another file has one of the removed points too, and another program has written a point in the middle.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pytest

from tests.support.builders import HOUR, generation
from tests.support.commands import run_loader
from tests.support.deployed_app import DeployedApp
from tests.support.influx_api import InfluxApi
from tests.support.own_datasets import own_measurement

NAME = "stale_deletion"
"""The dataset and its measurement, in which no other test has points, failed loads, or deletions."""

START = 800_000_000 * 1_000_000 // HOUR * HOUR
"""A time in 1995, in microseconds since 1970."""

Rows = Mapping[tuple[str, str, int], tuple[float, float | None]]
"""Power and efficiency of a plant of an operator, which may be empty, at an hour."""

Values = set[tuple[str, str, int, str, float]]

FORMER: Rows = {
    **{("removed hours", "", hour): (1.0 + hour, 0.5) for hour in range(10)},
    **{("old name", "", hour): (20.0 + hour, None) for hour in range(10)},
    **{("added tag", "", hour): (30.0 + hour, None) for hour in range(10)},
    **{("removed tag", "x", hour): (40.0 + hour, None) for hour in range(10)},
    **{("field gone", "", hour): (50.0 + hour, 0.7) for hour in range(10)},
}
NEW: Rows = {
    **{("removed hours", "", hour): (1.0 + hour, 0.5) for hour in range(10) if hour not in (4, 5, 6)},
    **{("new name", "", hour): (20.0 + hour, None) for hour in range(10)},
    **{("added tag", "y", hour): (30.0 + hour, None) for hour in range(10)},
    **{("removed tag", "", hour): (40.0 + hour, None) for hour in range(10)},
    **{("field gone", "", hour): (50.0 + hour, None if hour in (2, 3) else 0.7) for hour in range(10)},
}
OTHER: Rows = {("removed hours", "", 5): (6.0, 0.5)}
FOREIGN: Rows = {("removed hours", "someone else", 4): (7.0, None)}
STALE = {("removed hours", "", 4), ("removed hours", "", 6), ("field gone", "", 2), ("field gone", "", 3)} | {
    key for key in FORMER if key[0] in ("old name", "added tag", "removed tag")
}


@pytest.fixture(autouse=True)
def _declared(app: DeployedApp, tmp_path: Path) -> Iterator[None]:
    with own_measurement(app, tmp_path, NAME):
        yield


def table(region: str, rows: Rows) -> pa.Table:
    plants, operators, hours = zip(*rows, strict=True)
    power, efficiency = zip(*rows.values(), strict=True)
    return generation(
        len(rows),
        timestamp=pa.array([START + hour * HOUR for hour in hours], pa.timestamp("us", "UTC")),
        region=[region] * len(rows),
        plant_name=list(plants),
        operator=[operator or None for operator in operators],
        power_mw=pa.array(power, pa.float64()),
        efficiency=pa.array(efficiency, pa.float64()),
    )


def values(*files: Rows) -> Values:
    return {
        (plant, operator, hour, name, value)
        for file in files
        for (plant, operator, hour), pair in file.items()
        for name, value in zip(("power_mw", "efficiency"), pair, strict=True)
        if value is not None
    }


def stored(api: InfluxApi, region: str) -> Values:
    where = f"FROM {NAME} WHERE region = '{region}' GROUP BY *"
    (result,) = api.query(f"SELECT power_mw, efficiency {where}").json()["results"]
    return {
        (series["tags"]["plant_name"], series["tags"]["operator"], (time // 1000 - START) // HOUR, name, value)
        for series in result["series"]
        for time, *row in series["values"]
        for name, value in zip(("power_mw", "efficiency"), row, strict=True)
        if value is not None
    }


@pytest.mark.slow
def test_the_engine_has_the_values_of_the_current_files_and_foreign_ones_after_a_deletion(app: DeployedApp) -> None:
    region, api = f"stale_{uuid4().hex[:8]}", InfluxApi(app.cloud.influx)
    prefix = f"dataset={NAME}/{region}/"
    for name, rows in (("a", FORMER), ("b", OTHER), ("a", NEW)):
        assert app.load(f"{prefix}{name}.parquet", table(region, rows)).status == "SUCCEEDED"
    assert stored(api, region) == values(FORMER, NEW, OTHER)
    [result] = [each for each in run_loader(app, "stale", prefix, "--json").json if each["points"]]
    assert result["points"] == len(STALE)
    assert values(FORMER, NEW, OTHER) - values(NEW, OTHER) == expected_stale()
    write_foreign(api, region)

    refused = run_loader(app, "stale", prefix, "--delete", "--yes")
    assert refused.status == 2
    assert "nothing was deleted: 34 of 50 points" in refused.err
    assert stored(api, region) == values(FORMER, NEW, OTHER, FOREIGN)

    deleted = run_loader(app, "stale", prefix, "--delete", "--yes", "--force", "--json")
    assert deleted.status == 1, deleted.err
    [(deletion, state)] = deleted.json.items()
    assert state["status"] == "done"
    assert (len(state["foreign"]), state["doubts"]) == (1, [])
    beside_foreign = values({("removed hours", "", 4): FORMER["removed hours", "", 4]})
    assert stored(api, region) == values(NEW, OTHER, FOREIGN) | beside_foreign

    restored = run_loader(app, "restore", deletion, "--json")
    assert restored.status == 0, restored.err
    assert stored(api, region) == values(FORMER, NEW, OTHER, FOREIGN)


def expected_stale() -> Values:
    gone = values({key: value for key, value in FORMER.items() if key in STALE})
    return {value for value in gone if value not in values(NEW)}


def write_foreign(api: InfluxApi, region: str) -> None:
    for (plant, operator, hour), (power, _) in FOREIGN.items():
        tags = f"region={region},plant_name={plant},operator={operator}".replace(" ", "\\ ")
        line = f"{NAME},{tags},measurement_type=a,energy_source=b power_mw={power} {(START + hour * HOUR) * 1000}"
        assert api.write(line.encode()).status_code == 204
