"""The dashboard of the metrics shows all that the loader emits, with the dimensions that it emits."""

import json

import pytest

from cli.grafana.metrics import metrics_dashboard
from shared.logs import SERVICE
from shared.metrics import NAMESPACE
from tests.support.emitted_metrics import emit_every_metric


@pytest.fixture
def emitted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, frozenset[str]]]:
    """The names of all metrics that belong to a stack, each with its dimensions."""
    monkeypatch.setenv("STACK_NAME", "Loader")
    directives = emit_every_metric(capsys)
    return {
        (metric["Name"], frozenset(dimensions))
        for directive in directives
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
