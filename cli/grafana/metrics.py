"""The dashboard of the loader's metrics in CloudWatch, those of one stack."""

from cli.grafana.panels import Attributes, Dashboard, Panel, query_variable
from shared.logs import SERVICE
from shared.metrics import NAMESPACE

DATA_SOURCE = "cloudwatch"


def metrics_dashboard() -> Dashboard:
    """Return the dashboard. Its panels go from what users notice down to the causes, as in CloudWatch."""
    return Dashboard(
        uid="influxdb-loader-metrics",
        title="InfluxDB loader: metrics",
        description="The metrics of one loader. docs/settings.md says what each of them counts.",
        data_source=DATA_SOURCE,
        variables=[_variable("region", "regions()"), _variable("stack", _STACKS)],
        panels=[*_points(), *_files(), *_performance()],
        time_from="now-7d",
    )


_STACKS = f"dimension_values($region, {NAMESPACE}, PointsWritten, stack)"


def _variable(name: str, query: str) -> Attributes:
    return query_variable(name, query, data_source=DATA_SOURCE, label=name.capitalize())


def _points() -> list[Panel]:
    fates = ("PointsRejected", "PointsSuperseded", "PointsNotSent", "PointsUnknown")
    return [
        _counts("Points written, by dataset", "Points that InfluxDB acknowledged.", _by("PointsWritten", "dataset")),
        _counts("Points written", "Points that InfluxDB acknowledged, of all datasets.", _total("PointsWritten")),
        _counts("Points not stored, or perhaps not", "Unknown points may be stored.", *map(_total, fates)),
        _counts(
            "Rows set aside, by dataset",
            "Rows that are in the quarantine, not in InfluxDB.",
            _by("RowsSetAside", "dataset"),
        ),
        _counts("Rows set aside", "The same, of all datasets.", _total("RowsSetAside")),
    ]


def _files() -> list[Panel]:
    return [
        _counts("Failed loads, by error", "docs/operations.md explains each error.", _by("ProcessingErrors", "error")),
        _counts("Failed loads", "Loads that ended with an error.", _total("ProcessingErrors")),
        _counts("Loads that need a person", "These do not heal by themselves.", _total("NeedsPerson")),
        _lines(
            "Files that wait to be loaded again",
            "Files that are not loaded and can heal, as the last sweep counted them.",
            "none",
            _total("Backlog", "Maximum"),
        ),
        _lines("Time since the last load", "", "h", _total("HoursSinceLastLoad", "Maximum")),
        _lines(
            "Stale points",
            "Points that replaced files left in InfluxDB: `loader stale` lists them.",
            "none",
            _total("StalePoints", "Maximum"),
        ),
    ]


def _performance() -> list[Panel]:
    shares = (
        _total("ConversionRate", "Minimum"),
        _total("SuccessRate", "Minimum"),
        _total("SetAsideRate", "Maximum"),
    )
    return [
        _lines("Worst shares", "Of rows converted, of batches written, and of rows set aside.", "percentunit", *shares),
        _lines(
            "Duration of a load",
            "From the start of its execution.",
            "s",
            *(_total("ProcessingTime", statistic) for statistic in ("p50", "p99")),
        ),
        _counts("Batches", "Write requests, each counted once.", _total("BatchesProcessed"), _total("FailedBatches")),
    ]


def _counts(title: str, description: str, *targets: Attributes) -> Panel:
    return Panel(title=title, description=description, targets=targets, unit="short", bars=True)


def _lines(title: str, description: str, unit: str, *targets: Attributes) -> Panel:
    return Panel(title=title, description=description, targets=targets, unit=unit)


def _total(metric: str, statistic: str = "Sum") -> Attributes:
    """Return the query of a metric over all datasets of the stack."""
    return _target(metric, statistic, {}, label=f"{metric} {statistic}" if statistic.startswith("p") else metric)


def _by(metric: str, dimension: str) -> Attributes:
    """Return the query of a metric with a line for each value of a dimension."""
    return _target(metric, "Sum", {dimension: "*"}, label=f"${{PROP('Dim.{dimension}')}}")


def _target(metric: str, statistic: str, more: Attributes, *, label: str) -> Attributes:
    return {
        "queryMode": "Metrics",
        "metricQueryType": 0,
        "metricEditorMode": 0,
        "region": "$region",
        "namespace": NAMESPACE,
        "metricName": metric,
        "dimensions": {"service": SERVICE, "stack": "$stack", **more},
        "matchExact": True,
        "statistic": statistic,
        "period": "",
        "label": label,
    }
