"""The cost of the custom metrics, counted from what a load emits."""

import io
import json
import os
from contextlib import redirect_stdout
from unittest.mock import patch

from shared.accounts import Accounts
from shared.datasets import DATASETS
from shared.metrics import LoadMetrics, emit, emit_backlog, emit_hours_since_last_load, emit_stale

PRICE_OF_METRIC = 0.30
"""US dollars a month for each combination of a name and dimensions that was emitted in it, up to 10,000."""

LOAD = LoadMetrics(
    accounts=Accounts(),
    batches_processed=0,
    processing_seconds=0,
    rows_set_aside=0,
    set_aside_rate=0,
    conversion_rate=0,
    success_rate=0,
    failed_batches=0,
    error="",
)

SECTION = """\
## Custom metrics

CloudWatch charges ${price:.2f} a month for each combination of a metric's name and its dimensions, in proportion to the
hours in which it was emitted. A stack that loads files of {datasets} datasets every hour emits {count}, which cost
${cost:.2f} a month, whatever the number of loads. Without the dimension `stack` it would be {without} (${less:.2f}).
"""


def emit_metrics_of_stack() -> None:
    """Emit the metrics of a sweep and of a check of stale points, whose only dimension besides service is the stack."""
    emit_backlog(0, given_up=0)
    emit_hours_since_last_load(0)
    emit_stale(0)


def count_metrics(stack: str) -> int:
    """Return how many combinations the loads of all datasets, sweeps, and checks emit in a stack.

    Args:
        stack: its name; "" for no stack.
    """
    combinations = set()
    with redirect_stdout(io.StringIO()) as output, patch.dict(os.environ, {"STACK_NAME": stack}):
        for dataset in DATASETS:
            emit(LOAD, dataset=dataset, metadata={})
        if stack:
            emit_metrics_of_stack()
    for line in map(json.loads, output.getvalue().splitlines()):
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = tuple(line[name] for name in names)
                combinations |= {(metric["Name"], tuple(names), dimensions) for metric in directive["Metrics"]}
    return len(combinations)


def metric_section() -> str:
    """Return the part of the page about custom metrics."""
    count, without = count_metrics("InfluxdbLoader"), count_metrics("")
    return SECTION.format(
        price=PRICE_OF_METRIC,
        datasets=len(DATASETS),
        count=count,
        cost=count * PRICE_OF_METRIC,
        without=without,
        less=without * PRICE_OF_METRIC,
    )
