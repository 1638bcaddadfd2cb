"""How patient and how parallel the state machine is."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import aws_lambda as lambda_

from shared.function_names import LoadFunctionName

LoadFunctions = Mapping[LoadFunctionName, lambda_.IFunction]
"""The function of each task of the loader; `report_load` runs ReportSkip and ReportFailure too."""


@dataclass(frozen=True, kw_only=True)
class MachineSettings:
    """Retries wait `backoff_seconds`, doubling up to `max_delay_seconds`, each wait shortened at random (full jitter).

    `timeout_hours` ends an execution that is stuck: the largest load, with its waits for InfluxDB, takes far less.
    `backfill_days` ends a backfill.
    """

    write_concurrency: int = 4
    convert_concurrency: int = 10
    backoff_seconds: int = 2
    max_delay_seconds: int = 60
    transient_attempts: int = 6
    killed_attempts: int = 1
    timeout_hours: int = 6
    backfill_days: int = 90
