"""The dashboard of the metrics shows all that the loader emits, with the dimensions that it emits."""

import json

import pytest

from cli.grafana.metrics import metrics_dashboard
from shared.accounts import Accounts
from shared.logs import SERVICE
from shared.metrics import NAMESPACE, LoadMetrics, emit, emit_backlog, emit_hours_since_last_load


@pytest.fixture
def emitted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, frozenset[str]]]:
    """The names of the metrics of a failed load and a sweep that belong to a stack, each with its dimensions."""
    monkeypatch.setenv("STACK_NAME", "Loader")
    load = LoadMetrics(
        accounts=Accounts(),
        batches_processed=0,
        processing_seconds=0,
        rows_set_aside=0,
        set_aside_rate=0,
        conversion_rate=0,
        success_rate=0,
        failed_batches=0,
        error="AnyError",
    )
    emit(load, dataset="generation", metadata={})
    emit_backlog(1, given_up=0)
    emit_hours_since_last_load(1)
    directives = [json.loads(line)["_aws"]["CloudWatchMetrics"] for line in capsys.readouterr().out.splitlines()]
    return {
        (metric["Name"], frozenset(dimensions))
        for [directive] in directives
        for metric in directive["Metrics"]
        for dimensions in directive["Dimensions"]
        if "stack" in dimensions
    }


def test_every_metric_is_drawn_as_it_is_emitted(emitted: set[tuple[str, frozenset[str]]]) -> None:
    panels = json.loads(metrics_dashboard().to_json())["panels"]
    targets = [target for panel in panels for target in panel["targets"]]
    assert {(target["metricName"], frozenset(target["dimensions"])) for target in targets} == emitted
    assert {(target["namespace"], target["dimensions"]["service"]) for target in targets} == {(NAMESPACE, SERVICE)}
    assert {target["dimensions"]["stack"] for target in targets} == {"$stack"}
