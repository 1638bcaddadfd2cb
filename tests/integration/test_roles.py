"""The load while the emulator enforces the functions' roles: what they are allowed is enough, and it is needed."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.fault_proxy import Exchange, pass_on
from tests.support.faults import answer_with, reject_bodies_with
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


def test_findings_and_the_report_of_a_failure_are_kept(app: DeployedApp, tmp_path: Path) -> None:
    table = unique_records(tmp_path, "generation", 5).drop_columns(["region"])
    execution = app.load("dataset=generation/roles-findings.parquet", table)
    assert execution.error == "SchemaMismatchError"
    assert app.work_keys(execution.response["data"]["report"])


def test_an_object_that_is_absent_is_told_from_one_that_is_forbidden(app: DeployedApp) -> None:
    assert app.run(app.reload_event("dataset=generation/no-such.parquet")).error == "SourceNotFoundError"


@pytest.mark.slow
def test_rejected_points_are_found_again_by_the_invocation_that_goes_on(app: DeployedApp, tmp_path: Path) -> None:
    """One line a batch: the first is refused, the last is put off, and the chunk comes back for it."""
    table = flagged(unique_records(tmp_path, "generation", 8), 0, MARK)
    last = table["timestamp"].to_pylist()[-1]
    put_off: list[bytes] = []

    def refuse_or_put_off(exchange: Exchange) -> None:
        exchange.read()
        lines = gzip.decompress(exchange.body)
        if b"%d" % int(last.timestamp()) in lines and not put_off:
            put_off.append(lines)
            answer_with(503, Retry_After="11")(exchange)
        elif MARK.encode() in lines:
            reject_bodies_with(MARK.encode())(exchange)
        else:
            pass_on(exchange)

    with writes_through_proxy(app, MAX_BATCH_SIZE="1", ROLES="enforced") as proxy:
        proxy.set_faults(always=refuse_or_put_off)
        execution = app.load("dataset=generation/roles-refused.parquet", table)
    assert execution.status == "SUCCEEDED", execution.response
    assert put_off
    assert execution.response["data"]["conversion_stats"]["refused_points"] == 1


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
