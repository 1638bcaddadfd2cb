"""The functions as they are deployed."""

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from infra_cdk.config import loader_config
from infra_cdk.environment import environments
from infra_cdk.function_sizes import SIZES
from shared.errors import SettingsError
from shared.function_names import FUNCTION_NAMES
from shared.registrations import WRITE_SECONDS
from shared.settings import (
    LEASE_SECONDS,
    OUTAGE_PATIENCE,
    conversion_settings,
    delivery_settings,
    influx_settings,
    lease_seconds,
    ledger_table,
    outage_patience_s,
    work_bucket,
)
from tests.infra.conftest import REQUIRED, Assembly, default_context

READ_PARQUET = {"validate_schema", "convert_and_chunk", "register_load", "find_stale", "delete_points"}
INFLUX = {"INFLUXDB_URL", "INFLUXDB_ORG", "INFLUXDB_BUCKET", "INFLUXDB_TOKEN_SECRET_NAME"}
FILES = {"FILE_SUFFIXES", "SOURCE_PREFIX"}
ARRAYS = {
    "MIMALLOC_ARENA_EAGER_COMMIT",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TRIM_THRESHOLD_",
    "OPENBLAS_NUM_THREADS",
}
CONVERSION = {
    "MAX_BATCH_SIZE",
    "ENABLE_VALIDATION",
    "DROP_INVALID_RECORDS",
    "MAX_COLLISION_RATE",
    "MAX_SET_ASIDE_RATE",
    "MAX_SERIES",
}


def variables(assembly: Assembly, name: str) -> dict[str, str]:
    """Return a function's environment, with `deployed` for values that are unknown before the deployment."""
    environment = assembly.functions[name]["Environment"]["Variables"]
    return {key: value if isinstance(value, str) else "deployed" for key, value in environment.items()}


def test_there_is_one_for_each_folder(assembly: Assembly) -> None:
    assert set(assembly.functions) == set(FUNCTION_NAMES)
    handlers = [f["Handler"] for f in assembly.properties("Lambda::Function").values()]
    assert sorted(handlers) == sorted(f"functions.{name}.handler.lambda_handler" for name in FUNCTION_NAMES)
    assert all(importlib.util.find_spec(handler.rpartition(".")[0]) for handler in handlers)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("check_health", INFLUX | {"OUTAGE_PATIENCE"}),
        (
            "validate_schema",
            CONVERSION | FILES | {"WORK_BUCKET", "LEDGER_TABLE", "LEASE_SECONDS", "OPENBLAS_NUM_THREADS"},
        ),
        ("convert_and_chunk", CONVERSION | FILES | {"WORK_BUCKET"} | ARRAYS),
        (
            "register_load",
            {
                "WORK_BUCKET",
                "LEDGER_TABLE",
                "INFLUXDB_BUCKET",
                "MAX_REJECTED_RATE",
                "MAX_COLLISION_RATE",
                "MAX_SET_ASIDE_RATE",
                "DROP_INVALID_RECORDS",
            }
            | ARRAYS,
        ),
        (
            "find_stale",
            {
                "STACK_NAME",
                "WORK_BUCKET",
                "LEDGER_TABLE",
                "INFLUXDB_BUCKET",
                "STALE_PAUSE_SECONDS",
                "MAX_STALE_RATE",
            }
            | ARRAYS,
        ),
        ("write_batch", INFLUX | {"MAX_RETRIES", "DROP_INVALID_RECORDS", "WORK_BUCKET", "OUTAGE_PATIENCE"}),
        (
            "report_load",
            {
                "STACK_NAME",
                "LOG_GROUPS",
                "WORK_BUCKET",
                "LEDGER_TABLE",
                "INFLUXDB_BUCKET",
                "MAX_REJECTED_RATE",
                "MAX_SET_ASIDE_RATE",
                "MAX_SERIES",
            },
        ),
    ],
)
def test_each_is_told_what_it_needs_and_no_more(assembly: Assembly, name: str, expected: set[str]) -> None:
    assert set(variables(assembly, name)) == expected | {"POWERTOOLS_LOG_LEVEL", "POWERTOOLS_LOGGER_SAMPLE_RATE"}


def test_what_they_are_told_is_what_their_settings_understand(assembly: Assembly) -> None:
    influx = influx_settings(variables(assembly, "write_batch"))
    assert (influx.url, influx.token, influx.token_secret_name) == ("https://influx.example:8086", "", "deployed")
    assert delivery_settings(variables(assembly, "write_batch")).max_retries == 3
    conversion = conversion_settings(variables(assembly, "convert_and_chunk"))
    assert (conversion.max_batch_size, conversion.validate, conversion.drop_invalid_records) == (5000, True, True)
    assert outage_patience_s(variables(assembly, "check_health")) == OUTAGE_PATIENCE
    assert work_bucket(variables(assembly, "report_load")) == "deployed"
    assert ledger_table(variables(assembly, "validate_schema")) == "deployed"


def test_a_proxy_is_for_the_functions_that_use_influxdb() -> None:
    proxy = {"https_proxy": "http://proxy.example:3128/", "no_proxy": "s3.us-east-1.amazonaws.com"}
    config = loader_config({**default_context(), **REQUIRED, **proxy})
    deployed = environments(config, work_bucket="w", ledger_table="l", token_secret_name="s")
    expected = {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "s3.us-east-1.amazonaws.com"}
    assert {name for name, variables in deployed.items() if variables.items() >= expected.items()} == {
        "check_health",
        "write_batch",
        "delete_points",
    }
    assert all(not {"HTTPS_PROXY", "NO_PROXY"} & deployed[name].keys() for name in ("validate_schema", "report_load"))


