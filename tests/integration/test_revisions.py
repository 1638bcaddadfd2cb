"""Two files of a month, and a reprocessed one that corrects both: its values stand in any order of arrival."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, permutations, repeat
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cli.deployed.executions import Execution
from tests.support.deployed_app import DeployedApp, unique_records

ROWS = 60


class Month(NamedTuple):
    """The three files by key, the reprocessed one last, and the records that InfluxDB must hold in the end."""

    files: dict[str, pa.Table]
    records: pa.Table


def month(folder: Path, name: str) -> Month:
    """Return the files of a month that no other test uses: rows 0 to 29, 30 to 59, and corrected rows 20 to 39."""
    records = unique_records(folder, "generation", ROWS)
    power = records.column_names.index("power_mw")
    corrected = records.set_column(power, "power_mw", pc.add(records["power_mw"], 1000.0)).slice(20, 20)
    first, again = (f"{folder.name}-{name}/processing_metadata_processed_at=2024-0{n}-01 03:04:05" for n in (2, 8))
    files = {
        f"dataset=generation/{first}/a.parquet": records.slice(0, 30),
        f"dataset=generation/{first}/b.parquet": records.slice(30),
        f"dataset=generation/{again}/c.parquet": corrected,
    }
    return Month(files, pa.concat_tables([records.slice(0, 20), corrected, records.slice(40)]))


def load(app: DeployedApp, keys: Sequence[str]) -> list[Execution]:
    """Load the files of these keys at the same time."""
    arns = [app.start({"bucket": app.source_bucket, "key": key}) for key in keys]
    return [app.wait_for_end(arn) for arn in arns]


def check(app: DeployedApp, folder: Path, expected: Month, executions: Sequence[Execution]) -> None:
    """Check that InfluxDB holds the newest values, and that each load accounts for each of its points."""
    for execution in executions:
        assert execution.status == "SUCCEEDED", execution.response
        data = execution.response["data"]
        assert data["verdict"] == "loaded"
        points = data["points"]
        assert points["stored"] + points["superseded"] == data["conversion_stats"]["output_points"]
    comparison = app.compare(folder, "generation", expected.records)
    assert comparison.equal, comparison.differences


def test_files_that_arrive_after_the_reprocessed_one_leave_its_values(app: DeployedApp, tmp_path: Path) -> None:
    with app.without_events():
        expected = month(tmp_path, "late")
        executions = load_month(app, expected, [[2], [1], [0]])
    check(app, tmp_path, expected, executions)
    assert [execution.response["data"]["points"]["superseded"] for execution in executions] == [0, 10, 10]


def test_the_reprocessed_file_s_values_stand_if_all_arrive_at_once(app: DeployedApp, tmp_path: Path) -> None:
    with app.without_events():
        expected = month(tmp_path, "at-once")
        executions = load_month(app, expected, [[0, 1, 2]])
    check(app, tmp_path, expected, executions)


ORDERS = [*(list(order) for order in permutations([[0], [1], [2]])), [[0, 1, 2]]]
"""Each order in which the files of a month are loaded: those of an inner list at the same time."""

ROUNDS, SIMULTANEOUS = 100, 4


@pytest.mark.slow  # the rounds take a quarter of an hour
def test_the_reprocessed_file_s_values_stand_in_a_hundred_rounds(app: DeployedApp, tmp_path: Path) -> None:
    with app.without_events():
        months = [month(tmp_path, str(number)) for number in range(ROUNDS)]
        with ThreadPoolExecutor(SIMULTANEOUS) as rounds:
            executions = list(rounds.map(load_month, repeat(app), months, cycle(ORDERS)))
    for expected, loads in zip(months, executions, strict=True):
        check(app, tmp_path, expected, loads)


def load_month(app: DeployedApp, month_: Month, order: Sequence[Sequence[int]]) -> list[Execution]:
    keys = list(month_.files)
    for key, table in month_.files.items():
        app.put(key, table)
    return [execution for numbers in order for execution in load(app, [keys[number] for number in numbers])]
