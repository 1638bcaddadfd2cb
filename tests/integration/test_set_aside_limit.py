"""MAX_SET_ASIDE_RATE on the deployed app: the share is that of the whole file, whatever the number of its parts."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.validate_schema.parts import PART_ROWS
from tests.support.deployed_app import DeployedApp, unique_records

RATE = 0.1


@pytest.fixture(scope="module", autouse=True)
def limit(app: DeployedApp) -> Iterator[None]:
    with app.configured(MAX_SET_ASIDE_RATE=str(RATE)):
        yield


def without_region(table: pa.Table, rows: int) -> pa.Table:
    """Remove the region from the first rows, which are then set aside."""
    regions = pa.array([None] * rows + table["region"].to_pylist()[rows:], pa.string())
    return table.set_column(table.column_names.index("region"), "region", regions)


def test_a_file_with_too_many_rows_set_aside_fails_before_the_first_write(app: DeployedApp, tmp_path: Path) -> None:
    table = unique_records(tmp_path, "generation", 100)
    execution = app.load(f"dataset=generation/{tmp_path.name}.parquet", without_region(table, 11))
    assert (execution.error, execution.response["statusCode"]) == ("InvalidRecordsError", 400)
    assert (
        "11 of 100 rows would be set aside (MAX_SET_ASIDE_RATE is 0.1): 11 missing_tag" in execution.response["message"]
    )
    assert execution.response["data"]["points"] == {
        "stored": 0,
        "rejected": 0,
        "superseded": 0,
        "not_sent": 89,
        "unknown": 0,
    }
    assert app.compare(tmp_path, "generation", table).read_back == 0
    execution = app.load(execution.key, without_region(table, 10))
    assert (execution.status, execution.response["data"]["points"]["stored"]) == ("SUCCEEDED", 90)


def two_parts(table: pa.Table, set_aside: int) -> bytes:
    """Return a file of two parts. Its rows repeat the few of the table; of the first part, some have no region."""
    rows = PART_ROWS // 2 + 1
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, table.schema) as writer:
        for bad in (set_aside, 0):
            part = table.take(pa.array(np.arange(rows) % table.num_rows))
            writer.write_table(without_region(part, bad), row_group_size=rows)
    return buffer.getvalue()


@pytest.mark.slow
def test_the_parts_of_a_file_are_judged_together(app: DeployedApp, tmp_path: Path) -> None:
    table = unique_records(tmp_path, "generation", 10)
    rows = PART_ROWS + 2
    execution = app.load(f"dataset=generation/{tmp_path.name}.parquet", two_parts(table, int(RATE * rows) + 1))
    assert execution.error == "InvalidRecordsError"
    assert f"{int(RATE * rows) + 1} of {rows} rows would be set aside" in execution.response["message"]
    assert app.report(execution.response["data"]["report"])["failed_state"] == "CheckSeries"
    assert app.compare(tmp_path, "generation", table).read_back == 0
    # A fifth of the first part is set aside: more than the limit, but only a tenth of the file.
    execution = app.load(execution.key, two_parts(table, int(RATE * rows)))
    assert execution.status == "SUCCEEDED", execution.response
    assert app.compare(tmp_path, "generation", table).equal
