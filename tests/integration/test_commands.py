"""`loader` on the deployed app, as an operator calls it."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults import refuses
from tests.integration.commands import say
from tests.integration.deployed_app import DeployedApp, parquet, sample
from tests.integration.trial import proxied


def bad_rows(folder: Path) -> pa.Table:
    """60 rows, three of which have no region."""
    table = sample(folder, "generation", 60)
    region = table["region"].to_pylist()
    region[10:13] = [None] * 3
    return table.set_column(table.column_names.index("region"), "region", pa.array(region))


def test_a_file_is_loaded_shown_and_explained(app: DeployedApp, tmp_path: Path) -> None:
    path = tmp_path / f"{tmp_path.name}.parquet"
    pq.write_table(bad_rows(tmp_path), path)
    loaded = say(app, "load", str(path), "--dataset", "generation", "--json")
    assert loaded.status == 0, loaded.err
    data = loaded.json["data"]
    assert (data["points_written"], data["conversion_stats"]["set_aside_rows"]) == (57, {"missing_tag": 3})

    page, export = tmp_path / "page.html", tmp_path / "rows.jsonl"
    shown = say(app, "show", data["load_id"][:8], "--page", str(page))
    assert (shown.status, data["load_id"] in shown.out, "set aside: missing_tag" in shown.out) == (0, True, True)
    assert "region is empty" in page.read_text()
    assert say(app, "show", data["load_id"], "--json").json["response"]["data"] == data

    (group,) = say(app, "quarantine", data["load_id"], "--export", str(export), "--json").json
    assert (group["rule"], group["rows"]) == ("missing_tag", 3)
    rows = [json.loads(line) for line in export.read_text().splitlines()]
    assert [row["source_row"] for row in rows] == [10, 11, 12]


def test_a_load_that_fails_has_status_1_and_is_shown_by_its_execution(app: DeployedApp, tmp_path: Path) -> None:
    path = tmp_path / "broken.parquet"
    path.write_bytes(b"PAR1 and no more")
    failed = say(app, "load", str(path), "--dataset", "generation")
    assert (failed.status, "CorruptParquetError" in failed.out) == (1, True)
    execution = next(line.split()[-1] for line in failed.out.splitlines() if line.startswith("execution"))
    assert "CorruptParquetError" in say(app, "show", execution).out
    assert say(app, "verify", execution).status == 2


def test_an_object_is_loaded_by_name(app: DeployedApp, tmp_path: Path) -> None:
    key = f"dataset=generation/{tmp_path.name}/by-name.parquet"
    app.load(key, sample(tmp_path, "generation", 20))
    said = say(app, "load", f"s3://{app.source_bucket}/{key}")
    assert (said.status, key in said.out) == (0, True)


def test_points_that_influxdb_refused_stand_beside_the_rows_that_were_set_aside(
    app: DeployedApp, tmp_path: Path
) -> None:
    table, key = bad_rows(tmp_path), f"dataset=generation/{tmp_path.name}.parquet"
    flags = ["refused" if row == 20 else "good" for row in range(table.num_rows)]
    table = table.set_column(table.column_names.index("quality_flag"), "quality_flag", pa.array(flags))
    with proxied(app) as proxy:
        proxy.begin(always=refuses(b"quality_flag=refused"))
        load = app.load(key, table).answer["data"]["load_id"]
    rows, points = say(app, "quarantine", load, "--json").json
    assert (rows["rule"], rows["rows"]) == ("missing_tag", 3)
    assert (points["rule"], points["rows"], points["samples"][0]["source_row"]) == ("refused_by_influxdb", 1, 20)
    verified = say(app, "verify", load, "--json")
    assert (verified.status, sum(window["sent"] for window in verified.json)) == (0, 3 * 56)


def test_what_failed_is_in_the_history_until_it_is_loaded_again(app: DeployedApp, tmp_path: Path) -> None:
    prefix = f"{app.source_bucket}/dataset=generation/{tmp_path.name}/"
    key, table = f"dataset=generation/{tmp_path.name}/a.parquet", sample(tmp_path, "generation", 20)
    assert say(app, "history", prefix).out == "no loads\n"
    app.load(key, parquet(table)[:-9])
    (failed,) = say(app, "history", prefix, "--json").json
    assert (failed["status"], failed["error"]) == ("failed", "CorruptParquetError")
    again = say(app, "retry", prefix)
    assert (again.status, "CorruptParquetError" in again.out) == (1, True)
    app.put(key, table)
    assert app.run(app.named(key)).status == "SUCCEEDED"
    assert say(app, "retry", prefix).out == "nothing to load again\n"
    statuses = [load["status"] for load in say(app, "history", prefix, "--json").json]
    assert statuses[-2:] == ["failed", "failed"]
    assert "loaded" in statuses[:-2]
    assert say(app, "history", prefix, "--status", "failed", "--json").json[0]["error"] == "CorruptParquetError"


def test_what_is_not_there_is_told_with_status_2(app: DeployedApp) -> None:
    said = say(app, "show", "feedbeef")
    assert (said.status, "no load begins with 'feedbeef'" in said.err) == (2, True)
    said = say(app, "show", "feedbeef", "--stack", "Other")
    assert (said.status, "no stack 'Other' in this account and region" in said.err) == (2, True)
