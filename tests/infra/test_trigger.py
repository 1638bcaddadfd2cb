"""The rule that starts executions."""

from collections.abc import Callable
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.assertions import Template

from infra_cdk.config import loader_config
from infra_cdk.trigger import Trigger
from tests.infra.conftest import REQUIRED, Assembly, default_context
from tests.support.own_datasets import declare_datasets

ANY_CASE = {"suffix": {"equals-ignore-case": ".parquet"}}
"""EventBridge compares keys by case, unless a pattern says otherwise."""


def test_a_parquet_object_of_the_source_bucket_starts_one(assembly: Assembly) -> None:
    [rule] = assembly.properties("Events::Rule").values()
    [source] = [name for name in assembly.properties("S3::Bucket") if name.startswith("StorageSource")]
    assert rule["State"] == "ENABLED"
    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [{"Ref": source}]}, "object": {"key": [ANY_CASE]}},
    }


def test_a_prefix_of_an_existing_bucket_narrows_what_starts_one(variants: Callable[[str], Assembly]) -> None:
    assembly = variants("all_existing")
    [rule] = assembly.properties("Events::Rule").values()
    assert rule["EventPattern"]["detail"] == {
        "bucket": {"name": ["lake"]},
        "object": {"key": [{"prefix": "processed/"}]},
    }
    assert [name for name in assembly.properties("S3::Bucket") if "Source" in name] == []


def test_a_key_pattern_outside_the_prefix_starts_one_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = 'measurement = "m"\nkey_pattern = "raw/*.parquet"\nrequired_tags = []'
    declare_datasets(monkeypatch, tmp_path, f'[plants]\n{pattern}\nfields = [{{ name = "power_mw", unit = "MW" }}]')
    config = loader_config(default_context() | REQUIRED | {"source_bucket_name": "lake", "source_prefix": "lake/"})
    stack = Stack(App(), "Stack")
    machine = sfn.StateMachine.from_state_machine_name(stack, "Machine", "loader")
    Trigger(
        stack,
        "Trigger",
        bucket=s3.Bucket.from_bucket_name(stack, "Source", "lake"),
        config=config.storage,
        state_machine=machine,
    )
    [rule] = Template.from_stack(stack).find_resources("AWS::Events::Rule").values()
    keys = rule["Properties"]["EventPattern"]["detail"]["object"]["key"]
    assert keys == [{"prefix": "lake/"}, {"prefix": "raw/"}]


def test_the_suffixes_of_the_configuration_narrow_what_starts_one(variants: Callable[[str], Assembly]) -> None:
    [several], [all_] = (variants(name).properties("Events::Rule").values() for name in ("all_new", "with_a_database"))
    keys = [ANY_CASE, {"suffix": {"equals-ignore-case": ".pq"}}]
    assert several["EventPattern"]["detail"]["object"] == {"key": keys}
    assert all_["EventPattern"]["detail"].keys() == {"bucket"}


def test_the_functions_that_apply_the_rule_on_keys_have_its_settings(variants: Callable[[str], Assembly]) -> None:
    functions = variants("all_new").functions
    environments = {name: each["Environment"]["Variables"] for name, each in functions.items()}
    suffixes = {name: values["FILE_SUFFIXES"] for name, values in environments.items() if "FILE_SUFFIXES" in values}
    assert suffixes.keys() >= {"validate_schema", "convert_and_chunk", "list_files", "report_backfill"}
    assert set(suffixes.values()) == {".parquet,.pq"}


def test_the_execution_gets_the_whole_event(assembly: Assembly) -> None:
    [rule] = assembly.properties("Events::Rule").values()
    [target] = rule["Targets"]
    assert target["Arn"] == {"Ref": assembly.machine_id("Loader")}
    assert not target.keys() & {"Input", "InputPath", "InputTransformer"}


def test_an_event_that_starts_nothing_is_kept(assembly: Assembly) -> None:
    [rule] = assembly.properties("Events::Rule").values()
    [(queue, properties)] = assembly.properties("SQS::Queue").items()
    assert rule["Targets"][0]["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [queue, "Arn"]}}
    retry = {"MaximumEventAgeInSeconds": 24 * 3600, "MaximumRetryAttempts": 185}
    assert rule["Targets"][0]["RetryPolicy"] == retry
    assert (properties["SqsManagedSseEnabled"], properties["MessageRetentionPeriod"]) == (True, 14 * 24 * 3600)


def test_eventbridge_may_write_to_the_queue_and_nobody_without_tls(assembly: Assembly) -> None:
    [policy] = assembly.properties("SQS::QueuePolicy").values()
    statements = {s["Effect"]: s for s in policy["PolicyDocument"]["Statement"]}
    assert statements["Deny"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statements["Allow"]["Principal"] == {"Service": "events.amazonaws.com"}
    assert statements["Allow"]["Action"] == "sqs:SendMessage"
    [rule], [queue] = assembly.properties("Events::Rule"), assembly.properties("SQS::Queue")
    assert statements["Allow"]["Resource"] == {"Fn::GetAtt": [queue, "Arn"]}
    assert statements["Allow"]["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule, "Arn"]}}}