def test_a_proxy_with_a_password_is_rejected_since_everyone_can_read_the_stack() -> None:
    with pytest.raises(SettingsError, match="https_proxy is not the URL of a server"):
        loader_config({**default_context(), **REQUIRED, "https_proxy": "http://user:secret@proxy.example:3128"})


def test_a_lease_outlasts_an_execution_and_the_functions_it_called(assembly: Assembly) -> None:
    longest_call = max(function["Timeout"] for function in assembly.functions.values())
    longest_load = assembly.definition["TimeoutSeconds"] + longest_call
    assert lease_seconds(variables(assembly, "validate_schema")) == LEASE_SECONDS > longest_load


def test_only_those_that_read_parquet_carry_arrow(assembly: Assembly) -> None:
    layers = {name: [layer["Ref"] for layer in f["Layers"]] for name, f in assembly.functions.items()}
    assert {name for name, refs in layers.items() if any("Arrow" in ref for ref in refs)} == READ_PARQUET
    assert all(any("Shared" in ref for ref in refs) for refs in layers.values())


def test_logs_end_and_requests_are_traced(assembly: Assembly) -> None:
    groups = assembly.properties("Logs::LogGroup")
    assert all(group["RetentionInDays"] == 30 for group in groups.values())
    for function in assembly.functions.values():
        assert function["LoggingConfig"]["LogGroup"]["Ref"] in groups
        assert function["TracingConfig"] == {"Mode": "Active"}


def test_logs_of_state_machines_do_not_use_up_the_resource_policy_of_the_account(assembly: Assembly) -> None:
    """CloudWatch Logs adds each destination outside of /aws/vendedlogs/ to a policy of at most 5,120 characters."""
    groups = assembly.properties("Logs::LogGroup")
    names = {}
    for machine in ("Loader", "Backfill"):
        [destination] = assembly.machine(machine)["LoggingConfiguration"]["Destinations"]
        names[machine] = groups[destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0]]["LogGroupName"]
    assert names == {name: f"/aws/vendedlogs/states/InfluxdbLoader-{name}" for name in ("Loader", "Backfill")}


def test_only_write_batch_is_limited_and_only_if_that_is_asked_for(variants: Callable[[str], Assembly]) -> None:
    def limited(assembly: Assembly) -> dict[str, int]:
        functions = assembly.functions.items()
        return {n: f["ReservedConcurrentExecutions"] for n, f in functions if "ReservedConcurrentExecutions" in f}

    assert limited(variants("as_it_comes")) == {}
    assert limited(variants("all_new")) == {"write_batch": 8}


def test_layers_fit_the_functions(assembly: Assembly) -> None:
    for layer in assembly.properties("Lambda::LayerVersion").values():
        assert (layer["CompatibleRuntimes"], layer["CompatibleArchitectures"]) == (["python3.13"], ["arm64"])
    for function in assembly.functions.values():
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])


def test_a_load_that_failed_counts_as_active_until_its_last_invocation_has_ended() -> None:
    assert SIZES["write_batch"].timeout_s == WRITE_SECONDS


def test_with_snap_start_the_state_machines_invoke_the_versions_that_are_published_last(
    variants: Callable[[str], Assembly],
) -> None:
    assembly = variants("all_existing")
    aliases = assembly.properties("Lambda::Alias")
    assert all(f["SnapStart"] == {"ApplyOn": "PublishedVersions"} for f in assembly.functions.values())
    assert {alias["Name"] for alias in aliases.values()} == {"live"}
    published = {alias["FunctionVersion"]["Fn::GetAtt"][0] for alias in aliases.values()}
    assert published == assembly.properties("Lambda::Version").keys()
    assert len(published) == len(FUNCTION_NAMES)
    invoked = {
        piece["Ref"] for name in ("Loader", "Backfill") for piece in references(assembly, name) if "Ref" in piece
    }
    assert {name for name in aliases if "DeletePoints" not in name} <= invoked
    functions = set(assembly.properties("Lambda::Function"))
    assert not any(piece.get("Fn::GetAtt", [""])[0] in functions for piece in references(assembly, "Loader"))


def test_with_snap_start_cloudformation_deletes_former_versions(variants: Callable[[str], Assembly]) -> None:
    resources = variants("all_existing").template["Resources"].values()
    versions = [resource for resource in resources if resource["Type"] == "AWS::Lambda::Version"]
    assert {version.get("DeletionPolicy", "Delete") for version in versions} == {"Delete"}


def references(assembly: Assembly, machine: str) -> list[Mapping[str, Any]]:
    """Return the references in the definition of a state machine."""
    pieces = assembly.machine(machine)["DefinitionString"]["Fn::Join"][1]
    return [piece for piece in pieces if isinstance(piece, dict)]


def test_without_snap_start_no_version_is_published(assembly: Assembly) -> None:
    assert assembly.properties("Lambda::Version") == assembly.properties("Lambda::Alias") == {}
    assert not any("SnapStart" in function for function in assembly.functions.values())


def test_snap_start_needs_a_runtime_that_has_it() -> None:
    with pytest.raises(SettingsError, match="snap_start is true, but Lambda has no SnapStart"):
        loader_config({**REQUIRED, "python": "3.11", "snap_start": "true"})
