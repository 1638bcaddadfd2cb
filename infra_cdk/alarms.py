"""The CloudWatch alarms and the SNS topic that mails them.

Most alarms watch a count that should stay at zero; `DESCRIPTIONS` is what the mail says. `Backlog`, `RowsSetAside`
and `NothingLoaded` have conditions of their own.
"""

from aws_cdk import Annotations, ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra_cdk.metrics import WatchedMetrics
from infra_cdk.monitoring_config import MonitoringConfig

BACKLOG_MINUTES = 180
"""How long files may wait without getting fewer before that is an alarm."""

DAY_MINUTES = 24 * 60
"""The longest period of an alarm."""

ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD

DESCRIPTIONS = {
    "NeedsPerson": (
        "A load failed, and will not succeed before somebody changes its file or the deployment. Run `loader history "
        "--status failed` to see which file and why, then follow the runbook's entry for that error."
    ),
    "Backlog": (
        "Files that failed have been waiting for three hours, and do not get fewer. Check that InfluxDB accepts "
        "writes, then run `loader history --status failed` to see which files and why."
    ),
    "ExecutionsTimedOut": (
        "A load was stopped because it reached its time limit. Check that InfluxDB accepts writes, then load the file "
        "again with --force."
    ),
    "PointsRejected": (
        "InfluxDB rejected points. Read InfluxDB's reasons in the load's report before you load the file again."
    ),
    "DeadLetters": (
        "EventBridge could not start a load for some files. Their events are in the dead-letter queue: load those "
        "files again, then empty the queue."
    ),
    "WriteThrottles": (
        "WriteBatch is throttled: its reserved concurrency, or the account's, is used up. Throttled writes are "
        "retried. If this continues, lower write_concurrency, or raise write_reserved_concurrency or the account's "
        "quota."
    ),
    "StalePoints": (
        "InfluxDB has points that a replaced file had, and that no current file has. Run `loader stale` to see how "
        "many, which, and of which files."
    ),
    "RowsSetAside": (
        "More than {share} of the rows of a file were set aside. Run `loader history` to see which files are partly "
        "loaded, and `loader quarantine` for the reasons."
    ),
    "NothingLoaded": (
        "No file was loaded in the last {period}. Check that new files arrive in the source bucket and that the "
        "bucket sends its events to EventBridge."
    ),
}
"""What happened and what to do, by alarm. The runbook (docs/operations.md) has an entry for each."""


class Alarms(Construct):
    """The alarms of one deployment, all sent to one topic."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: MonitoringConfig,
        sweep_minutes: int,
        metrics: WatchedMetrics,
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", display_name="InfluxDB loader", enforce_ssl=True)
        self._allow_cloudwatch_to_publish()
        if config.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(config.alarm_email))
        counts = {
            "NeedsPerson": metrics.load("NeedsPerson"),
            "ExecutionsTimedOut": metrics.executions("ExecutionsTimedOut"),
            "PointsRejected": metrics.load("PointsRejected"),
            "DeadLetters": metrics.dead_letters,
            "WriteThrottles": metrics.write_throttles,
        }
        for name, metric in counts.items():
            self._add_alarm(name, metric, DESCRIPTIONS[name], ABOVE, 0)
        self._add_stale_alarm(metrics, sweep_minutes)
        share = metrics.load("SetAsideRate", statistic="Maximum")
        description = DESCRIPTIONS["RowsSetAside"].format(share=f"{config.alarm_set_aside_rate:.0%}")
        self._add_alarm("RowsSetAside", share, description, ABOVE, config.alarm_set_aside_rate)
        if sweep_minutes:
            self._add_backlog_alarm(metrics, sweep_minutes)
        if config.alarm_hours_without_load:
            self._add_silence_alarm(metrics, sweep_minutes, config.alarm_hours_without_load)

    def _allow_cloudwatch_to_publish(self) -> None:
        """Allow this stack's alarms to publish.

        `enforce_ssl` adds a topic policy with a Deny. The policy replaces the default one of SNS, which allows
        CloudWatch to publish, so the permission must be added here.
        """
        stack = Stack.of(self)
        # CloudFormation names an alarm <stack>-<logical id>-<random>.
        alarms = stack.format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=f"{stack.stack_name}-*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {"aws:SourceArn": alarms},
                },
            )
        )

    def _add_backlog_alarm(self, metrics: WatchedMetrics, sweep_minutes: int) -> None:
        """Alarm when files wait and have not got fewer in any of the sweeps of `BACKLOG_MINUTES`."""
        period = Duration.minutes(sweep_minutes)
        stuck = cloudwatch.MathExpression(
            expression="IF(backlog > 0 AND DIFF(backlog) >= 0, 1, 0)",
            using_metrics={"backlog": metrics.load("Backlog", statistic="Maximum", period=period)},
            label="files wait, and do not get fewer",
            period=period,
        )
        periods = max(BACKLOG_MINUTES // sweep_minutes, 1)
        self._add_alarm("Backlog", stuck, DESCRIPTIONS["Backlog"], ABOVE, 0, periods=periods)

    def _add_stale_alarm(self, metrics: WatchedMetrics, sweep_minutes: int) -> None:
        """Alarm while the last checks found stale points: every sweep emits their number again, as does each check."""
        period = Duration.minutes(min(max(2 * sweep_minutes, 60), DAY_MINUTES))
        points = metrics.load("StalePoints", statistic="Maximum", period=period)
        self._add_alarm("StalePoints", points, DESCRIPTIONS["StalePoints"], ABOVE, 0)

    def _add_silence_alarm(self, metrics: WatchedMetrics, sweep_minutes: int, hours: int) -> None:
        """Alarm when the last load was `hours` ago. Before the first load, sweeps emit nothing, and there is no alarm.

        A period is long enough for two sweeps, so that a late one does not end the alarm.
        """
        if not sweep_minutes:
            message = (
                "There is no alarm NothingLoaded: with sweep_minutes 0, nothing measures the time since the last load. "
                "Set alarm_hours_without_load to 0 if that is intended."
            )
            Annotations.of(self).add_warning_v2("influxdb-loader:nothing-loaded", message)
            return
        period = Duration.minutes(min(max(2 * sweep_minutes, 60), DAY_MINUTES))
        age = metrics.load("HoursSinceLastLoad", statistic="Maximum", period=period)
        description = DESCRIPTIONS["NothingLoaded"].format(period=f"{hours} hours" if hours > 1 else "hour")
        self._add_alarm("NothingLoaded", age, description, AT_LEAST, hours)

    def _add_alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        description: str,
        comparison: cloudwatch.ComparisonOperator,
        threshold: float,
        *,
        periods: int = 1,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            comparison_operator=comparison,
            threshold=threshold,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=f"{description} Runbook: docs/operations.md, {name}",
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
