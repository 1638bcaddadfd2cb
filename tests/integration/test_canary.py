"""The token is a canary: after loads that go well and badly it is in the secret, and nowhere else."""

import gzip
import json
from collections.abc import Iterator
from urllib.parse import quote_plus

import pytest

from shared.influx import Influx
from shared.settings import STACK_NAME, influx_settings
from tests.support.deployed_app import DeployedApp, unique_records
from tests.support.scripted_influx import Reply, Request, scripted_influx

BUCKETS = {"buckets": [{"name": "energy"}]}


def telltale(request: Request) -> Reply:
    """A server, or a proxy before it, whose errors repeat what it was sent."""
    echo = f"no: {dict(request.headers)}"
    if request.path == "/api/v2/write":
        return Reply(400, {"code": "invalid", "message": echo}, {"X-Said": echo})
    return Reply(200, BUCKETS) if request.path == "/api/v2/buckets" else Reply(204)


def unauthorized(request: Request) -> Reply:
    """The same about the token."""
    return Reply(401, {"code": "unauthorized", "message": f"not {request.headers.get('Authorization')}"})


@pytest.fixture(scope="module")
def canary(app: DeployedApp, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The token, after a good load, one of refused points, one that is unauthorized, and one without a server."""
    folder = tmp_path_factory.mktemp("canary")
    app.load("dataset=generation/canary.parquet", unique_records(folder, "generation", 20))
    with scripted_influx() as server, app.configured(**detailed(server.url)):
        for number, answer in enumerate((telltale, unauthorized)):
            server.fallback = answer
            app.load(f"dataset=generation/canary-{number}.parquet", unique_records(folder, "generation", 5))
        assert {request.token for request in server.requests} == {app.cloud.influx.token}
    with app.configured(**detailed(server.url)):
        assert app.run(app.reload_event("dataset=generation/canary.parquet")).status == "FAILED"
    return app.cloud.influx.token


def detailed(url: str) -> dict[str, str]:
    return {"INFLUXDB_URL": url, "POWERTOOLS_LOGGER_SAMPLE_RATE": "1"}


def told(canary: str, text: str) -> bool:
    return any(form in text for form in (canary, quote_plus(canary), json.dumps(canary)[1:-1]))


def log_lines(app: DeployedApp) -> Iterator[str]:
    logs = app.cloud.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        yield from (event["message"] for page in pages for event in page["events"])


def executions(app: DeployedApp) -> Iterator[str]:
    """Input, output, error and cause of each, and its history."""
    client = app.cloud.client("stepfunctions")
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=app.outputs["StateMachineArn"])
    for item in (item for page in pages for item in page["executions"]):
        yield str(client.describe_execution(executionArn=item["executionArn"]))
        history = client.get_paginator("get_execution_history").paginate(executionArn=item["executionArn"])
        yield from (str(page["events"]) for page in history)


def objects(app: DeployedApp) -> Iterator[tuple[str, str]]:
    """Yield the objects of all buckets, including the assets bucket with its templates."""
    s3 = app.cloud.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"])
        for item in (item for page in pages for item in page.get("Contents", [])):
            body = s3.get_object(Bucket=bucket["Name"], Key=item["Key"])["Body"].read()
            text = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
            yield item["Key"], text.decode(errors="replace")


def test_no_log_line_contains_the_token(app: DeployedApp, canary: str) -> None:
    lines = list(log_lines(app))
    assert any("canary-1.parquet" in line and "InfluxUnauthorizedError" in line for line in lines)
    assert not [line for line in lines if told(canary, line)]


def test_no_execution_contains_the_token(app: DeployedApp, canary: str) -> None:
    texts = list(executions(app))
    assert any("InfluxUnauthorizedError" in text for text in texts)
    assert not [text for text in texts if told(canary, text)]


def test_no_object_contains_the_token(app: DeployedApp, canary: str) -> None:
    contents = dict(objects(app))
    assert [key for key in contents if "/points-" in key]
    assert [key for key in contents if key.startswith("reports/")]
    assert not [key for key, text in contents.items() if told(canary, text)]


def test_no_template_and_no_function_contains_the_token(app: DeployedApp, canary: str) -> None:
    stacks = app.cloud.client("cloudformation")
    template = json.dumps(stacks.get_template(StackName=STACK_NAME)["TemplateBody"])
    assert "INFLUXDB_TOKEN_SECRET_NAME" in template
    assert not told(canary, template)
    assert not told(canary, str(app.functions))


def test_the_secret_has_it(app: DeployedApp, canary: str) -> None:
    secret = app.cloud.client("secretsmanager").get_secret_value(SecretId=app.outputs["TokenSecretName"])
    assert told(canary, secret["SecretString"])


def test_no_repr_contains_the_token(canary: str) -> None:
    environment = {"INFLUXDB_URL": "http://127.0.0.1:1", "INFLUXDB_ORG": "o", "INFLUXDB_BUCKET": "b"}
    settings = influx_settings(environment | {"INFLUXDB_TOKEN": canary})
    answer = Influx(settings).ping()
    for shown in (settings, Influx(settings), answer, answer.exception):
        assert not told(canary, f"{shown!r} {shown}")
