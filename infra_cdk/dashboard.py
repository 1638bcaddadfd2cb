"""The CloudWatch dashboard, which shows the state of a deployment on one page.

Its widgets go from what users notice (loads, points) down to the causes (functions, errors in the logs).
"""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.metrics import WatchedMetrics
from shared.function_names import LoadFunctionName

HALF, WHOLE = 12, 24
WAITING_FUNCTIONS: tuple[LoadFunctionName, ...] = ("check_health", "register_load", "write_batch")
"""The functions whose metric `Errors` counts waits and continuations: they raise an error to be called again.

An error of theirs that is one fails the load, which "Failed loads, by error" shows.
"""

INTRODUCTION = """
# InfluxDB loader
Each execution of the state machine loads one file. For every error, `docs/operations.md` says what it means, who acts,
and which command to run.
"""


class Dashboard(Construct):
    """The dashboard of one deployment."""

    def __init__(
        self, scope: Construct, construct_id: str, *, metrics: WatchedMetrics, log_groups: Sequence[logs.ILogGroup]
    ) -> None:
        super().__init__(scope, construct_id)
        self._metrics = metrics
        page = cloudwatch.Dashboard(self, "Dashboard")
        page.add_widgets(cloudwatch.TextWidget(markdown=INTRODUCTION, width=WHOLE, height=2))
        page.add_widgets(self._executions(), self._points())
        page.add_widgets(self._waiting(), self._silence())
        page.add_widgets(self._set_aside(), self._losses())
        page.add_widgets(self._errors(), self._rates())
        page.add_widgets(self._times(), self._batches())
        page.add_widgets(self._durations(), self._throttles())
        page.add_widgets(_failures(log_groups))

    def _executions(self) -> cloudwatch.GraphWidget:
        states = ("Started", "Succeeded", "Failed", "TimedOut")
        return _graph("Loads", *(self._metrics.executions(f"Executions{state}") for state in states))

    def _waiting(self) -> cloudwatch.GraphWidget:
        backlog, failures = self._metrics.load("Backlog", statistic="Maximum"), self._metrics.load("NeedsPerson")
        return _graph("Files that wait to be loaded again, and loads that need a person", backlog, failures)

    def _silence(self) -> cloudwatch.GraphWidget:
        names = ("HoursSinceLastLoad", "StalePoints")
        metrics = (self._metrics.load(name, statistic="Maximum") for name in names)
        return _graph("Hours since the last load, and stale points", *metrics)

    def _points(self) -> cloudwatch.GraphWidget:
        return _graph("Points written, by dataset", self._metrics.search("PointsWritten", "dataset"))

    def _losses(self) -> cloudwatch.GraphWidget:
        fates = ("PointsRejected", "PointsSuperseded", "PointsNotSent", "PointsUnknown")
        return _graph("Points not stored, or perhaps not", *(self._metrics.load(name) for name in fates))

    def _set_aside(self) -> cloudwatch.GraphWidget:
        return _graph("Rows set aside, by dataset", self._metrics.search("RowsSetAside", "dataset"))

    def _errors(self) -> cloudwatch.GraphWidget:
        by_name = self._metrics.search("ProcessingErrors", "error")
        return _graph("Failed loads, by error", by_name, self._metrics.dead_letters)

    def _rates(self) -> cloudwatch.GraphWidget:
        rates = [self._metrics.load(name, statistic="Minimum") for name in ("ConversionRate", "SuccessRate")]
        rates.append(self._metrics.load("SetAsideRate", statistic="Maximum"))
        return _graph("Lowest share of rows converted and of batches written, highest share of rows set aside", *rates)

    def _times(self) -> cloudwatch.GraphWidget:
        times = [self._metrics.load("ProcessingTime", statistic=statistic) for statistic in ("p50", "p99")]
        return _graph("Duration of a load (seconds)", *times)

    def _batches(self) -> cloudwatch.GraphWidget:
        return _graph("Batches", self._metrics.load("BatchesProcessed"), self._metrics.load("FailedBatches"))

    def _durations(self) -> cloudwatch.GraphWidget:
        functions = self._metrics.functions.items()
        return _graph(
            "Functions: longest invocation", *(f.metric_duration(statistic="Maximum", label=n) for n, f in functions)
        )

    def _throttles(self) -> cloudwatch.GraphWidget:
        errors = [
            function.metric_errors(label=f"{name}: errors")
            for name, function in self._metrics.functions.items()
            if name not in WAITING_FUNCTIONS
        ]
        return _graph("Functions: errors, and throttles of WriteBatch", *errors, self._metrics.write_throttles)


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=HALF)


def _failures(log_groups: Sequence[logs.ILogGroup]) -> cloudwatch.LogQueryWidget:
    return cloudwatch.LogQueryWidget(
        title="Latest errors",
        log_group_names=[group.log_group_name for group in log_groups],
        query_lines=[
            "filter level = 'ERROR'",
            "sort @timestamp desc",
            "limit 50",
            "display @timestamp, exception_name, key, execution, load_id, chunk",
        ],
        width=WHOLE,
        height=8,
    )
