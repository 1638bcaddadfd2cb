"""What a person is told about, by mail."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra_cdk.config import MonitoringConfig
from infra_cdk.metrics import WatchedMetrics

LEAST_SUCCESS_RATE = 0.99
ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


class Alarms(Construct):
    """One topic for all; docs/operations.md has an entry for each."""

    def __init__(
        self, scope: Construct, construct_id: str, *, config: MonitoringConfig, metrics: WatchedMetrics
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", display_name="InfluxDB loader", enforce_ssl=True)
        if config.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(config.alarm_email))
        self._above_zero("ExecutionsFailed", metrics.executions("ExecutionsFailed"), "A load failed.")
        self._above_zero("ExecutionsTimedOut", metrics.executions("ExecutionsTimedOut"), "A load ran out of time.")
        self._above_zero("ProcessingErrors", metrics.load("ProcessingErrors"), "A load reported an error.")
        self._above_zero("FailedBatches", metrics.load("FailedBatches"), "InfluxDB refused points, or they are unsent.")
        self._above_zero("DeadLetters", metrics.dead_letters, "Events that started no load.")
        self._above_zero("WriteThrottles", metrics.write_throttles, "WriteBatch runs as often as it may.")
        rate = metrics.load("SuccessRate", statistic="Minimum")
        self._alarm("SuccessRate", rate, "More than 1 % of a load's batches failed.", BELOW, LEAST_SUCCESS_RATE)
        if config.alarm_hours_without_load:
            self._nothing_loaded(metrics, config.alarm_hours_without_load)

    def _above_zero(self, construct_id: str, metric: cloudwatch.IMetric, says: str) -> None:
        self._alarm(construct_id, metric, says, ABOVE, 0)

    def _nothing_loaded(self, metrics: WatchedMetrics, hours: int) -> None:
        """No data is no load too."""
        hourly = metrics.load("PointsWritten", period=Duration.hours(1))
        silence = cloudwatch.TreatMissingData.BREACHING
        self._alarm("NothingLoaded", hourly, f"No point in {hours} h.", BELOW, 1, periods=hours, missing=silence)

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        says: str,
        comparison: cloudwatch.ComparisonOperator,
        threshold: float,
        *,
        periods: int = 1,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            comparison_operator=comparison,
            threshold=threshold,
            evaluation_periods=periods,
            treat_missing_data=missing,
            alarm_description=f"{says} docs/operations.md: {construct_id}",
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
