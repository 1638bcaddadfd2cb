"""The metrics that the loader emits, with which tests compare alarms and dashboards."""

import json
from typing import Any

import pytest

from shared.accounts import Accounts
from shared.metrics import LoadMetrics, emit, emit_backlog, emit_hours_since_last_load, emit_stale


def emit_every_metric(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Emit the metrics of a failed load, of a sweep, and of a check of stale points; return their directives."""
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
    emit(load, dataset="generation", metadata={"execution": "run"})
    emit_backlog(1, given_up=0)
    emit_hours_since_last_load(1)
    emit_stale(1)
    lines = capsys.readouterr().out.splitlines()
    return [directive for line in lines for directive in json.loads(line)["_aws"]["CloudWatchMetrics"]]
