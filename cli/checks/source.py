"""Checks of the source bucket: its account and Region, its events, and its key.

A bucket of another account or Region sends no event to the rule of the stack, and `cdk synth` cannot notice it, since
the name of a bucket tells neither.
"""

from http import HTTPStatus

from botocore.exceptions import ClientError

from cli.checks.finding import Finding, ok, problem
from cli.deployed.stack import Deployment
from cli.documents import document

GUIDE = f"see {document('deploy.md')}, Use an existing bucket"


def check_owner(deployment: Deployment) -> Finding:
    """Check that the bucket belongs to the account and Region of the stack."""
    bucket, region, account = deployment.source_bucket, deployment.region, deployment.account
    head = deployment.s3.head_bucket(Bucket=bucket)
    bucket_region = head.get("BucketRegion", region)
    if bucket_region != region:
        return problem(
            f"{bucket} is in {bucket_region}, the stack in {region}: its events do not arrive",
            f"forward its events with a rule in {bucket_region}: {GUIDE}",
        )
    try:
        deployment.s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.FORBIDDEN:
            raise
        return problem(
            f"{bucket} belongs to another account than {account}: its events do not arrive",
            f"forward its events to the event bus of this account: {GUIDE}",
        )
    return ok(f"{bucket}, account {account}, {region}")


def check_events(deployment: Deployment) -> Finding:
    """Check that the bucket sends its events to EventBridge."""
    bucket = deployment.source_bucket
    configuration = deployment.s3.get_bucket_notification_configuration(Bucket=bucket)
    if "EventBridgeConfiguration" in configuration:
        return ok(f"{bucket} sends its events to EventBridge")
    return problem(
        f"{bucket} does not send its events to EventBridge, so no file starts a load", f"turn them on: {GUIDE}"
    )


def check_key(deployment: Deployment) -> Finding:
    """Check that the key that encrypts the bucket belongs to the account of the stack."""
    bucket = deployment.source_bucket
    try:
        encryption = deployment.s3.get_bucket_encryption(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ServerSideEncryptionConfigurationNotFoundError":
            raise
        return ok(f"{bucket} has no default encryption")
    rules = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    keys = [rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID", "") for rule in rules]
    return judge_key(next(filter(None, keys), ""), deployment.account)


def judge_key(key: str, account: str) -> Finding:
    """Return the finding about a key, which is an ARN, an alias or an id; "" if S3's own key encrypts the bucket."""
    owner = key.split(":")[4] if key.startswith("arn:") else account
    if not key:
        return ok("a key that AWS manages")
    if owner == account:
        return ok(key)
    return Finding(
        "warning",
        f"{key} belongs to account {owner}",
        f"add it to decrypt_key_arns, and allow kms:Decrypt to the roles of account {account} in its key policy",
    )
