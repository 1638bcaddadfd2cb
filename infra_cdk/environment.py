"""The environment variables of each function. `shared/settings.py` reads them."""

from pathlib import Path

from infra_cdk.allocators import RETURN_MEMORY
from infra_cdk.config import FunctionsConfig, LoaderConfig
from infra_cdk.influx_config import InfluxConfig
from shared.function_names import FunctionName
from shared.settings import STACK_NAME

CA_FOLDER = "/opt"
"""The folder in which a function finds `influxdb_ca_bundle`, which is deployed as a layer."""

NUMPY = {"OPENBLAS_NUM_THREADS": "1"}
"""Importing numpy starts the threads of OpenBLAS, which no function needs: 50 ms of processor time on two cores."""


def environments(
    config: LoaderConfig,
    *,
    work_bucket: str,
    ledger_table: str,
    token_secret_name: str,
    secrets_endpoint_url: str = "",
    stack_name: str = STACK_NAME,
) -> dict[FunctionName, dict[str, str]]:
    """Return the environment of each function, by function name.

    AWS's SDK sends its requests to Secrets Manager to `secrets_endpoint_url`, or to its usual address if that is "".
    """
    log = {
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "POWERTOOLS_LOGGER_SAMPLE_RATE": str(config.monitoring.debug_sample_rate),
    }
    work = {"WORK_BUCKET": work_bucket}
    ledger = {"LEDGER_TABLE": ledger_table}
    stack = {"STACK_NAME": stack_name}
    lease = {"LEASE_SECONDS": str(config.functions.lease_seconds)}
    influx = {**_influx(config.influx), "INFLUXDB_TOKEN_SECRET_NAME": token_secret_name}
    if secrets_endpoint_url:
        influx["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = secrets_endpoint_url
    patience = {"OUTAGE_PATIENCE": str(config.functions.outage_patience)}
    conversion = _conversion(config.functions)
    files = {"FILE_SUFFIXES": ",".join(config.storage.file_suffixes), "SOURCE_PREFIX": config.storage.source_prefix}
    delivery = {
        "MAX_RETRIES": str(config.functions.max_retries),
        "DROP_INVALID_RECORDS": conversion["DROP_INVALID_RECORDS"],
    }
    limits = {
        "MAX_REJECTED_RATE": str(config.functions.max_rejected_rate),
        "MAX_SERIES": conversion["MAX_SERIES"],
        "MAX_SET_ASIDE_RATE": conversion["MAX_SET_ASIDE_RATE"],
    }
    bucket = {"INFLUXDB_BUCKET": config.influx.influxdb_bucket}
    register = bucket | {"MAX_REJECTED_RATE": limits["MAX_REJECTED_RATE"]}
    register |= {
        name: conversion[name] for name in ("DROP_INVALID_RECORDS", "MAX_COLLISION_RATE", "MAX_SET_ASIDE_RATE")
    }
    arrays = RETURN_MEMORY | NUMPY
    # ConvertAndChunk itself does not need `files`, but the commands read the settings of a deployment from it.
    return {
        "check_health": log | influx | patience,
        "validate_schema": log | work | ledger | lease | conversion | files | NUMPY,
        "convert_and_chunk": log | work | conversion | files | arrays,
        "register_load": log | work | ledger | register | arrays,
        "write_batch": log | work | influx | delivery | patience,
        "report_load": log | work | ledger | bucket | limits | stack,
        "find_stale": log
        | work
        | ledger
        | bucket
        | stack
        | arrays
        # FindStale itself does not need the rate, but `loader stale --delete` reads it from there.
        | {
            "STALE_PAUSE_SECONDS": str(config.functions.stale_pause_seconds),
            "MAX_STALE_RATE": str(config.functions.max_stale_rate),
        },
        "list_files": log | work | ledger | lease | files | stack | {"SWEEP_SINCE": config.sweep.sweep_since},
        "report_backfill": log | work | ledger | files,
        "delete_points": log | work | ledger | influx | arrays,
    }


def _influx(config: InfluxConfig) -> dict[str, str]:
    variables = {
        "INFLUXDB_URL": config.influxdb_url,
        "INFLUXDB_ORG": config.influxdb_org,
        "INFLUXDB_BUCKET": config.influxdb_bucket,
    }
    if config.influxdb_ca_bundle:
        variables["INFLUXDB_CA_BUNDLE"] = f"{CA_FOLDER}/{Path(config.influxdb_ca_bundle).name}"
    proxy = {"HTTPS_PROXY": config.https_proxy, "NO_PROXY": config.no_proxy}
    return variables | {name: value for name, value in proxy.items() if value}


def _conversion(config: FunctionsConfig) -> dict[str, str]:
    return {
        "MAX_BATCH_SIZE": str(config.max_batch_size),
        "ENABLE_VALIDATION": str(config.enable_validation).lower(),
        "DROP_INVALID_RECORDS": str(config.drop_invalid_records).lower(),
        "MAX_COLLISION_RATE": str(config.max_collision_rate),
        "MAX_SET_ASIDE_RATE": str(config.max_set_aside_rate),
        "MAX_SERIES": str(config.max_series),
    }
