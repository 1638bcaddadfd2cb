"""The accounts of random loads under random faults, compared with what the server stored, at every end of a load."""

import gzip
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from functions.convert_and_chunk.handler import lambda_handler as convert_and_chunk
from functions.report_load.handler import lambda_handler as report_load
from functions.validate_schema.handler import plan_file
from functions.validate_schema.pin import pin
from functions.write_batch.handler import lambda_handler as write_batch
from shared.accounts import Accounts, chunk_accounts
from shared.errors import LoaderError
from shared.outages import NO_OUTAGE, WriteLaterError
from shared.requested_object import RequestedObject
from shared.source import PinnedObject
from shared.work_bucket import get_json
from tests.functional.conftest import SOURCE
from tests.support.builders import HOUR, START, generation, parquet
from tests.support.finished_load import HEALTH, RUN
from tests.support.scripted_influx import BROKEN, RESET, Reply, Request, ScriptedInflux
from tests.support.staged_chunk import outcome, points, stage, write

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "dataset=generation/random.parquet"
CONFLICT = 'field type conflict: input field "power_mw" on measurement "generation_data" is type float, already exists'


FAULTS = (RESET, BROKEN, Reply(500), Reply(503), Reply(503, "", {"Retry-After": "1000"}))


class FaultyServer:
    """Stores lines, rejects those of region XX as 400 or 422, and has faults with a probability.

    A fault may come before the lines are stored or after it, as with a lost response.
    """

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.faults = self.random.choice([0.0, 0.1, 0.3])
        self.final = self.random.choice([0.0, 0.0, 0.05])
        self.rejection = self.random.choice([400, 422])
        self.stored: set[bytes] = set()

    def __call__(self, request: Request) -> Reply:
        lines = request.lines
        if self.random.random() < self.final:
            return Reply(int(self.random.choice([401, 404])))
        if self.random.random() < self.faults:
            if self.random.random() < 0.5:
                self.stored.update(line for line in lines if b"region=XX" not in line)
            return FAULTS[self.random.integers(len(FAULTS))]
        good = [line for line in lines if b"region=XX" not in line]
        if len(good) == len(lines) or self.rejection == 422:
            self.stored.update(good)
        if len(good) == len(lines):
            return Reply(204)
        return Reply(int(self.rejection), {"code": "invalid", "message": f"{CONFLICT} as type integer dropped=1"})


def random_table(seed: int) -> Any:
    """Return a table with rows of region XX, rows without region or field, and rows that repeat another one."""
    chance = np.random.default_rng(seed)
    rows, bad = int(chance.choice([1, 40, 150])), chance.choice([0.0, 0.05, 1.0])
    regions = np.where(chance.random(rows) < bad, "XX", "SE").astype(object)
    regions[chance.random(rows) < 0.1] = None
    hours = np.where(chance.random(rows) < 0.05, 0, np.arange(rows))
    power = [None if chance.random() < 0.05 else float(hour) for hour in hours]
    times = pa.array([START + int(hour) * HOUR for hour in hours], pa.timestamp("us", "UTC"))
    return generation(rows, timestamp=times, region=list(regions), power_mw=power)


def run_load(s3: "S3Client", context: SimpleNamespace, table: Any) -> tuple[dict[str, Any], str]:
    """Run all states of a load. Return the data of its response, and the name of its error, or ""."""
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet(table))
    pinned, last_modified = pin(s3, RequestedObject(bucket=SOURCE, key=KEY), "")
    with PinnedObject(s3, pinned) as source:
        file: Any = plan_file(source, pinned, validate=True, last_modified=int(last_modified.timestamp()))
    state: dict[str, Any] = {
        "event": {"bucket": SOURCE, "key": KEY},
        "execution": {"id": "arn:run-1", "name": "run-1", "start_time": RUN["started_at"]},
        "health": HEALTH,
        "file": file | {"skipped": "", "not_before": "", "ran": {"PinSource": RUN, "ValidateSchema": RUN}},
    }
    try:
        _convert_and_write(pinned, file, context)
        answer: Any = report_load({"state": "ReportLoad", "input": state}, context)  # type: ignore[arg-type, typeddict-item]
        return answer["data"], ""
    except LoaderError as error:
        name = type(error).__name__
        state["error"] = {"Error": name, "Cause": str(error)}
        failure: Any = report_load({"state": "ReportFailure", "input": state}, context)  # type: ignore[arg-type, typeddict-item]
        assert "do not add up" not in failure["message"]
        return get_json(s3, failure["report"])["response"]["data"], name


