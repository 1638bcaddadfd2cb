"""The app that is deployed on the local cloud, and what integration tests do with it.

A test puts a file (`put`, `load`) or starts an execution (`start`, `run`), waits for its end (`wait_for_load`,
`wait_for_end`), and then reads what the execution left: its history, logs, metrics, report, and the points in InfluxDB.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from boto3.dynamodb.conditions import Key

from cli.deployed.executions import Execution, describe, wait_for_all, wait_for_start
from local.cloud import LocalCloud
from local.influxdb.server import LocalInfluxdb
from local.readback import Comparison, compare
from local.samples import INVALID_RECORDS, write_samples
from shared.datasets import DATASETS
from tests.support.builders import parquet
from tests.support.function_settings import FunctionSettings

END_S = 120


def unique_records(folder: Path, dataset: str, rows: int) -> pa.Table:
    """Return valid records in a month that no other call gets, so that no two tests write the same points."""
    path = write_samples(folder, rows + INVALID_RECORDS)[dataset].path
    table = pq.read_table(path).slice(INVALID_RECORDS)
    return days_later(table, 30 * next(_months))


_months = count(-300)
"""Months since January 2024, from 1999 on. Those more than ten years ahead of today would not be plausible."""


def days_later(table: pa.Table, days: int) -> pa.Table:
    """Return the records with other times; if `days` is negative, with earlier ones."""
    times = pc.add(table["timestamp"], pa.scalar(timedelta(days=days), pa.duration("us")))
    return table.set_column(table.column_names.index("timestamp"), "timestamp", times)


def _left_to_another(execution: Execution) -> bool:
    """Return whether the execution found that another one has the claim, or had it."""
    return execution.message.startswith("Skipped: already ")


@dataclass(frozen=True)
class DeployedApp:
    """The local cloud and the outputs of the stack that is deployed on it."""

    cloud: LocalCloud
    outputs: Mapping[str, str]

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        """The configuration of each Lambda function, by its folder in `functions/`."""
        configurations = self.cloud.client("lambda").list_functions()["Functions"]
        return {f["Handler"].split(".")[1]: f for f in configurations if f["Handler"].startswith("functions.")}

    @property
    def influxdb(self) -> LocalInfluxdb:
        """The InfluxDB server, for tests that stop, kill and start it."""
        if self.cloud.influxdb is None:
            pytest.skip("the environment names an InfluxDB that the tests may not stop")
        return self.cloud.influxdb

    @property
    def source_bucket(self) -> str:
        return self.outputs["SourceBucketName"]

    def put(self, key: str, table: pa.Table | bytes) -> str:
        """Put an object into the source bucket, whose event starts an execution, and return the object's version."""
        body = table if isinstance(table, bytes) else parquet(table)
        return str(self.cloud.client("s3").put_object(Bucket=self.source_bucket, Key=key, Body=body)["VersionId"])

    def wait_for_load(self, key: str) -> Execution:
        """Wait until the execution that the bucket's event started has ended, or the one that claimed the file."""
        sfn, machine = self.cloud.client("stepfunctions"), self.outputs["StateMachineArn"]
        ended = wait_for_all(sfn, machine, [key], timeout_s=END_S, observe=lambda _: None)[key]
        return self._wait_for_claimant(ended)

    def wait_for_loads(self, key: str, *, count: int) -> list[Execution]:
        """Wait until `count` executions that claimed the object have ended, and return them, the newest first."""
        client, machine = self.cloud.client("stepfunctions"), self.outputs["StateMachineArn"]
        deadline = time.monotonic() + END_S
        while time.monotonic() < deadline:
            entries = client.list_executions(stateMachineArn=machine)["executions"]
            executions = [self.describe(entry["executionArn"]) for entry in entries]
            loads = [each for each in executions if each.key == key and each.ended and not _left_to_another(each)]
            if len(loads) == count:
                return loads
            time.sleep(0.2)
        raise TimeoutError(f"{key}: {count} executions have not ended within {END_S} s")

    def describe(self, arn: str) -> Execution:
        """Describe an execution; one that has ended never changes, and is described only once."""
        if arn not in self._ended:
            execution = describe(self.cloud.client("stepfunctions"), arn)
            if not execution.ended:
                return execution
            self._ended[arn] = execution
        return self._ended[arn]

    @cached_property
    def _ended(self) -> dict[str, Execution]:
        return {}

    def load(self, key: str, table: pa.Table | bytes) -> Execution:
        """Put an object, and wait until the execution that loads this version of it has ended."""
        version, sfn = self.put(key, table), self.cloud.client("stepfunctions")
        arn = wait_for_start(sfn, self.outputs["StateMachineArn"], key, version, timeout_s=END_S)
        return self._wait_for_claimant(self.wait_for_end(arn))

    def _wait_for_claimant(self, execution: Execution) -> Execution:
        """Wait until the execution has ended that claimed the file: a sweep's, if that was faster than the event's."""
        if not _left_to_another(execution):
            return execution
        table = self.cloud.table(self.outputs["LedgerTableName"])
        items = table.query(
            KeyConditionExpression=Key("object").eq(f"s3://{self.source_bucket}/{execution.key}"), ConsistentRead=True
        )["Items"]
        return self.wait_for_end(max(items, key=lambda item: item["last_modified"])["execution"])

    def start(self, event: object) -> str:
        """Start an execution with this input, and return its ARN."""
        sfn = self.cloud.client("stepfunctions")
        reply = sfn.start_execution(stateMachineArn=self.outputs["StateMachineArn"], input=json.dumps(event))
        return str(reply["executionArn"])

    def run(self, event: object) -> Execution:
        """Start an execution with this input, and wait until it has ended."""
        return self.wait_for_end(self.start(event))

    def wait_for_end(self, arn: str, *, within_s: float = END_S) -> Execution:
        deadline = time.monotonic() + within_s
        while not (execution := describe(self.cloud.client("stepfunctions"), arn)).ended:
            assert time.monotonic() < deadline, f"{arn} did not end: {execution}"
            time.sleep(0.1)
        return execution

    def count_executions(self, status: str) -> int:
        """Count the loads with this status of Step Functions."""
        paginator = self.cloud.client("stepfunctions").get_paginator("list_executions")
        pages = paginator.paginate(stateMachineArn=self.outputs["StateMachineArn"], statusFilter=status)
        return sum(len(page["executions"]) for page in pages)

    def wait_until_idle(self, *, within_s: float = END_S) -> None:
        """Wait until no load runs. Lists are read seldom, because they cost the emulator time."""
        deadline = time.monotonic() + within_s
        while running := self.count_executions("RUNNING"):
            assert time.monotonic() < deadline, f"{running} executions still run: {self.cloud.emulator.usage()}"
            time.sleep(2)

    def reload_event(self, key: str) -> dict[str, Any]:
        """Return an execution's input that loads the object whatever the ledger says."""
        return {"bucket": self.source_bucket, "key": key, "force": True}

    def history(self, execution: Execution) -> list[Any]:
        client = self.cloud.client("stepfunctions")
        pages = client.get_paginator("get_execution_history").paginate(executionArn=execution.arn)
        return [event for page in pages for event in page["events"]]

    def failed_calls(self, execution: Execution) -> int:
        """Count the function calls that ended in an error."""
        return sum(
            "Failed" in event["type"] and event["type"] != "ExecutionFailed" for event in self.history(execution)
        )

    def work_keys(self, prefix: str) -> list[str]:
        """Return the keys in the work bucket that begin with `prefix`."""
        paginator = self.cloud.client("s3").get_paginator("list_objects_v2")
        pages = paginator.paginate(Bucket=self.outputs["WorkBucketName"], Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def metrics(self, execution: Execution) -> list[dict[str, Any]]:
        """Return the metrics that ReportLoad logged for this execution, as Embedded Metric Format."""
        return [line for line in self.log_lines("report_load", execution) if "_aws" in line]

    def log_lines(self, function: str, execution: Execution) -> list[dict[str, Any]]:
        """Return the JSON lines that the function logged about this execution."""
        name, logs = execution.arn.rsplit(":", 1)[1], self.cloud.client("logs")
        group = self.functions[function]["LoggingConfig"]["LogGroup"]
        events = logs.filter_log_events(logGroupName=group, filterPattern=f'"{name}"')["events"]
        return [json.loads(event["message"]) for event in events if event["message"].startswith("{")]

    def report(self, key: str) -> dict[str, Any]:
        """Return the load report with this key; the response of an execution names it."""
        if key not in self._reports:
            body = self.cloud.client("s3").get_object(Bucket=self.outputs["WorkBucketName"], Key=key)["Body"]
            self._reports[key] = json.loads(body.read())
        return self._reports[key]

    @cached_property
    def _reports(self) -> dict[str, dict[str, Any]]:
        """The reports that were read before: a report never changes."""
        return {}

    def compare(self, folder: Path, dataset: str, table: pa.Table) -> Comparison:
        """Compare the table with the points that InfluxDB holds in its time span."""
        path, influx = folder / "compared.parquet", self.cloud.influx
        pq.write_table(table, path)
        return compare(path, DATASETS[dataset], url=influx.url, bucket=influx.bucket, token=influx.token)

    @contextmanager
    def without_events(self) -> Iterator[None]:
        """Disable the bucket's events meanwhile, so that only the test starts executions."""
        events = self.cloud.client("events")
        (rule,) = (rule["Name"] for rule in events.list_rules()["Rules"] if "ObjectCreated" in rule["Name"])
        events.disable_rule(Name=rule)
        try:
            yield
        finally:
            events.enable_rule(Name=rule)

    def configured(self, *only: str, **variables: str) -> AbstractContextManager[None]:
        """Set environment variables of all functions that read them, or of `only` some, and restore them afterwards.

        Its processes start again, which costs a second, unless it had the same environment before.
        """
        names = {folder: function["FunctionName"] for folder, function in self.functions.items()}
        return FunctionSettings(self.cloud.client("lambda"), names).configured(only, variables)
