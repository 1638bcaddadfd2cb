"""The alarms and the dashboard use the metrics that the loader emits, and no others."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from infra_cdk.archives import ROOT
from shared.datasets import DATASETS
from shared.function_names import LOAD_FUNCTIONS
from shared.metrics import NAMESPACE
from shared.settings import STACK_NAME
from tests.infra.conftest import Assembly
from tests.infra.test_permissions import flat
from tests.support.contract import METRICS, SWEEP_METRICS
from tests.support.emitted_metrics import emit_every_metric

Dimensions = frozenset[str]
ALARMS = {
    "NeedsPerson",
    "Backlog",
    "ExecutionsTimedOut",
    "PointsRejected",
    "DeadLetters",
    "WriteThrottles",
    "NothingLoaded",
    "RowsSetAside",
    "StalePoints",
}


@pytest.fixture
def emitted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, Dimensions]]:
    """Return the names and dimensions of all metrics that a failed load emits."""
    monkeypatch.setenv("STACK_NAME", STACK_NAME)
    directives = emit_every_metric(capsys)
    assert {directive["Namespace"] for directive in directives} == {NAMESPACE}
    return {
        (metric["Name"], frozenset(dimensions))
        for directive in directives
        for metric in directive["Metrics"]
        for dimensions in directive["Dimensions"]
    }


def alarms(assembly: Assembly) -> dict[str, Mapping[str, Any]]:
    """Return the properties of all alarms, by their name in the runbook."""
    return {a["AlarmDescription"].rpartition(", ")[2]: a for a in assembly.properties("CloudWatch::Alarm").values()}


def watched_metric(alarm: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the metric that an alarm watches, itself or in an expression, with namespace, name and dimensions."""
    if "Metrics" not in alarm:
        return alarm
    [stat] = (metric["MetricStat"]["Metric"] for metric in alarm["Metrics"] if "MetricStat" in metric)
    return dict(stat)


def dashboard(assembly: Assembly) -> list[Mapping[str, Any]]:
    """Return the properties of the dashboard's widgets."""
    [page] = assembly.properties("CloudWatch::Dashboard").values()
    body = json.loads(flat(page["DashboardBody"]))
    return [widget["properties"] for widget in body["widgets"]]


def dashboard_metrics(assembly: Assembly) -> list[list[Any]]:
    return [metric for widget in dashboard(assembly) for metric in widget.get("metrics", [])]


def test_alarms_watch_metrics_that_are_emitted(assembly: Assembly, emitted: set[tuple[str, Dimensions]]) -> None:
    ours = [metric for metric in map(watched_metric, alarms(assembly).values()) if metric["Namespace"] == NAMESPACE]
    watched = {(metric["MetricName"], frozenset(d["Name"] for d in metric["Dimensions"])) for metric in ours}
    assert watched <= emitted
    assert {name for name, _ in watched} == {
        "NeedsPerson",
        "Backlog",
        "PointsRejected",
        "HoursSinceLastLoad",
        "SetAsideRate",
        "StalePoints",
    }


def test_the_dashboard_draws_exactly_the_metrics_that_are_emitted(
    assembly: Assembly, emitted: set[tuple[str, Dimensions]]
) -> None:
    plain = {(metric[1], frozenset(metric[2:-1:2])) for metric in dashboard_metrics(assembly) if metric[0] == NAMESPACE}
    expressions = " ".join(
        metric[0]["expression"] for metric in dashboard_metrics(assembly) if isinstance(metric[0], dict)
    )
    searched = re.findall(rf'{{"{NAMESPACE}",([\w,]+)}} MetricName="(\w+)"', expressions)
    shown = plain | {(name, frozenset(dimensions.split(","))) for dimensions, name in searched}
    assert shown <= emitted
    assert {name for name, _ in shown} == {name for name, _ in emitted} == METRICS | SWEEP_METRICS


def test_two_loaders_in_one_account_have_alarms_and_dashboards_of_their_own(assembly: Assembly) -> None:
    ours = [metric for metric in map(watched_metric, alarms(assembly).values()) if metric["Namespace"] == NAMESPACE]
    stacks = [{d["Name"]: d["Value"] for d in alarm["Dimensions"]}["stack"] for alarm in ours]
    assert set(stacks) == {STACK_NAME}
    assert assembly.functions["report_load"]["Environment"]["Variables"]["STACK_NAME"] == STACK_NAME
    for metric in dashboard_metrics(assembly):
        text = json.dumps(metric)
        assert NAMESPACE not in text or STACK_NAME in text


def test_the_dimensions_of_the_contract_are_kept(emitted: set[tuple[str, Dimensions]]) -> None:
    for dimensions in ({"service"}, {"service", "dataset"}):
        assert {name for name, of_metric in emitted if of_metric == dimensions} == METRICS
    assert ("ProcessingErrors", frozenset({"service", "error"})) in emitted


def test_the_guide_states_what_the_metrics_cost(emitted: set[tuple[str, Dimensions]]) -> None:
    """CloudWatch bills each set of dimensions of each metric, here with three datasets and no error."""
    fixed = {metric for metric in emitted if "error" not in metric[1]}
    counts = [
        sum((len(DATASETS) if "dataset" in d else 1) for _, d in fixed if with_stack or "stack" not in d)
        for with_stack in (False, True)
    ]
    guide = " ".join((ROOT / "docs" / "deploy.md").read_text().split())
    for count in counts:
        assert f"{count} metrics (${count * 0.3:.2f}" in guide