def _convert_and_write(pinned: Any, file: Any, context: SimpleNamespace) -> None:
    for part in file["parts"]:
        event: Any = {"execution": "run-1", "file": pinned, "part": part}
        for chunk in convert_and_chunk(event, context)["chunks"]:  # type: ignore[arg-type]
            about = {name: pinned[name] for name in ("load_id", "bucket", "key", "dataset")}
            ref: Any = {**chunk, **about, "execution": "run-1", "outage": NO_OUTAGE}
            for attempt in (1, 2, 3):
                try:
                    if write_batch(ref, context)["written"]:  # type: ignore[arg-type]
                        break
                except WriteLaterError as later:
                    if attempt == 3 and later.__cause__:
                        raise later.__cause__ from None


@pytest.mark.parametrize("seed", range(20))
def test_the_accounts_hold_at_every_end(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setenv("MAX_BATCH_SIZE", str([7, 50, 1000][seed % 3]))
    monkeypatch.setenv("MAX_RETRIES", "0")
    monkeypatch.setenv("MAX_SET_ASIDE_RATE", "1.0" if seed % 4 else "0.05")
    influx.fallback = server = FaultyServer(seed)
    table = random_table(seed)
    data, error = run_load(s3, context, table)
    stats, accounts = data["conversion_stats"], data["points"]
    rows = stats["output_points"] + stats["collapsed_rows"] + sum(stats["set_aside_rows"].values())
    assert rows == table.num_rows
    assert sum(accounts.values()) == stats["output_points"]
    assert data["points_written"] == accounts["stored"]
    assert accounts["stored"] <= len(server.stored) <= accounts["stored"] + accounts["unknown"]
    if not error:
        complete = rows == accounts["stored"] + stats["collapsed_rows"]
        assert data["verdict"] == ("loaded" if complete else "partly loaded")
        assert accounts["stored"] or not stats["output_points"]


def test_a_function_that_is_killed_leaves_its_points_unknown(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    seen: list[Accounts] = []

    def look(request: Request) -> Reply:
        seen.append(chunk_accounts(outcome(s3)))
        return Reply(204 if gzip.decompress(request.body) else 400)

    influx.fallback = look
    write(stage(s3, points(3), points(2, first=3)), context)
    assert seen == [Accounts(unknown=5)] * 2
    assert chunk_accounts(outcome(s3)) == Accounts(stored=5)


def test_an_acknowledged_half_of_a_batch_is_stored_whatever_follows(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    influx.script = [Reply(400), Reply(204), Reply(404)]
    with pytest.raises(LoaderError):
        write(stage(s3, points(8)), context)
    assert chunk_accounts(outcome(s3)) == Accounts(stored=4, unknown=4)


def test_a_batch_that_no_request_contained_is_not_sent(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    influx.fallback = lambda _: Reply(404)
    with pytest.raises(LoaderError):
        write(stage(s3, points(8), points(4, first=8)), context)
    assert chunk_accounts(outcome(s3)) == Accounts(not_sent=12)


def test_a_body_that_gets_500_while_smaller_ones_are_accepted_is_bisected_in_the_third_invocation(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_RETRIES", "0")
    influx.fallback = lambda request: Reply(500 if points(1, first=2)[0] in request.lines else 204)
    ref = stage(s3, points(8))
    for _ in range(2):
        with pytest.raises(WriteLaterError, match="500"):
            write(ref, context)
    assert write(ref, context)["written"]
    assert chunk_accounts(outcome(s3)) == Accounts(stored=7, unknown=1)
