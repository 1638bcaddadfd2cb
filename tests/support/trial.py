"""A trial: the load of one file while faults happen, and the checks of what must hold whatever happened.

I1  A load that succeeded stored every value of the file exactly.
I2  Loading the same file again changes nothing in the database.
I3  Nothing is stored that is not in the file.
I4  The counts add up: every row is a point, collapsed or set aside.
I5  A failure names its error, file and chunks, but no secret; a load after the fault succeeds.
I6  The time, requests and memory of a load are bounded.
"""

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
from tests.support.sweeps import wait_until_healed

ROWS = 1500
BATCHES = 6
BATCH_ROWS = ROWS // BATCHES
MAX_RETRIES = 3
WRITERS = 4
ATTEMPTS = 3
"""How often the state machine invokes a function in tests: once, and two retries."""
KILLED_ATTEMPTS = 2
PATIENCE_S = 3
"""How long a load waits for InfluxDB."""
WAITING_ATTEMPTS = range(2, 7)
"""How often a function is called in that time: the pauses are random, and end with a whole second."""


@contextmanager
def writes_through_proxy(app: DeployedApp, **environment: str) -> Iterator[FaultProxy]:
    """Make WriteBatch write to InfluxDB through a fault proxy. CheckHealth, also that of a sweep, uses up no fault."""
    with (
        fault_proxy(app.cloud.influx.url) as proxy,
        six_batches(app, **environment),
        app.configured("write_batch", INFLUXDB_URL=proxy.url),
    ):
        yield proxy


def six_batches(app: DeployedApp, **environment: str) -> AbstractContextManager[None]:
    """Configure the app to write `ROWS` rows as six batches, unless `environment` overrides it."""
    return app.configured(**{"MAX_BATCH_SIZE": str(BATCH_ROWS), "MAX_RETRIES": str(MAX_RETRIES), **environment})


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A file of `ROWS` records that is not loaded yet, in an app that writes through `proxy`.

    `with_sweeps` tells that sweeps run meanwhile, one after the other.
    """

    app: DeployedApp
    proxy: FaultProxy
    folder: Path
    table: pa.Table
    with_sweeps: bool = False

    @property
    def key(self) -> str:
        """The object key, which no other test uses."""
        return f"dataset=generation/{self.folder.name}.parquet"

    def load(self) -> Execution:
        """Put the file, and wait until its execution has ended."""
        return self.app.load(self.key, self.table)

    def load_again(self) -> Execution:
        """Load the file once more, whatever the ledger says."""
        return self.app.run(self.app.reload_event(self.key))

    def invocations(self, execution: Execution) -> int:
        """Count the ended invocations of WriteBatch by its log: the emulator's history omits what a Map runs."""
        lines = self.app.log_lines("write_batch", execution)
        return sum(line["message"] in {"done", "failed", "later"} for line in lines)

    def write_batch(self, ref: Mapping[str, object]) -> dict[str, Any]:
        """Invoke WriteBatch directly."""
        name, client = self.app.functions["write_batch"]["FunctionName"], self.app.cloud.client("lambda")
        reply: dict[str, Any] = json.loads(client.invoke(FunctionName=name, Payload=json.dumps(ref))["Payload"].read())
        return reply

    @property
    def points_stored(self) -> int:
        """The number of points that InfluxDB holds in the file's time span."""
        return self.app.compare(self.folder, "generation", self.table).read_back

    def check_loaded(self, execution: Execution) -> None:
        """Check that exactly the file is stored (I1, I3), the counts add up (I4), and a replay changes nothing (I2)."""
        assert execution.status == "SUCCEEDED", execution.response
        data = execution.response["data"]
        assert (data["points_written"], data["batches_processed"]) == (self.table.num_rows, BATCHES)
        assert data["conversion_stats"]["input_rows"] == self.table.num_rows
        before = self.app.compare(self.folder, "generation", self.table)
        assert before.equal, before.differences
        assert self.load_again().status == "SUCCEEDED"
        assert self.app.compare(self.folder, "generation", self.table) == before

    def check_failed(self, execution: Execution, error: str, status: int) -> str:
        """Check that the failure names its error, the file and the missing chunks, but not the token (I5).

        Returns:
            The message of the response.
        """
        assert (execution.status, execution.error) == ("FAILED", error)
        assert execution.response["statusCode"] == status
        assert execution.response["data"]["key"] == self.key
        assert "0000-0000" in execution.response["message"]
        assert self.app.cloud.influx.token not in str(execution.response)
        return str(execution.response["message"])

    def check_converges(self) -> None:
        """Check that a new load succeeds once the fault is over (I5): a sweep's, if the failure can heal."""
        self.proxy.set_faults()
        healed = wait_until_healed(self.app, self.key) if self.with_sweeps else None
        self.check_loaded(healed or self.load_again())

    def check_quiet_for(self, seconds: float) -> None:
        """Check that after the first request only requests that other writers had already sent arrive (I6)."""
        first, *later = [exchange.at for exchange in self.proxy.exchanges]
        assert sum(at - first < seconds for at in later) < WRITERS
        assert len(later) >= BATCHES
