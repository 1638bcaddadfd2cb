"""The deployed stack: its outputs, its functions' environments, and the objects of its work bucket."""

from typing import TYPE_CHECKING

import pytest
import requests

from cli.deployed.stack import Deployment, page_key
from cli.errors import NotFoundError, RefusedError
from shared.settings import MEMORY_VARIABLE
from tests.functional.conftest import LEDGER, SOURCE, WORK
from tests.support.scripted_aws import BACKFILL, MACHINE, STACK, ScriptedAws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_everything_is_found_by_the_outputs(aws: ScriptedAws) -> None:
    deployment = Deployment(STACK)
    assert (deployment.source_bucket, deployment.work_bucket) == (SOURCE, WORK)
    assert (deployment.machine, deployment.backfill_machine) == (MACHINE, BACKFILL)
    assert deployment.ledger.name == LEDGER


def test_a_stack_that_is_not_deployed_is_named(aws: ScriptedAws) -> None:
    with pytest.raises(NotFoundError, match="no stack named 'Other' in this AWS account and Region: deploy it, or"):
        _ = Deployment("Other").outputs


def test_a_stack_of_an_older_release_is_to_be_deployed_again(aws: ScriptedAws) -> None:
    del aws.outputs["BackfillArn"]
    with pytest.raises(NotFoundError, match="has no output BackfillArn: an older release deployed it"):
        _ = Deployment(STACK).backfill_machine


def test_only_the_source_bucket_can_be_loaded_from(aws: ScriptedAws) -> None:
    Deployment(STACK).check_source(SOURCE)
    with pytest.raises(RefusedError, match="loads from the bucket 'source', not from 'elsewhere'"):
        Deployment(STACK).check_source("elsewhere")


def test_each_function_has_its_own_environment_and_memory(aws: ScriptedAws) -> None:
    aws.environments = {"convert": {"MAX_BATCH_SIZE": "700"}, "write": {"INFLUXDB_URL": "u"}}
    assert Deployment(STACK).conversion_environment() == {"MAX_BATCH_SIZE": "700", MEMORY_VARIABLE: "1769"}
    assert Deployment(STACK).delivery_environment() == {"INFLUXDB_URL": "u", MEMORY_VARIABLE: "1769"}


def test_objects_of_the_work_bucket_are_read_and_listed(aws: ScriptedAws, s3: "S3Client") -> None:
    for key in ("a/2.json", "a/1.json", "b/1.json"):
        s3.put_object(Bucket=WORK, Key=key, Body=b'{"key": "%b"}' % key.encode())
    deployment = Deployment(STACK)
    assert list(deployment.work_keys("a/")) == ["a/1.json", "a/2.json"]
    assert deployment.work_json("a/2.json") == {"key": "a/2.json"}
    with pytest.raises(NotFoundError, match="does not exist, or has expired"):
        deployment.work_object("a/3.json")


def test_a_page_is_beside_its_report_and_has_a_signed_address(aws: ScriptedAws, s3: "S3Client") -> None:
    s3.put_object(Bucket=WORK, Key="reports/generation/0/run.html", Body=b"<p>the page</p>")
    assert page_key("reports/generation/0/run.json") == "reports/generation/0/run.html"
    url = Deployment(STACK).page_url("reports/generation/0/run.json")
    assert "X-Amz-Signature=" in url
    assert requests.get(url, timeout=10).text == "<p>the page</p>"
