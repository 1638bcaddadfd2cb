"""Checks that the ledger agrees with the executions, the reports, and the points in InfluxDB."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from cli.deployed.executions import describe
from tests.support.deployed_app import DeployedApp

Item = dict[str, Any]


def ledger_table(app: DeployedApp) -> Any:
    """Return the DynamoDB table of the deployed app's ledger."""
    return app.cloud.table(app.outputs["LedgerTableName"])


def all_items(app: DeployedApp) -> list[Item]:
    """Return all items of the ledger."""
    table = ledger_table(app)
    pages = table.meta.client.get_paginator("scan").paginate(TableName=table.name)
    return [item for page in pages for item in page["Items"]]


def ledger_items(app: DeployedApp, prefix: str) -> list[Item]:
    """Return the items of the objects whose keys begin with `prefix`, in the order of their versions."""
    items = [item for item in all_items(app) if str(item["object"]).startswith(f"s3://{app.source_bucket}/{prefix}")]
    return sorted(items, key=lambda item: (item["object"], item["last_modified"], item.get("sequencer")))


def only_item(app: DeployedApp, prefix: str) -> Item:
    """Return the item of the objects whose keys begin with `prefix`, and fail unless there is exactly one."""
    (item,) = ledger_items(app, prefix)
    return item


def statuses(app: DeployedApp, prefix: str) -> list[str]:
    return [item["status"] for item in ledger_items(app, prefix)]


def check_ledger(app: DeployedApp, folder: Path, prefix: str, loaded: Mapping[str, pa.Table]) -> None:
    """Check that no claim is left, and that each item agrees with its execution, its report and InfluxDB.

    Args:
        app: The deployed app.
        folder: A folder for the comparison's file.
        prefix: Only items of objects whose keys begin so are checked.
        loaded: The records of the dataset generation that InfluxDB must hold, by key, and no others in their time span.
    """
    items = ledger_items(app, prefix)
    for item in items:
        _check_item(app, item)
    reported = {report["file"]["load_id"] for report in _reports(app, prefix)}
    assert reported == {item["load_id"] for item in items if item["status"] in ("loaded", "failed")}
    last = {item["object"]: item for item in items if item["status"] == "loaded"}
    assert last.keys() == {f"s3://{app.source_bucket}/{key}" for key in loaded}
    for key, table in loaded.items():
        assert last[f"s3://{app.source_bucket}/{key}"]["input_rows"] == table.num_rows
    if loaded:
        comparison = app.compare(folder, "generation", pa.concat_tables(loaded.values()))
        assert comparison.equal, comparison.differences


def _check_item(app: DeployedApp, item: Item) -> None:
    execution = describe(app.cloud.client("stepfunctions"), item["execution"])
    answer, data = execution.response, execution.response["data"]
    assert "lease_until" not in item
    if item["status"] == "skipped":
        assert (execution.status, answer["message"]) == ("SUCCEEDED", f"Skipped: {item['message']}")
        return
    assert (data["report"], data["load_id"]) == (item["report"], item["load_id"])
    assert app.report(item["report"])["response"] == answer
    if item["status"] == "failed":
        assert (execution.status, execution.error, answer["message"]) == ("FAILED", item["error"], item["message"])
        return
    assert (item["status"], execution.status) == ("loaded", "SUCCEEDED")
    counts = (data["conversion_stats"]["input_rows"], data["points_written"], data["batches_processed"])
    assert counts == (item["input_rows"], item["points_written"], item["batches_processed"])


def _reports(app: DeployedApp, prefix: str) -> list[dict[str, Any]]:
    """Return the reports of loads of objects whose keys begin with `prefix`."""
    reports = [app.report(key) for key in app.work_keys("reports/") if key.endswith(".json")]
    return [report for report in reports if (report["file"] or {}).get("key", "").startswith(prefix)]
