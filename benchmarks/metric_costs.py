"""The cost of the custom metrics, counted from what a load emits."""

import io
import json
from contextlib import redirect_stdout

from shared.accounts import Accounts
from shared.datasets import DATASETS
from shared.metrics import LoadMetrics, emit

PRICE_OF_METRIC = 0.30
"""US dollars a month for each combination of a name and dimensions that was emitted in it, up to 10,000."""

ERRORS = 2
"""How many different errors occur in a month."""


def emitted_metrics() -> set[tuple[str, tuple[str, ...]]]:
    """Return all combinations that loads of every dataset emit, some of which fail."""
    combinations = set()
    with redirect_stdout(io.StringIO()) as output:
        for dataset in DATASETS:
            for error in range(ERRORS):
                emit(_load(f"Error{error}"), dataset=dataset, metadata={})
    for line in map(json.loads, output.getvalue().splitlines()):
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = tuple(f"{name}={line[name]}" for name in names)
                combinations |= {(metric["Name"], dimensions) for metric in directive["Metrics"]}
    return combinations


def _load(error: str) -> LoadMetrics:
    return LoadMetrics(
        accounts=Accounts(),
        batches_processed=0,
        processing_seconds=0,
        rows_set_aside=0,
        set_aside_rate=0,
        conversion_rate=0,
        success_rate=0,
        failed_batches=0,
        error=error,
    )


def metric_section() -> str:
    """Return the part of the page about custom metrics."""
    count = len(emitted_metrics())
    return f"""\
## Custom metrics

CloudWatch charges ${PRICE_OF_METRIC:.2f} a month for each metric, that is, for each combination of a name and
dimensions in which something was emitted. Loads of {len(DATASETS)} datasets with {ERRORS} different errors emit
{count} metrics: ${count * PRICE_OF_METRIC:.2f} a month, whatever the number of loads.
"""
