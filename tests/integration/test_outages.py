"""Outages of InfluxDB that are shorter and longer than the patience, in CheckHealth and in WriteBatch."""

import pytest

from cli.deployed.executions import Execution, wait_for_end, wait_for_start
from tests.support import faults
from tests.support.fault_proxy import Exchange, pass_on
from tests.support.trial import BATCHES, MAX_RETRIES, PATIENCE_S, WRITERS, Trial


def test_a_load_waits_for_influxdb_before_it_converts_and_while_it_writes(trial: Trial) -> None:
    """Both outages outlast all retries inside a function, but not the patience."""
    app, sfn = trial.app, trial.app.cloud.client("stepfunctions")
    refused = WRITERS * (1 + MAX_RETRIES) + 1
    trial.proxy.set_faults(pass_on, *[faults.answer_with(503)] * refused)
    waits: dict[str, str] = {}

    def start_when_it_waits(execution: Execution) -> None:
        state, _, outage = execution.state.partition(" ")
        if state not in waits and outage:
            waits[state] = outage
            if state == "WaitForHealth":
                app.influxdb.start_gateway()

    with app.configured(OUTAGE_PATIENCE="20"):
        app.influxdb.stop_gateway()
        version = app.put(trial.key, trial.table)
        arn = wait_for_start(sfn, app.outputs["StateMachineArn"], trial.key, version, timeout_s=60)
        execution = wait_for_end(sfn, arn, timeout_s=60, observe=start_when_it_waits, every_s=0.1)
    assert waits.keys() == {"WaitForHealth", "WaitForInflux"}
    assert "at the latest: before the load: no response from InfluxDB" in waits["WaitForHealth"]
    assert "InfluxDB returned 503" in waits["WaitForInflux"]
    assert trial.invocations(execution) > 1
    assert len(trial.proxy.fired_faults) == refused
    trial.check_loaded(execution)


@pytest.mark.slow
def test_each_batch_that_is_accepted_renews_the_patience(trial: Trial) -> None:
    """Every other second, InfluxDB accepts one batch: the load takes longer than the patience."""
    accepted: list[float] = []

    def accepts_one_batch(exchange: Exchange) -> None:
        now = exchange.at
        if accepted and now - accepted[-1] < PATIENCE_S - 1:
            faults.answer_with(503)(exchange)
            return
        accepted.append(now)
        pass_on(exchange)

    trial.proxy.set_faults(always=accepts_one_batch)
    execution = trial.load()
    assert accepted[BATCHES - 1] - accepted[0] > PATIENCE_S
    trial.check_loaded(execution)


def test_an_outage_that_is_longer_than_the_patience_fails_the_load_and_says_since_when(trial: Trial) -> None:
    trial.proxy.set_faults(always=faults.answer_with(503))
    execution = trial.load()
    message = trial.check_failed(execution, "InfluxUnavailableError", 503)
    assert "InfluxDB has accepted nothing since 20" in message
    trial.check_converges()
