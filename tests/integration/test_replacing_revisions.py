"""A dataset with `revisions = "replace"` on the deployed app: the newest revision's files win in every order."""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, permutations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cli.deployed.executions import Execution
from local.readback import compare
from shared.datasets import read_datasets
from tests.support.deployed_app import DeployedApp, unique_records

DECLARATION = """
[months]
measurement = "replaced_months"
revision = "revised_at"
revisions = "replace"
required_tags = ["region", "energy_source", "measurement_type"]
optional_tags = ["quality_flag", "plant_name", "operator"]
fields = [{ name = "power_mw", unit = "MW" }]
"""
ROWS = 10
ORDERS = sorted(set(permutations([1, 1, 2, 2])))
"""The orders of arrival of two revisions with two files each."""


@pytest.fixture(scope="module")
def declaration(app: DeployedApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file that declares the dataset, for an app whose bucket sends no events."""
    path = tmp_path_factory.mktemp("declaration") / "datasets.toml"
    path.write_text(DECLARATION)
    with app.configured(LOADER_DATASETS=str(path)), app.without_events():
        yield path


def slot(folder: Path, number: int) -> str:
    return f"dataset=months/{folder.name}-{number}/"


def put(app: DeployedApp, name: str, records: pa.Table) -> dict[int, list[str]]:
    """Put both revisions of a slot, and return the keys by revision. The second one corrects each value."""
    power = records.column_names.index("power_mw")
    corrected = records.set_column(power, "power_mw", pc.add(records["power_mw"], 1000.0))
    half, keys = records.num_rows // 2, dict[int, list[str]]()
    for revision, table in ((1, records), (2, corrected)):
        keys[revision] = [f"{name}revised_at=2024-0{revision}-01 03:04:05/{file}.parquet" for file in "ab"]
        for key, part in zip(keys[revision], (table.slice(0, half), table.slice(half)), strict=True):
            app.put(key, part)
    return keys


def load(app: DeployedApp, keys: Sequence[str]) -> list[Execution]:
    """Load the files of these keys at the same time."""
    arns = [app.start({"bucket": app.source_bucket, "key": key}) for key in keys]
    return [app.wait_for_end(arn) for arn in arns]


def check(app: DeployedApp, folder: Path, declaration: Path, records: pa.Table) -> None:
    """Check that InfluxDB holds exactly the corrected values."""
    power, path, influx = records.column_names.index("power_mw"), folder / "expected.parquet", app.cloud.influx
    pq.write_table(records.set_column(power, "power_mw", pc.add(records["power_mw"], 1000.0)), path)
    dataset = read_datasets(declaration)["months"]
    comparison = compare(path, dataset, url=influx.url, bucket=influx.bucket, token=influx.token)
    assert comparison.equal, comparison.differences


@pytest.mark.slow  # 24 loads
def test_the_newest_revision_wins_in_every_order(app: DeployedApp, tmp_path: Path, declaration: Path) -> None:
    """Each order has a slot of its own. Older files that arrive after a newer one are skipped."""
    records = unique_records(tmp_path, "generation", ROWS * len(ORDERS))
    slots = [put(app, slot(tmp_path, n), records.slice(n * ROWS, ROWS)) for n in range(len(ORDERS))]

    def load_in_order(number: int) -> list[Execution]:
        remaining = {revision: iter(keys) for revision, keys in slots[number].items()}
        return [execution for revision in ORDERS[number] for execution in load(app, [next(remaining[revision])])]

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(load_in_order, range(len(ORDERS))))
    for order, executions in zip(ORDERS, results, strict=True):
        late = [revision < max(order[:position], default=0) for position, revision in enumerate(order)]
        assert all(execution.status == "SUCCEEDED" for execution in executions)
        skipped = [execution.message.startswith("Skipped: older revision than 2024-02-01") for execution in executions]
        assert skipped == late
    check(app, tmp_path, declaration, records)


ROUNDS, SIMULTANEOUS = 100, 3


@pytest.mark.slow  # 400 loads
@pytest.mark.timeout(3600)
def test_the_newest_revision_wins_in_a_hundred_rounds(app: DeployedApp, tmp_path: Path, declaration: Path) -> None:
    """Each round has a slot of its own, whose files arrive in one of the orders, or all at once."""
    records = unique_records(tmp_path, "generation", ROWS * ROUNDS)
    arrivals = cycle([*(list(order) for order in ORDERS), None])

    def run_round(number: int, order: list[int] | None) -> list[Execution]:
        keys = put(app, slot(tmp_path, number), records.slice(number * ROWS, ROWS))
        if order is None:
            return load(app, [*keys[1], *keys[2]])
        remaining = {revision: iter(each) for revision, each in keys.items()}
        return [execution for revision in order for execution in load(app, [next(remaining[revision])])]

    with ThreadPoolExecutor(SIMULTANEOUS) as rounds:
        executions = [each for ended in rounds.map(run_round, range(ROUNDS), arrivals) for each in ended]
    assert {execution.status for execution in executions} == {"SUCCEEDED"}
    check(app, tmp_path, declaration, records)


@pytest.mark.slow
def test_all_at_once_and_then_a_backfill_of_the_older_revision(
    app: DeployedApp, tmp_path: Path, declaration: Path
) -> None:
    records = unique_records(tmp_path, "generation", ROWS)
    keys = put(app, slot(tmp_path, 0), records)
    executions = load(app, [*keys[2], *keys[1]])
    assert all(execution.status == "SUCCEEDED" for execution in executions)
    check(app, tmp_path, declaration, records)
    older = keys[1][0].rpartition("/")[0]
    skipped = sum(execution.message.startswith("Skipped") for execution in executions)
    assert backfill(app, older) == {"files": 2 - skipped, "older_revisions": skipped}
    assert backfill(app, slot(tmp_path, 0)) == {"files": 2, "older_revisions": 2}
    check(app, tmp_path, declaration, records)


def backfill(app: DeployedApp, prefix: str) -> dict[str, Any]:
    """Backfill a prefix, and return how many of its files are loaded, and how many are of an older revision."""
    event = {"bucket": app.source_bucket, "prefix": prefix}
    sfn = app.cloud.client("stepfunctions")
    arn = sfn.start_execution(stateMachineArn=app.outputs["BackfillArn"], input=json.dumps(event))["executionArn"]
    data = app.wait_for_end(arn).response["data"]
    assert data["not_loaded"] == []
    return {name: data[name] for name in ("files", "older_revisions")}
