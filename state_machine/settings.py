"""How patient and how parallel the state machine is."""

from dataclasses import dataclass, fields

from aws_cdk import aws_lambda as lambda_


@dataclass(frozen=True, kw_only=True)
class LoadFunctions:
    """One function for each task of the state machine; ReportFailure is `report_load` too."""

    check_health: lambda_.IFunction
    validate_schema: lambda_.IFunction
    convert_and_chunk: lambda_.IFunction
    write_batch: lambda_.IFunction
    report_load: lambda_.IFunction


LOAD_FUNCTIONS = tuple(field.name for field in fields(LoadFunctions))
BACKFILL_FUNCTION = "report_backfill"
FUNCTION_NAMES = (*LOAD_FUNCTIONS, BACKFILL_FUNCTION)


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
