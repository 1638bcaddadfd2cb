"""`loader plan` prints the numbers that the load of the same file then reports."""

from typing import Any

import pytest

from shared.dataset_files import declarations_text
from shared.ledger import bucket_and_key
from tests.support.commands import run_loader
from tests.support.deployed_app import DeployedApp
from tests.support.random_files import random_file

QUICK, SLOW = range(2), [range(first, first + 5) for first in range(2, 52, 5)]


@pytest.mark.parametrize("seeds", [QUICK, *(pytest.param(seeds, marks=pytest.mark.slow) for seeds in SLOW)], ids=str)
def test_the_numbers_of_a_plan_are_those_of_the_load(app: DeployedApp, seeds: range) -> None:
    files = [random_file(seed) for seed in seeds]
    with app.configured(MAX_BATCH_SIZE="700"):
        for file in files:
            app.put(file.key, file.table)
        executions = {file.key: app.wait_for_load(file.key) for file in files}
        plans = {file.key: planned(app, file.key) for file in files}
    for key, execution in executions.items():
        assert plans[key] | loaded(app, execution.response["data"]) == plans[key], key
        assert plans[key]["error"] == (execution.error or None), key
    assert {execution.status for execution in executions.values()} <= {"SUCCEEDED", "FAILED"}
    assert any(execution.status == "SUCCEEDED" for execution in executions.values())


def test_the_deployment_has_its_declarations(app: DeployedApp) -> None:
    """Commands without declarations of their own read them."""
    bucket, key = bucket_and_key(app.outputs["DatasetsUrl"])
    declarations = app.cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert declarations.decode() == declarations_text()


def planned(app: DeployedApp, key: str) -> dict[str, Any]:
    """Return the JSON that `loader plan` prints."""
    result = run_loader(app, "plan", f"s3://{app.source_bucket}/{key}", "--json")
    content: dict[str, Any] = result.json
    assert result.status == bool(content["error"])
    return content


def loaded(app: DeployedApp, data: dict[str, Any]) -> dict[str, Any]:
    """Return the same numbers of a load, from its response and report."""
    report = app.report(data["report"])
    stats = data["conversion_stats"]
    return {
        "key": data["key"],
        "dataset_type": data["dataset_type"],
        "layout": report["file"]["layout"],
        "chunks": len(report["chunks"]),
        "batches": data["batches_processed"],
        "body_bytes": sum(part["body_bytes"] for part in report["parts"]),
        "series": sum(part["series"] for part in report["parts"]),
        **{name: stats[name] for name in ("input_rows", "output_points", "collapsed_rows", "set_aside_rows")},
        "fields_left_out": stats["fields_left_out"],
    }
