"""The settings of the state machines: concurrency, retries and time limits."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import aws_lambda as lambda_

from shared.function_names import BackfillFunctionName, LoadFunctionName

LoadFunctions = Mapping[LoadFunctionName, lambda_.IFunction]
"""The function of each task of the loader; `report_load` runs ReportSkip and ReportFailure too."""

BackfillFunctions = Mapping[BackfillFunctionName, lambda_.IFunction]
"""The function of each task that only the backfill has; `report_backfill` runs ReportGivenUp too."""


@dataclass(frozen=True, kw_only=True)
class MachineSettings:
    """The settings of both state machines.

    Attributes:
        write_concurrency: how many WriteBatch run at once in a load.
        convert_concurrency: how many ConvertAndChunk run at once in a load.
        backoff_seconds: the longest wait before the first retry; it doubles with each retry.
        max_delay_seconds: the upper limit of that wait. Each wait is a random part of it (full jitter).
        transient_attempts: how often a transient error is retried.
        throttled_backoff_seconds: the longest wait before the first retry of a request that was throttled; from the
            second retry on, it is max_delay_seconds.
        throttled_attempts: how often a throttled request is retried: 200 retries take 100 minutes on average.
        convert_throttled_attempts: the same for ConvertAndChunk, of which more run at once: with more retries, they
            could fill the execution's history (`benchmarks/throttling.py`).
        unclear_attempts: how often an error is retried that may be throttling or a missing permission: 20 retries take
            ten minutes on average.
        killed_attempts: how often a killed function is retried.
        timeout_hours: the time limit of a load that is stuck. The largest load takes far less, waits included.
        backfill_days: the time limit of a backfill.
    """

    write_concurrency: int = 2
    convert_concurrency: int = 10
    backoff_seconds: int = 2
    max_delay_seconds: int = 60
    transient_attempts: int = 6
    throttled_backoff_seconds: int = 30
    throttled_attempts: int = 200
    convert_throttled_attempts: int = 75
    unclear_attempts: int = 20
    killed_attempts: int = 1
    timeout_hours: int = 6
    backfill_days: int = 90
