"""The configuration of alarms and logs: context keys, as in config.py."""

from dataclasses import dataclass

from infra_cdk import context as read
from infra_cdk.context import Context
from shared.settings import integer, share

RETENTION_DAYS = ("1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731")


@dataclass(frozen=True, kw_only=True)
class MonitoringConfig:
    """The alarms and logs.

    Without `alarm_email`, the topic has no subscriber. `alarm_hours_without_load` 0 means no such alarm.
    `alarm_set_aside_rate` is the share of a file's rows that may be set aside without an alarm.
    """

    alarm_email: str
    alarm_hours_without_load: int
    alarm_set_aside_rate: float
    log_retention_days: int
    debug_sample_rate: float


def monitoring_config(context: Context) -> MonitoringConfig:
    """Return the configuration of alarms and logs. Raises SettingsError."""
    return MonitoringConfig(
        alarm_email=read.optional(context, "alarm_email", read.EMAIL),
        alarm_hours_without_load=integer(context, "alarm_hours_without_load", default=24, minimum=0),
        alarm_set_aside_rate=share(context, "alarm_set_aside_rate", default=0.1),
        log_retention_days=int(read.one_of(context, "log_retention_days", RETENTION_DAYS, default="30")),
        debug_sample_rate=share(context, "debug_sample_rate", default=0.01),
    )
