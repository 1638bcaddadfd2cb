"""The reports of loads in the work bucket."""

from typing import TYPE_CHECKING, Any

from cli.deployed.reports import load_report, reports
from cli.deployed.stack import Deployment
from tests.functional.conftest import WORK
from tests.support.scripted_aws import STACK

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_reports_are_listed_without_their_pages_and_read(s3: "S3Client", load: Any) -> None:
    s3.put_object(Bucket=WORK, Key="reports/a.html", Body=b"page")
    deployment = Deployment(STACK)
    [(_, key)] = reports(deployment, "reports/")
    assert key == load["report"]
    assert load_report(deployment, key)["response"]["data"] == load
