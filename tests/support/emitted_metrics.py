"""The metrics that the loader emits, with which tests compare alarms and dashboards."""

import json
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.metric_costs import LOAD, emit_metrics_of_stack
from shared.metrics import emit


def emit_every_metric(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Emit the metrics of a failed load, of a sweep, and of a check of stale points; return their directives."""
    emit(replace(LOAD, error="AnyError"), dataset="generation", metadata={"execution": "run"})
    emit_metrics_of_stack()
    lines = capsys.readouterr().out.splitlines()
    return [directive for line in lines for directive in json.loads(line)["_aws"]["CloudWatchMetrics"]]