def test_waits_and_continuations_count_in_no_alarm_and_no_graph(assembly: Assembly) -> None:
    """Some functions raise an error to be called again, which Lambda's metric Errors counts."""
    assert not [alarm for alarm in alarms(assembly).values() if alarm.get("MetricName") == "Errors"]
    graphs = flat(next(iter(assembly.properties("CloudWatch::Dashboard").values()))["DashboardBody"])
    assert '"Errors"' in graphs
    assert [name for name in LOAD_FUNCTIONS if f"{name}: errors" in graphs] == [
        name for name in LOAD_FUNCTIONS if name not in ("check_health", "register_load", "write_batch")
    ]


def test_alarms_of_aws_metrics_are_about_this_stack(assembly: Assembly) -> None:
    watched = {name: watched_metric(alarm) for name, alarm in alarms(assembly).items()}
    aws = {name: metric for name, metric in watched.items() if metric["Namespace"] != NAMESPACE}
    about = {name: [flat(d["Value"]) for d in alarm["Dimensions"]] for name, alarm in aws.items()}
    machine, [queue] = assembly.machine_id("Loader"), assembly.properties("SQS::Queue")
    [write_batch] = (name for name in assembly.properties("Lambda::Function") if "WriteBatch" in name)
    assert about == {
        "ExecutionsTimedOut": [machine],
        "DeadLetters": [queue],
        "WriteThrottles": [write_batch],
    }


def test_every_alarm_reaches_the_topic(assembly: Assembly) -> None:
    [topic] = assembly.properties("SNS::Topic")
    assert alarms(assembly).keys() == ALARMS
    assert all(alarm["AlarmActions"] == [{"Ref": topic}] for alarm in alarms(assembly).values())
    assert assembly.properties("SNS::Subscription") == {}


def test_cloudwatch_may_publish_this_stacks_alarms_and_nobody_without_tls(assembly: Assembly) -> None:
    """A topic policy replaces the default policy of SNS, so a Deny alone would keep CloudWatch from publishing."""
    [policy] = assembly.properties("SNS::TopicPolicy").values()
    [topic] = assembly.properties("SNS::Topic")
    statements = {s["Effect"]: s for s in policy["PolicyDocument"]["Statement"]}
    assert statements["Deny"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    allow = statements["Allow"]
    assert (allow["Principal"], allow["Action"]) == ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish")
    assert (flat(allow["Resource"]), [flat(t) for t in policy["Topics"]]) == (topic, [topic])
    assert allow["Condition"].keys() == {"StringEquals", "ArnLike"}
    assert allow["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    alarm_arns = flat(allow["Condition"]["ArnLike"]["aws:SourceArn"])
    assert alarm_arns == "arn:AWS::Partition:cloudwatch:AWS::Region:AWS::AccountId:alarm:InfluxdbLoader-*"
    # CloudFormation names an alarm <stack>-<logical id>-<random> as long as nothing sets AlarmName.
    assert not any("AlarmName" in alarm for alarm in alarms(assembly).values())


def test_the_topic_is_not_encrypted_so_cloudwatch_needs_no_key(variants: Callable[[str], Assembly]) -> None:
    [topic] = variants("all_new").properties("SNS::Topic").values()
    assert "KmsMasterKeyId" not in topic


def test_the_topic_reaches_the_address(variants: Callable[[str], Assembly]) -> None:
    [subscription] = variants("all_new").properties("SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "grid-data@example.com")


def test_a_day_without_a_load_is_an_alarm_but_not_before_the_first_load(variants: Callable[[str], Assembly]) -> None:
    silent = alarms(variants("as_it_comes"))["NothingLoaded"]
    assert (silent["MetricName"], silent["Statistic"]) == ("HoursSinceLastLoad", "Maximum")
    assert (silent["ComparisonOperator"], silent["Threshold"]) == ("GreaterThanOrEqualToThreshold", 24)
    # Four sweeps in an hour: a late one is not taken for a load. Without data, nothing was ever loaded.
    assert (silent["Period"], silent["EvaluationPeriods"], silent["TreatMissingData"]) == (3600, 1, "notBreaching")
    assert alarms(variants("all_existing")).keys() == ALARMS - {"NothingLoaded"}


def test_files_that_wait_are_an_alarm_only_after_three_hours_without_progress(assembly: Assembly) -> None:
    alarm = alarms(assembly)["Backlog"]
    [expression] = (metric for metric in alarm["Metrics"] if "Expression" in metric)
    [stat] = (metric["MetricStat"] for metric in alarm["Metrics"] if "MetricStat" in metric)
    assert expression["Expression"] == "IF(backlog > 0 AND DIFF(backlog) >= 0, 1, 0)"
    assert (stat["Stat"], stat["Period"] * alarm["EvaluationPeriods"]) == ("Maximum", 3 * 3600)
    assert alarm["TreatMissingData"] == "notBreaching"


def test_a_file_that_loses_more_than_a_tenth_of_its_rows_is_an_alarm(assembly: Assembly) -> None:
    alarm = alarms(assembly)["RowsSetAside"]
    assert (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) == (
        "Maximum",
        "GreaterThanThreshold",
        0.1,
    )


def test_the_runbook_has_a_line_for_every_alarm() -> None:
    runbook = (ROOT / "docs" / "operations.md").read_text()
    table = runbook.split("| alarm |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| (\w+) \|", table, re.MULTILINE)) == ALARMS
