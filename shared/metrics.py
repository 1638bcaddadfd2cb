"""The seven metrics of a load, as log lines that CloudWatch reads (EMF)."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from shared.logs import SERVICE

NAMESPACE = "ONS/InfluxDB"


@dataclass(frozen=True, kw_only=True)
class LoadMetrics:
    """Of one load. `success_rate` is the share of planned batches that were written whole; `error` is "" or a name."""

    points_written: int
    batches_processed: int
    processing_seconds: float
    conversion_rate: float
    success_rate: float
    failed_batches: int
    error: str


def emit(load: LoadMetrics, *, dataset: str, about: Mapping[str, str]) -> None:
    """Once under [service], for alarms, and once under [service, dataset]; errors also under [service, error].

    `about` tells the load, as every log line does.
    """
    metrics = Metrics(namespace=NAMESPACE, service=SERVICE)
    _tell(metrics, about)
    if dataset:
        metrics.add_dimensions(service=SERVICE, dataset=dataset)
    metrics.add_metric(name="PointsWritten", unit=MetricUnit.Count, value=load.points_written)
    metrics.add_metric(name="BatchesProcessed", unit=MetricUnit.Count, value=load.batches_processed)
    metrics.add_metric(name="ProcessingTime", unit=MetricUnit.Seconds, value=load.processing_seconds)
    metrics.add_metric(name="ConversionRate", unit=MetricUnit.NoUnit, value=load.conversion_rate)
    metrics.add_metric(name="SuccessRate", unit=MetricUnit.NoUnit, value=load.success_rate)
    metrics.add_metric(name="ProcessingErrors", unit=MetricUnit.Count, value=int(load.error != ""))
    metrics.add_metric(name="FailedBatches", unit=MetricUnit.Count, value=load.failed_batches)
    metrics.flush_metrics()
    if load.error:
        _emit_error(load.error, about)


def _emit_error(error: str, about: Mapping[str, str]) -> None:
    """Only under [service, error]: under [service] it is counted already."""
    metrics = Metrics(namespace=NAMESPACE, service=SERVICE)
    metrics.add_dimension(name="error", value=error)
    _tell(metrics, about)
    metrics.add_metric(name="ProcessingErrors", unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()


def _tell(metrics: Metrics, about: Mapping[str, str]) -> None:
    for name, value in about.items():
        metrics.add_metadata(key=name, value=value)
