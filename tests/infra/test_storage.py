"""The source bucket and the work bucket."""

from collections.abc import Callable
from typing import Any

from tests.infra.conftest import KEY_ARN, Assembly


def bucket(assembly: Assembly, name: str) -> tuple[str, Any]:
    [only] = ((key, b) for key, b in assembly.properties("S3::Bucket").items() if key.startswith(f"Storage{name}"))
    return only


def test_both_are_private_encrypted_and_kept(assembly: Assembly) -> None:
    for name, properties in assembly.properties("S3::Bucket").items():
        [encryption] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert assembly.template["Resources"][name]["DeletionPolicy"] == "Retain"


def test_with_a_key_of_ones_own_both_buckets_and_the_secret_are_encrypted_by_it(
    variants: Callable[[str], Assembly],
) -> None:
    assembly, key = variants("all_new"), KEY_ARN.format(0)
    for properties in assembly.properties("S3::Bucket").values():
        [encryption] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        assert encryption["BucketKeyEnabled"]
    assert [secret["KmsKeyId"] for secret in assembly.properties("SecretsManager::Secret").values()] == [key]


def test_both_refuse_connections_without_tls(assembly: Assembly) -> None:
    policies = {
        p["Bucket"]["Ref"]: p["PolicyDocument"]["Statement"] for p in assembly.properties("S3::BucketPolicy").values()
    }
    assert policies.keys() == assembly.properties("S3::Bucket").keys()
    for [statement] in policies.values():
        assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_source_keeps_versions_and_tells_eventbridge(assembly: Assembly) -> None:
    _, source = bucket(assembly, "Source")
    assert source["VersioningConfiguration"] == {"Status": "Enabled"}
    assert source["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_nothing_but_staged_objects_and_before_images_expires(assembly: Assembly) -> None:
    expiring = {
        (name[:11], rule.get("Prefix")): rule["ExpirationInDays"]
        for name, properties in assembly.properties("S3::Bucket").items()
        for rule in properties["LifecycleConfiguration"]["Rules"]
        if "ExpirationInDays" in rule
    }
    assert expiring == {("StorageWork", "staging/"): 7, ("StorageWork", "deletions/"): 90}


def test_replaced_versions_and_reports_expire_if_that_is_configured(variants: Callable[[str], Assembly]) -> None:
    assembly = variants("all_new")
    rules = [
        rule for name in ("Source", "Work") for rule in bucket(assembly, name)[1]["LifecycleConfiguration"]["Rules"]
    ]
    noncurrent = [rule["NoncurrentVersionExpiration"] for rule in rules if "NoncurrentVersionExpiration" in rule]
    assert noncurrent == [{"NoncurrentDays": 90}]
    expiring = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}
    assert expiring == {"staging/": 7, "deletions/": 30, "reports/": 365, "backfills/": 365}
