"""The metrics that the alarms and the dashboard use."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn

from shared.logs import SERVICE
from shared.metrics import NAMESPACE
from state_machine.settings import LoadFunctions

FIVE_MINUTES = Duration.minutes(5)


class WatchedMetrics:
    """The metrics of one deployment, and of no other one in the account and Region."""

    def __init__(
        self, *, stack: str, state_machine: sfn.IStateMachine, functions: LoadFunctions, dead_letters: sqs.IQueue
    ) -> None:
        self._stack = stack
        self._state_machine = state_machine
        self.functions = functions
        self.write_throttles = functions["write_batch"].metric_throttles(period=FIVE_MINUTES)
        self.dead_letters = dead_letters.metric_approximate_number_of_messages_visible(period=FIVE_MINUTES)

    def load(self, name: str, *, statistic: str = "Sum", period: Duration = FIVE_MINUTES) -> cloudwatch.Metric:
        """Return one of the metrics that `shared.metrics` emits, over all datasets."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"service": SERVICE, "stack": self._stack},
            statistic=statistic,
            period=period,
        )

    def executions(self, name: str) -> cloudwatch.Metric:
        """Return a Step Functions metric of the loader's state machine."""
        return self._state_machine.metric(name, statistic="Sum", period=FIVE_MINUTES)

    def search(self, name: str, dimension: str, *, statistic: str = "Sum") -> cloudwatch.MathExpression:
        """Return an expression that draws a `load` metric as one line for each `dimension` (dataset or error)."""
        schema = f'{{"{NAMESPACE}",service,stack,{dimension}}}'
        query = f'{schema} MetricName="{name}" service="{SERVICE}" stack="{self._stack}"'
        expression = f"SEARCH('{query}', '{statistic}', {FIVE_MINUTES.to_seconds()})"
        return cloudwatch.MathExpression(expression=expression, using_metrics={}, label="", period=FIVE_MINUTES)
