"""One file on its way through faults, and what has to be true whatever happened to it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from cli.deployed.executions import Execution
from tests.support.deployed_app import DeployedApp
from tests.support.fault_proxy import FaultProxy, fault_proxy

ROWS = 1500
BATCHES = 3
BATCH_ROWS = ROWS // BATCHES
MAX_RETRIES = 3
WRITERS = 2
ATTEMPTS = 3
"""Of the state machine in tests: one, and two more."""
KILLED_ATTEMPTS = 2


@contextmanager
def proxied(app: DeployedApp, **environment: str) -> Iterator[FaultProxy]:
    """The app writing through a proxy."""
    with fault_proxy(app.cloud.influx.url) as proxy, in_batches(app, INFLUXDB_URL=proxy.url, **environment):
        yield proxy


def in_batches(app: DeployedApp, **environment: str) -> AbstractContextManager[None]:
    """The app so configured, with three batches a file unless `environment` says otherwise."""
    return app.configured(**{"MAX_BATCH_SIZE": str(BATCH_ROWS), "MAX_RETRIES": str(MAX_RETRIES), **environment})


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A file of `ROWS` records that is not loaded yet; `folder` is the test's own."""

    app: DeployedApp
    proxy: FaultProxy
    folder: Path
    table: pa.Table

    @property
    def key(self) -> str:
        """Of each test its own."""
        return f"dataset=generation/{self.folder.name}.parquet"

    def load(self) -> Execution:
        """Put the file and wait for its execution."""
        return self.app.load(self.key, self.table)

    def load_again(self) -> Execution:
        """By name."""
        return self.app.run(self.app.named(self.key))

    def invocations(self, execution: Execution) -> int:
        """How often WriteBatch came to an end for it. (The emulator's history leaves a Map's inside out.)"""
        lines = self.app.log_lines("write_batch", execution)
        return sum(line["message"] in {"done", "failed"} for line in lines)

    def write_batch(self, ref: Mapping[str, object]) -> dict[str, Any]:
        """Call the function itself."""
        name, client = self.app.functions["write_batch"]["FunctionName"], self.app.cloud.client("lambda")
        answer: dict[str, Any] = json.loads(client.invoke(FunctionName=name, Payload=json.dumps(ref))["Payload"].read())
        return answer

    @property
    def points_stored(self) -> int:
        """In the file's span of time."""
        return self.app.compare(self.folder, "generation", self.table).read_back

    def check_loaded(self, execution: Execution) -> None:
        """Every value reads back and nothing else (I1, I3), the counts add up (I4), a replay changes nothing (I2)."""
        assert execution.status == "SUCCEEDED", execution.response
        data = execution.response["data"]
        assert (data["points_written"], data["batches_processed"]) == (self.table.num_rows, BATCHES)
        assert data["conversion_stats"]["input_rows"] == self.table.num_rows
        before = self.app.compare(self.folder, "generation", self.table)
        assert before.equal, before.differences
        assert self.load_again().status == "SUCCEEDED"
        assert self.app.compare(self.folder, "generation", self.table) == before

    def check_failed(self, execution: Execution, error: str, status: int) -> str:
        """The message: under its name, with the file and the chunks not written, without the token (I5)."""
        assert (execution.status, execution.error) == ("FAILED", error)
        assert execution.response["statusCode"] == status
        assert execution.response["data"]["key"] == self.key
        assert "0000-0000" in execution.response["message"]
        assert self.app.cloud.influx.token not in str(execution.response)
        return str(execution.response["message"])

    def check_converges(self) -> None:
        """Once the fault has gone, a new run loads everything (I5)."""
        self.proxy.begin()
        self.check_loaded(self.load_again())

    def check_quiet_for(self, seconds: float) -> None:
        """After the first request only those of the other writers, which were under way (I6)."""
        first, *later = [exchange.at for exchange in self.proxy.exchanges]
        assert sum(at - first < seconds for at in later) < WRITERS
        assert len(later) >= BATCHES
