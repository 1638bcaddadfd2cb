"""The metrics of a load, written as log lines in CloudWatch's embedded metric format (EMF).

Each set of dimensions of each metric is billed as a metric of its own. The sets with `stack` tell the loaders of one
account apart. The alarms and the dashboard read only those, so by dataset they exist only for the two metrics
that the dashboard draws by dataset.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from shared.accounts import Accounts
from shared.errors import needs_person
from shared.logs import SERVICE
from shared.settings import stack_name

NAMESPACE = "ONS/InfluxDB"


@dataclass(frozen=True, kw_only=True)
class LoadMetrics:
    """The metrics of one load.

    Attributes:
        accounts: the points by fate.
        batches_processed: the number of batches whose points are all written or rejected.
        processing_seconds: the duration of the execution.
        rows_set_aside: the number of rows that conversion set aside.
        set_aside_rate: the share of the rows that conversion set aside.
        conversion_rate: the share of the rows that became points.
        success_rate: the share of the planned batches of which every point is written.
        failed_batches: the number of batches with a point that is rejected or not sent.
        error: the error name of a failed load, or "".
    """

    accounts: Accounts
    batches_processed: int
    processing_seconds: float
    rows_set_aside: int
    set_aside_rate: float
    conversion_rate: float
    success_rate: float
    failed_batches: int
    error: str


def emit(load: LoadMetrics, *, dataset: str, metadata: Mapping[str, str]) -> None:
    """Write the metrics to standard output, where Lambda passes them to CloudWatch.

    They have the dimension service, again service and dataset, and service and stack, if the function belongs to a
    stack. Errors also have service and error, and service, stack and error.

    Args:
        load: the values.
        dataset: the dataset's name, or "" if it is unknown.
        metadata: the keys of the load that every log line has.
    """
    metrics = Metrics(namespace=NAMESPACE, service=SERVICE)
    _add_metadata(metrics, metadata)
    if dataset:
        metrics.add_dimensions(service=SERVICE, dataset=dataset)
    if stack := stack_name():
        metrics.add_dimensions(service=SERVICE, stack=stack)
    metrics.add_metric(name="PointsWritten", unit=MetricUnit.Count, value=load.accounts.stored)
    metrics.add_metric(name="PointsRejected", unit=MetricUnit.Count, value=load.accounts.rejected)
    metrics.add_metric(name="PointsSuperseded", unit=MetricUnit.Count, value=load.accounts.superseded)
    metrics.add_metric(name="PointsNotSent", unit=MetricUnit.Count, value=load.accounts.not_sent)
    metrics.add_metric(name="PointsUnknown", unit=MetricUnit.Count, value=load.accounts.unknown)
    metrics.add_metric(name="BatchesProcessed", unit=MetricUnit.Count, value=load.batches_processed)
    metrics.add_metric(name="ProcessingTime", unit=MetricUnit.Seconds, value=load.processing_seconds)
    metrics.add_metric(name="RowsSetAside", unit=MetricUnit.Count, value=load.rows_set_aside)
    metrics.add_metric(name="SetAsideRate", unit=MetricUnit.NoUnit, value=load.set_aside_rate)
    metrics.add_metric(name="ConversionRate", unit=MetricUnit.NoUnit, value=load.conversion_rate)
    metrics.add_metric(name="SuccessRate", unit=MetricUnit.NoUnit, value=load.success_rate)
    metrics.add_metric(name="ProcessingErrors", unit=MetricUnit.Count, value=int(load.error != ""))
    metrics.add_metric(name="FailedBatches", unit=MetricUnit.Count, value=load.failed_batches)
    metrics.flush_metrics()
    if stack and dataset:
        by_dataset = {"PointsWritten": load.accounts.stored, "RowsSetAside": load.rows_set_aside}
        _emit_counts(by_dataset, stack=stack, dataset=dataset)
    if stack and needs_person(load.error):
        _emit_counts({"NeedsPerson": 1}, stack=stack)
    if load.error:
        _emit_error(load.error, metadata)


def emit_backlog(files: int, *, given_up: int) -> None:
    """Write the metrics of a sweep, with the dimensions service and stack only.

    Args:
        files: the number of files that are not loaded and can heal.
        given_up: the number of files that used up their last try, and that no sweep has counted yet.
    """
    _emit_counts({"Backlog": files, "NeedsPerson": given_up}, stack=stack_name())


def emit_given_up(files: int) -> None:
    """Write the number of files that used up their last try, where a sweep reads the bucket."""
    _emit_counts({"NeedsPerson": files}, stack=stack_name())


def emit_stale(points: int) -> None:
    """Write the number of stale points that the last checks found, with the dimensions service and stack only."""
    _emit_counts({"StalePoints": points}, stack=stack_name())


def emit_hours_since_last_load(hours: float) -> None:
    """Write the metric that tells how long nothing was loaded, with the dimensions service and stack only."""
    metrics = Metrics(namespace=NAMESPACE, service=SERVICE)
    metrics.add_dimension(name="stack", value=stack_name())
    metrics.add_metric(name="HoursSinceLastLoad", unit=MetricUnit.NoUnit, value=round(hours, 3))
    metrics.flush_metrics()


def _emit_counts(counts: Mapping[str, int], **dimensions: str) -> None:
    """Emit metrics that only the alarms and the dashboard read, with the dimension service and these only."""
    metrics = Metrics(namespace=NAMESPACE, service=SERVICE)
    for name, value in dimensions.items():
        metrics.add_dimension(name=name, value=value)
    for name, count in counts.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=count)
    metrics.flush_metrics()


def _emit_error(error: str, metadata: Mapping[str, str]) -> None:
    """Emit ProcessingErrors by error only: for the service and the stack it is counted already."""
    metrics = Metrics(namespace=NAMESPACE, service=SERVICE)
    metrics.add_dimension(name="error", value=error)
    if stack := stack_name():
        metrics.add_dimensions(service=SERVICE, stack=stack, error=error)
    _add_metadata(metrics, metadata)
    metrics.add_metric(name="ProcessingErrors", unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()


def _add_metadata(metrics: Metrics, metadata: Mapping[str, str]) -> None:
    for name, value in metadata.items():
        metrics.add_metadata(key=name, value=value)
