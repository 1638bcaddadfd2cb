"""Loads during which a server or a function dies, or time runs out."""

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from threading import Event
from time import sleep

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cli.deployed.executions import describe
from shared.outages import NO_OUTAGE
from shared.work_bucket import chunk_key, outcome_key
from tests.support import faults
from tests.support.deployed_app import DeployedApp, days_later, unique_records
from tests.support.fault_proxy import Exchange, pass_on
from tests.support.influx_api import InfluxApi
from tests.support.trial import (
    ATTEMPTS,
    BATCHES,
    KILLED_ATTEMPTS,
    ROWS,
    WAITING_ATTEMPTS,
    WRITERS,
    Trial,
    writes_through_proxy,
)

pytestmark = pytest.mark.usefixtures("with_sweeps")


def open_shards(trial: Trial) -> None:
    """Open the shards that the file's points go to.

    InfluxDB 1 cannot open a shard again that it was making when it was killed: half of the index's MANIFEST is there.
    """
    days = pc.floor_temporal(trial.table["timestamp"], unit="day").cast(pa.timestamp("ns")).unique()
    points = (f" value=1 {day}" for day in days.cast(pa.int64()).to_pylist())
    assert InfluxApi(trial.app.cloud.influx).write_points(*points).status_code == 204


def test_an_engine_that_is_killed_and_comes_back_loses_nothing(trial: Trial) -> None:
    engine = trial.app.influxdb.engine
    open_shards(trial)

    dead = Event()

    def dies(exchange: Exchange) -> None:
        engine.kill()
        dead.set()
        pass_on(exchange)

    def is_dead(exchange: Exchange) -> None:
        assert dead.wait(timeout=60)
        pass_on(exchange)

    def returns(exchange: Exchange) -> None:
        assert dead.wait(timeout=60)
        engine.start()
        pass_on(exchange)

    trial.proxy.set_faults(pass_on, dies, is_dead, is_dead, is_dead, returns)
    execution = trial.load()
    assert Counter(trial.proxy.fired_faults) == {"dies": 1, "is_dead": 3, "returns": 1}
    assert [exchange.upstream_status for exchange in trial.proxy.exchanges].count(0) >= 2
    trial.check_loaded(execution)


@pytest.mark.slow
def test_an_engine_that_is_killed_and_stays_away_is_a_503_naming_what_is_not_written(trial: Trial) -> None:
    engine = trial.app.influxdb.engine
    open_shards(trial)

    def dies(exchange: Exchange) -> None:
        engine.kill()
        pass_on(exchange)

    trial.proxy.set_faults(pass_on, dies)
    try:
        execution = trial.load()
    finally:
        engine.start()
    assert "dies" in trial.proxy.fired_faults
    trial.check_failed(execution, "InfluxUnavailableError", 503)
    assert trial.app.failed_calls(execution) in WAITING_ATTEMPTS
    trial.check_converges()


def test_a_function_that_is_killed_once_is_called_again(trial: Trial) -> None:
    trial.proxy.set_faults(pass_on, faults.kill_client)
    execution = trial.load()
    assert trial.proxy.fired_faults == ["kill_client"]
    trial.check_loaded(execution)


@pytest.mark.slow
def test_a_function_that_is_always_killed_fails_the_load_naming_the_chunk(trial: Trial) -> None:
    trial.proxy.set_faults(always=faults.kill_client)
    execution = trial.load()
    trial.check_failed(execution, "Runtime.ExitError", 500)
    assert trial.app.failed_calls(execution) == KILLED_ATTEMPTS
    assert len(trial.proxy.fired_faults) <= KILLED_ATTEMPTS * WRITERS
    trial.check_converges()


def test_a_load_whose_functions_are_killed_counts_no_point_as_not_sent_that_may_be_stored(trial: Trial) -> None:
    trial.proxy.set_faults(pass_on, always=faults.kill_client)
    execution = trial.load()
    assert (execution.error, "kill_client" in trial.proxy.fired_faults) == ("Runtime.ExitError", True)
    points = execution.response["data"]["points"]
    assert sum(points.values()) == ROWS
    # The function was killed before it stored what was acknowledged, so its marker is all that is left.
    assert points["stored"] == 0 < trial.points_stored <= points["stored"] + points["unknown"]
    trial.check_converges()


@pytest.mark.slow
def test_a_function_that_is_throttled_is_called_again_and_given_up_after_so_many_times(trial: Trial) -> None:
    client, name = trial.app.cloud.client("lambda"), trial.app.functions["write_batch"]["FunctionName"]
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        given_up = trial.load()
        reload_arn = trial.app.start(trial.app.reload_event(trial.key))
        while not trial.app.failed_calls(execution := describe(trial.app.cloud.client("stepfunctions"), reload_arn)):
            assert not execution.ended
            sleep(0.1)
    finally:
        client.delete_function_concurrency(FunctionName=name)
    trial.check_failed(given_up, "Lambda.TooManyRequestsException", 500)
    assert trial.app.failed_calls(given_up) == ATTEMPTS
    trial.check_loaded(trial.app.wait_for_end(reload_arn))


