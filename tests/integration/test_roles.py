"""Loads, a backfill, and a sweep while roles are enforced: what the roles allow is enough, and it is needed.

The last two tests read the emulator's record of the AWS calls that the others caused.
"""

import gzip
import json
import re
from collections.abc import Iterator, Set
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Event, Lock
from typing import Any

import pyarrow as pa
import pytest

from shared.ledger import object_name, version_name
from shared.work_bucket import file_manifest_key
from tests.integration.test_replacing_revisions import DECLARATION
from tests.support.commands import run_loader
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.fault_proxy import Exchange, pass_on
from tests.support.faults import answer_with, reject_bodies_with
from tests.support.ledger import ledger_items, ledger_table
from tests.support.own_datasets import own_measurement
from tests.support.permission_table import CONDITIONS, ROLES, Permission, documented, uncalled
from tests.support.trial import writes_through_proxy

MARK = "refused"


@pytest.fixture(scope="module", autouse=True)
def _enforced(app: DeployedApp) -> Iterator[None]:
    with app.cloud.emulator.enforcing_roles(), app.configured(ROLES="enforced"):
        yield


def flagged(table: pa.Table, row: int, flag: str | None) -> pa.Table:
    column = table.column_names.index("quality_flag")
    flags = table["quality_flag"].to_pylist()
    flags[row] = flag
    return table.set_column(column, "quality_flag", pa.array(flags))


def test_a_file_loads_and_what_is_set_aside_is_kept(app: DeployedApp, tmp_path: Path) -> None:
    table = unique_records(tmp_path, "generation", 20)
    regions = [None, *table["region"].to_pylist()[1:]]
    table = table.set_column(table.column_names.index("region"), "region", pa.array(regions))
    execution = app.load("dataset=generation/roles.parquet", table)
    assert execution.status == "SUCCEEDED", execution.response
    assert execution.response["data"]["points_written"] == 19
    assert len(app.work_keys(f"quarantine/generation/{execution.response['data']['load_id']}/")) == 1


def test_what_a_replaced_file_had_is_found_deleted_and_not_found_again(app: DeployedApp, tmp_path: Path) -> None:
    table, key = unique_records(tmp_path, "generation", 20), "dataset=roles_stale/roles.parquet"
    with own_measurement(app, tmp_path, "roles_stale", ROLES="enforced"):
        assert app.load(key, table).status == "SUCCEEDED"
        shorter = app.load(key, table.slice(0, 10))
        assert shorter.response["data"]["stale"]["points"] == 10
        deleted = run_loader(app, "stale", key, "--delete", "--yes", "--force", "--json")
        assert deleted.status == 0, deleted.err
        [state] = deleted.json.values()
        assert (state["status"], state["removed"]) == ("done", 10)
        shortest = app.load(key, table.slice(0, 5))
        assert shortest.response["data"]["stale"]["points"] == 5


def test_findings_and_the_report_of_a_failure_are_kept(app: DeployedApp, tmp_path: Path) -> None:
    table = unique_records(tmp_path, "generation", 5).drop_columns(["region"])
    execution = app.load("dataset=generation/roles-findings.parquet", table)
    assert execution.error == "SchemaMismatchError"
    assert app.work_keys(execution.response["data"]["report"])


def test_an_object_that_is_absent_is_told_from_one_that_is_forbidden(app: DeployedApp) -> None:
    assert app.run(app.reload_event("dataset=generation/no-such.parquet")).error == "SourceNotFoundError"


def test_rejected_points_are_found_again_by_the_invocation_that_goes_on(app: DeployedApp, tmp_path: Path) -> None:
    """One line a batch: the first is rejected, the last is put off, and the chunk comes back for it."""
    table = flagged(unique_records(tmp_path, "generation", 8), 0, MARK)
    accepted, put_off, rejected, turn = list[bytes](), list[bytes](), Event(), Lock()

    def reject_or_put_off(exchange: Exchange) -> None:
        exchange.read()
        lines = gzip.decompress(exchange.body)
        if MARK.encode() in lines:
            reject_bodies_with(MARK.encode())(exchange)
            rejected.set()
            return
        with turn:
            is_put_off = len(accepted) == 6 and not put_off
            (put_off if is_put_off else accepted).append(lines)
        if is_put_off:
            assert rejected.wait(timeout=60)
            answer_with(503, Retry_After="1")(exchange)
        else:
            pass_on(exchange)

    with writes_through_proxy(app, MAX_BATCH_SIZE="1", MAX_RETRIES="0", ROLES="enforced") as proxy:
        proxy.set_faults(always=reject_or_put_off)
        execution = app.load("dataset=generation/roles-refused.parquet", table)
        proxy.set_faults(always=answer_with(401))
        failed = app.load("dataset=generation/roles-denied.parquet", unique_records(tmp_path, "generation", 2))
    assert execution.status == "SUCCEEDED", execution.response
    assert put_off
    assert execution.response["data"]["conversion_stats"]["refused_points"] == 1
    assert failed.error == "InfluxUnauthorizedError"


