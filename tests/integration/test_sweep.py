"""Sweeps on the deployed app: what can heal is loaded without a command, and nothing is loaded twice at once."""

from pathlib import Path

from tests.support.builders import parquet
from tests.support.commands import run_loader
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.ledger import check_ledger, ledger_items
from tests.support.sweeps import LONG_AGO, NO_SERVER, abandon, change_item, start_sweep


def test_a_sweep_loads_what_can_heal_and_leaves_what_needs_a_person(app: DeployedApp, tmp_path: Path) -> None:
    prefix = f"dataset=generation/{tmp_path.name}/"
    table = unique_records(tmp_path, "generation", 40)
    names = ("missed", "failed", "abandoned", "fresh")
    files = {f"{prefix}{name}.parquet": table.slice(10 * n, 10) for n, name in enumerate(names)}
    _, failed, abandoned, fresh = files
    corrupt = f"{prefix}corrupt.parquet"
    with app.without_events():
        for key, records in files.items():
            app.put(key, records)
        app.put(corrupt, parquet(table)[:-100])
        assert app.run({"bucket": app.source_bucket, "key": corrupt}).error == "CorruptParquetError"
        with app.configured(INFLUXDB_BUCKET="there-is-no-such-bucket"):
            for key in (failed, fresh):
                assert app.run({"bucket": app.source_bucket, "key": key}).error == "BucketNotFoundError"
        abandon(app, abandoned)
        for key in (failed, corrupt):
            change_item(app, key, changed_at=LONG_AGO)
        ended = [app.wait_for_end(arn) for arn in [start_sweep(app, prefix) for _ in range(2)]]
    messages = {execution.response["message"] for execution in ended}
    assert messages == {"All 3 files are loaded", "No files were loaded: another sweep is running"}
    items = {str(item["object"]).rpartition("/")[2]: item for item in ledger_items(app, prefix)}
    assert {name: item["status"] for name, item in items.items()} == {
        "missed.parquet": "loaded",
        "failed.parquet": "loaded",
        "abandoned.parquet": "loaded",
        "fresh.parquet": "failed",
        "corrupt.parquet": "failed",
    }
    assert (items["fresh.parquet"]["tries"], items["corrupt.parquet"]["changed_at"]) == (1, LONG_AGO)
    shown = run_loader(app, "history", prefix, "--json").json
    assert {load["object"].rpartition("/")[2]: load["tries"] for load in shown}["fresh.parquet"] == 1
    fresh_load = app.wait_for_end(app.start({"bucket": app.source_bucket, "key": fresh}))
    assert fresh_load.status == "SUCCEEDED"
    check_ledger(app, tmp_path, prefix, files)


def test_while_influxdb_is_down_a_sweep_ends_at_once(app: DeployedApp, tmp_path: Path) -> None:
    prefix = f"dataset=generation/{tmp_path.name}/"
    with app.without_events():
        app.put(f"{prefix}a.parquet", unique_records(tmp_path, "generation", 5))
        with app.configured(INFLUXDB_URL=NO_SERVER):
            ended = app.wait_for_end(start_sweep(app, prefix))
        assert ended.response["message"] == "No files were loaded: InfluxDB is not healthy: InfluxUnavailableError"
        assert ledger_items(app, prefix) == []
        again = app.wait_for_end(start_sweep(app, prefix))
        assert again.response["message"] == "The only file is loaded"
