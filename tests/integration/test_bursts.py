"""A burst of small files: all of them are loaded, exactly, although most of their calls are throttled at first."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

from local.cloud import local_cloud
from tests.support.builders import parquet
from tests.support.deployed_app import DeployedApp, days_later, unique_records
from tests.support.ledger import check_ledger

ROWS_EACH = 5
PUTS_AT_ONCE = 8
SECONDS_A_FILE, COLD_S = 2, 300
"""The time limit of a burst. On two idle cores, it takes a sixth of that."""


@pytest.fixture(scope="module")
def app() -> Iterator[DeployedApp]:
    """The app with its default settings, in a local cloud with the default limits."""
    with local_cloud() as cloud:
        yield DeployedApp(cloud, cloud.deploy())


def split(table: pa.Table, prefix: str, *, years_ago: int = 0, days_apart: int = 1) -> dict[str, pa.Table]:
    """Return files of `ROWS_EACH` rows by key, usually a day apart, as those of a daily export are."""
    return {
        f"{prefix}{n:04}.parquet": days_later(table.slice(n * ROWS_EACH, ROWS_EACH), n * days_apart - 365 * years_ago)
        for n in range(table.num_rows // ROWS_EACH)
    }


@pytest.mark.slow  # minutes, and an own deployment: the one of the other tests fails what is throttled twice
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("files", "years_ago", "days_apart"),
    [(100, 10, 1), (1000, 20, 1), (300, 30, 0)],
    ids=["100", "1000", "300 of a month"],
)
def test_a_burst_is_loaded_exactly(
    app: DeployedApp,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    files: int,
    years_ago: int,
    days_apart: int,
) -> None:
    """Files that are not a day apart register in the same months, and have to see each other.

    Each burst has years of its own: no other points may be stored in its time.
    """
    prefix = f"dataset=generation/burst={files}/"
    records = unique_records(tmp_path, "generation", files * ROWS_EACH)
    tables = split(records, prefix, years_ago=years_ago, days_apart=days_apart)
    bodies = {key: parquet(table) for key, table in tables.items()}
    before = app.count_executions("SUCCEEDED")
    started = time.monotonic()
    with ThreadPoolExecutor(PUTS_AT_ONCE) as pool:
        list(pool.map(lambda item: app.put(*item), bodies.items()))
    put_s = time.monotonic() - started
    app.wait_until_idle(within_s=COLD_S + files * SECONDS_A_FILE)
    usage = app.cloud.emulator.usage()
    with capsys.disabled():
        sys.stdout.write(
            f"\n{files} files put in {put_s:.1f} s, loaded in {time.monotonic() - started:.0f} s; {usage}\n"
        )
    assert (app.count_executions("SUCCEEDED") - before, app.count_executions("FAILED")) == (files, 0)
    check_ledger(app, tmp_path, prefix, tables)
    assert usage.executions > files / 2
    assert usage.throttled > 0