def test_overlapping_revisions_a_backfill_and_a_sweep_are_loaded(app: DeployedApp, tmp_path: Path) -> None:
    """The older of two revisions comes last, and leaves out the points that the newer one wrote."""
    prefix = f"dataset=generation/{tmp_path.name}/"
    newer, older = (f"{prefix}processing_metadata_processed_at=2024-0{month}-01 03:04:05/a.parquet" for month in (8, 2))
    table = unique_records(tmp_path, "generation", 10)
    with app.without_events():
        app.put(newer, table)
        manifest = file_manifest_key("roles")
        app.cloud.client("s3").put_object(Bucket=app.outputs["WorkBucketName"], Key=manifest, Body=newer.encode())
        listed = app.wait_for_end(start_backfill(app, "", manifest=manifest))
        assert listed.response["message"] == "The only file is loaded"
        app.put(older, table.slice(0, 5))
        mark_failed(app, older)
        swept = app.wait_for_end(start_backfill(app, prefix, sweep=True, list_bucket=True))
    assert swept.response["message"] == "The only file is loaded"
    [item] = ledger_items(app, older)
    assert item["points_superseded"] == 5
    again = app.run({"bucket": app.source_bucket, "key": older})
    assert again.response["message"] == "Skipped: already loaded"


def test_revisions_that_replace_each_other_are_loaded(app: DeployedApp, tmp_path: Path) -> None:
    """Two revisions, the older one before and after the newer one."""
    declaration = tmp_path / "datasets.toml"
    declaration.write_text(DECLARATION)
    table = unique_records(tmp_path, "generation", 4)
    keys = [
        f"dataset=months/{tmp_path.name}/revised_at=2024-0{month}-01/{name}.parquet"
        for month, name in ((2, "a"), (8, "b"), (2, "c"))
    ]
    with app.without_events(), app.configured(LOADER_DATASETS=str(declaration), ROLES="enforced"):
        for key in keys:
            app.put(key, table)
        executions = [app.run({"bucket": app.source_bucket, "key": key}) for key in keys]
    assert [execution.status for execution in executions] == ["SUCCEEDED"] * 3, executions
    assert executions[2].message.startswith("Skipped: older revision than 2024-08-01")


def mark_failed(app: DeployedApp, key: str) -> None:
    """Write the item of a load that failed long ago, so that a sweep loads the file again."""
    head = app.cloud.client("s3").head_object(Bucket=app.source_bucket, Key=key)
    item = {
        "object": object_name(app.source_bucket, key),
        "version": version_name(head["LastModified"], head["VersionId"], head["ETag"]),
        "last_modified": int(head["LastModified"].timestamp()),
        "changed_at": "2024-01-01T00:00:00Z",
    }
    texts = {"status": "failed", "error": "InfluxUnavailableError", "dataset": "generation", "sequencer": ""}
    ledger_table(app).put_item(Item={**item, **texts, "execution": "", "etag": head["ETag"], "load_id": ""})


def start_backfill(app: DeployedApp, prefix: str, **more: Any) -> str:
    sfn, event = app.cloud.client("stepfunctions"), {"bucket": app.source_bucket, "prefix": prefix, **more}
    return str(sfn.start_execution(stateMachineArn=app.outputs["BackfillArn"], input=json.dumps(event))["executionArn"])


def test_the_roles_allow_every_call_and_each_permission_is_needed(app: DeployedApp) -> None:
    """Each permission in docs/permissions.md is used by a call, or stands in its second table with a reason."""
    calls = app.cloud.emulator.calls()
    assert [call for call in calls if not call["allowed"]] == []
    used = {(role_name(call["role"]), call["action"], resource_name(app, call["resource"])) for call in calls}
    assert documented(*CONDITIONS) - permissions_of(used) == uncalled()


def permissions_of(used: Set[Permission]) -> set[Permission]:
    """Return the documented permissions that one of these calls uses."""
    return {
        (role, action, resource)
        for role, action, resource in documented(*CONDITIONS)
        if any((role, action) == call[:2] and fnmatchcase(call[2], resource) for call in used)
    }


def role_name(role: str) -> str:
    """Return the name that the documentation gives to a role, such as "rule" to LoaderStateMachineEventsRole."""
    [name] = (name for start, name in ROLES.items() if re.match(rf"(.+-)?{start}[0-9A-F]{{8}}", role))
    return name


def resource_name(app: DeployedApp, arn: str) -> str:
    """Return the name that the documentation gives to an ARN: `Work/reports/…` for `arn:aws:s3:::<work bucket>/…`."""
    outputs = app.outputs
    names = {
        outputs["StateMachineArn"]: "state machine",
        outputs["BackfillArn"]: "backfill",
        f"arn:aws:s3:::{outputs['SourceBucketName']}": "Source",
        f"arn:aws:s3:::{outputs['WorkBucketName']}": "Work",
        ":table/" + outputs["LedgerTableName"]: "Ledger",
        ":secret:" + outputs["TokenSecretName"]: "Token",
        ":function:": "each function and its versions",
    }
    for part, name in names.items():
        if part in arn:
            rest = arn.partition(part)[2]
            return name + (rest if rest.startswith("/") else "")
    return arn


def test_without_its_policy_a_function_is_refused(app: DeployedApp, tmp_path: Path) -> None:
    iam, role = app.cloud.client("iam"), app.functions["report_load"]["Role"].rpartition("/")[2]
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName=name)
    try:
        execution = app.load("dataset=generation/roles-none.parquet", unique_records(tmp_path, "generation", 5))
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
    assert execution.status == "FAILED"
    assert "AccessDenied" in str(execution.response)
