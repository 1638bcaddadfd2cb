"""The deployed app as tests use it: put a file, wait for its execution, look at what it left."""

import io
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

from cli.deployed.executions import Execution, describe, wait_for_all, wait_for_start
from local.cloud import LocalCloud
from local.influxdb.server import LocalInfluxdb
from local.readback import Comparison, compare
from local.samples import INVALID_RECORDS, write_samples
from shared.datasets import DATASETS

END_S = 120


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def sample(folder: Path, dataset: str, rows: int) -> pa.Table:
    """Valid records of a dataset, in a month of their own: no two tests write the same points."""
    path = write_samples(folder, rows + INVALID_RECORDS)[dataset].path
    table = pq.read_table(path).slice(INVALID_RECORDS)
    later = pa.scalar(timedelta(days=30 * next(_months)), pa.duration("us"))
    return table.set_column(0, "timestamp", pc.add(table["timestamp"], later))


_months = count()


@dataclass(frozen=True)
class DeployedApp:
    cloud: LocalCloud
    outputs: Mapping[str, str]

    @cached_property
    def functions(self) -> dict[str, dict[str, Any]]:
        """By folder, as in `functions/`."""
        found = self.cloud.client("lambda").list_functions()["Functions"]
        return {f["Handler"].split(".")[1]: f for f in found if f["Handler"].startswith("functions.")}

    @property
    def influxdb(self) -> LocalInfluxdb:
        """The server as something to stop, kill and start again."""
        if self.cloud.influxdb is None:
            pytest.skip("the environment names an InfluxDB that is not ours to stop")
        return self.cloud.influxdb

    @property
    def source_bucket(self) -> str:
        return self.outputs["SourceBucketName"]

    def put(self, key: str, table: pa.Table | bytes) -> str:
        """Its version. The bucket's event starts an execution."""
        body = table if isinstance(table, bytes) else parquet(table)
        return str(self.cloud.client("s3").put_object(Bucket=self.source_bucket, Key=key, Body=body)["VersionId"])

    def arrived(self, key: str) -> Execution:
        """The end of the execution that the bucket's event started."""
        sfn, machine = self.cloud.client("stepfunctions"), self.outputs["StateMachineArn"]
        return wait_for_all(sfn, machine, [key], timeout_s=END_S, observe=lambda _: None)[key]

    def all_arrived(self, key: str, *, count: int) -> list[Execution]:
        """So many executions of the object, the newest first, once all have ended."""
        client, machine = self.cloud.client("stepfunctions"), self.outputs["StateMachineArn"]
        deadline = time.monotonic() + END_S
        while time.monotonic() < deadline:
            listed = client.list_executions(stateMachineArn=machine)["executions"]
            found = [describe(client, execution["executionArn"]) for execution in listed]
            if len(ended := [execution for execution in found if execution.key == key and execution.ended]) == count:
                return ended
            time.sleep(0.2)
        raise TimeoutError(key)

    def load(self, key: str, table: pa.Table | bytes) -> Execution:
        """The end of this very version's execution."""
        version, sfn = self.put(key, table), self.cloud.client("stepfunctions")
        return self.ended(wait_for_start(sfn, self.outputs["StateMachineArn"], key, version, timeout_s=END_S))

    def start(self, event: object) -> str:
        """An execution with this input: its ARN."""
        sfn = self.cloud.client("stepfunctions")
        started = sfn.start_execution(stateMachineArn=self.outputs["StateMachineArn"], input=json.dumps(event))
        return str(started["executionArn"])

    def run(self, event: object) -> Execution:
        """An execution with this input, at its end."""
        return self.ended(self.start(event))

    def ended(self, arn: str, *, within_s: float = END_S) -> Execution:
        deadline = time.monotonic() + within_s
        while not (execution := describe(self.cloud.client("stepfunctions"), arn)).ended:
            assert time.monotonic() < deadline, f"{arn} did not end: {execution}"
            time.sleep(0.1)
        return execution

    def named(self, key: str) -> dict[str, Any]:
        """Load it again, whatever the ledger says."""
        return {"bucket": self.source_bucket, "key": key, "force": True}

    def history(self, execution: Execution) -> list[Any]:
        client = self.cloud.client("stepfunctions")
        pages = client.get_paginator("get_execution_history").paginate(executionArn=execution.arn)
        return [event for page in pages for event in page["events"]]

    def attempts(self, execution: Execution) -> int:
        """Function calls that ended in an error."""
        return sum(
            "Failed" in event["type"] and event["type"] != "ExecutionFailed" for event in self.history(execution)
        )

    def work_keys(self, prefix: str) -> list[str]:
        """What lies in the work bucket."""
        pages = self.cloud.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.outputs["WorkBucketName"], Prefix=prefix)
        return [item["Key"] for page in found for item in page.get("Contents", [])]

    def metrics(self, execution: Execution) -> list[dict[str, Any]]:
        """The EMF lines that the functions logged for this execution."""
        return [line for line in self.log_lines("report_load", execution) if "_aws" in line]

    def log_lines(self, function: str, execution: Execution) -> list[dict[str, Any]]:
        """What the function logged about this execution, each line one JSON object."""
        name, logs = execution.arn.rsplit(":", 1)[1], self.cloud.client("logs")
        group = self.functions[function]["LoggingConfig"]["LogGroup"]
        found = logs.filter_log_events(logGroupName=group, filterPattern=f'"{name}"')["events"]
        return [json.loads(event["message"]) for event in found if event["message"].startswith("{")]

    def report(self, key: str) -> dict[str, Any]:
        """A load report, by the key that the answer names."""
        if key not in self._reports:
            body = self.cloud.client("s3").get_object(Bucket=self.outputs["WorkBucketName"], Key=key)["Body"]
            self._reports[key] = json.loads(body.read())
        return self._reports[key]

    @cached_property
    def _reports(self) -> dict[str, dict[str, Any]]:
        """Those that were read: they never change."""
        return {}

    def compare(self, folder: Path, dataset: str, table: pa.Table) -> Comparison:
        """The table beside what InfluxDB holds over its time span."""
        path, influx = folder / "compared.parquet", self.cloud.influx
        pq.write_table(table, path)
        return compare(path, DATASETS[dataset], url=influx.url, bucket=influx.bucket, token=influx.token)

    @contextmanager
    def without_events(self) -> Iterator[None]:
        """The bucket tells nobody what arrives: loads start when and how the test starts them."""
        events = self.cloud.client("events")
        (rule,) = (rule["Name"] for rule in events.list_rules()["Rules"] if "ObjectCreated" in rule["Name"])
        events.disable_rule(Name=rule)
        yield
        events.enable_rule(Name=rule)

    @contextmanager
    def configured(self, **environment: str) -> Iterator[None]:
        """All functions with these variables too, started afresh; afterwards as before."""
        before = {name: self._environment(name) for name in self.functions}
        for name, variables in before.items():
            self._set_environment(name, variables | environment)
        try:
            yield
        finally:
            for name, variables in before.items():
                self._set_environment(name, variables)

    def _environment(self, function: str) -> dict[str, str]:
        client, name = self.cloud.client("lambda"), self.functions[function]["FunctionName"]
        variables: dict[str, str] = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        return variables

    def _set_environment(self, function: str, variables: Mapping[str, str]) -> None:
        client, name = self.cloud.client("lambda"), self.functions[function]["FunctionName"]
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