def test_a_function_called_again_after_it_succeeded_changes_nothing(trial: Trial) -> None:
    execution = trial.load()
    before, name = trial.app.compare(trial.folder, "generation", trial.table), execution.arn.rsplit(":", 1)[1]
    load_id, sent = execution.response["data"]["load_id"], [exchange.body for exchange in trial.proxy.exchanges]
    work, s3 = trial.app.outputs["WorkBucketName"], trial.app.cloud.client("s3")
    staged = s3.get_object(Bucket=work, Key=chunk_key(load_id, name, "0000-0000"))["Body"].read()
    ref = {"load_id": load_id, "execution": name, "dataset": "generation", "chunk": "0000-0000", "points": ROWS}
    ref |= {"sha256": sha256(staged).hexdigest(), "outage": NO_OUTAGE}
    assert trial.write_batch(ref)["written"]
    assert len(trial.proxy.exchanges) == len(sent)
    s3.delete_object(Bucket=work, Key=outcome_key(load_id, name, "0000-0000"))
    assert trial.write_batch(ref)["written"]
    assert sorted(exchange.body for exchange in trial.proxy.exchanges) == sorted(sent * 2)
    assert trial.app.compare(trial.folder, "generation", trial.table) == before


def test_two_executions_of_one_object_at_once_write_the_same_points(trial: Trial) -> None:
    trial.app.put(trial.key, trial.table)
    arns = [trial.app.start(trial.app.reload_event(trial.key)) for _ in range(2)]
    ended = [trial.app.wait_for_end(arn) for arn in arns]
    assert [execution.status for execution in ended] == ["SUCCEEDED"] * 2
    assert len({exchange.body for exchange in trial.proxy.exchanges}) == BATCHES
    trial.check_loaded(ended[0])


@pytest.mark.slow
def test_one_of_many_chunks_that_fails_fails_the_load_and_a_new_run_completes_it(trial: Trial) -> None:
    years = 31 if trial.with_sweeps else 30  # a load waits for a failed one with the same points, for minutes
    # In the 1990s: so many hours would reach into the months of other tests.
    many = replace(trial, table=days_later(unique_records(trial.folder, "generation", 101_000), -365 * years))
    trial.proxy.set_faults(*[pass_on] * 50, faults.answer_with(404))
    execution = many.load()
    assert trial.proxy.fired_faults == ["answers 404"]
    assert "0000-000" in execution.response["message"]
    assert execution.error == "BucketNotFoundError"
    trial.proxy.set_faults()
    assert many.load_again().status == "SUCCEEDED"
    assert trial.app.compare(trial.folder, "generation", many.table).equal


@pytest.mark.slow
def test_a_function_that_runs_out_of_time_stops_by_itself_and_goes_on(app: DeployedApp, tmp_path: Path) -> None:
    client, name = app.cloud.client("lambda"), app.functions["write_batch"]["FunctionName"]
    with writes_through_proxy(app, MAX_BATCH_SIZE="100") as proxy:
        client.update_function_configuration(FunctionName=name, Timeout=19)
        trial = Trial(app=app, proxy=proxy, folder=tmp_path, table=unique_records(tmp_path, "generation", ROWS))
        proxy.set_faults(always=faults.respond_slowly)
        try:
            execution = trial.load()
        finally:
            client.update_function_configuration(FunctionName=name, Timeout=app.functions["write_batch"]["Timeout"])
    assert execution.status == "SUCCEEDED", execution.response
    assert execution.response["data"]["batches_processed"] == 15
    messages = [line["message"] for line in app.log_lines("write_batch", execution)]
    assert ("later" in messages, "failed" in messages) == (True, False)
    assert len({exchange.body for exchange in proxy.exchanges}) == 15
    assert trial.invocations(execution) > 1
    assert app.compare(tmp_path, "generation", trial.table).equal


def test_a_bucket_that_is_not_there_is_refused_before_anything_is_staged(app: DeployedApp, tmp_path: Path) -> None:
    with app.configured(INFLUXDB_BUCKET="no-such-bucket"):
        execution = app.load(f"dataset=generation/{tmp_path.name}.parquet", unique_records(tmp_path, "generation", 10))
    assert (execution.error, execution.response["statusCode"]) == ("BucketNotFoundError", 500)
    assert 'bucket "no-such-bucket" not found' in execution.response["message"]
    assert app.failed_calls(execution) == 1
    assert [key for key in app.work_keys("staging/") if execution.arn.rsplit(":", 1)[1] in key] == []
