"""The table of the ledger."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.ledger import CHANGES, LedgerItem
from shared.registrations import EXPIRES_AT, Registration
from tests.infra.conftest import KEY_ARN, Assembly


def table(assembly: Assembly) -> Mapping[str, Any]:
    [properties] = assembly.properties("DynamoDB::Table").values()
    return properties


def test_its_key_is_object_and_version(assembly: Assembly) -> None:
    assert table(assembly)["KeySchema"] == [
        {"AttributeName": "object", "KeyType": "HASH"},
        {"AttributeName": "version", "KeyType": "RANGE"},
    ]


def test_its_last_changes_are_found_by_status(assembly: Assembly) -> None:
    [index] = table(assembly)["GlobalSecondaryIndexes"]
    assert index == {
        "IndexName": CHANGES,
        "KeySchema": [
            {"AttributeName": "status", "KeyType": "HASH"},
            {"AttributeName": "changed_at", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "ALL"},
    }


def test_it_is_encrypted_recoverable_and_kept(assembly: Assembly) -> None:
    assert table(assembly)["SSESpecification"] == {"SSEEnabled": True}
    assert table(assembly)["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table(assembly)["DeletionProtectionEnabled"]
    [resource] = (r for r in assembly.template["Resources"].values() if r["Type"] == "AWS::DynamoDB::Table")
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


def test_only_registrations_expire_and_requests_are_paid_one_by_one(assembly: Assembly) -> None:
    assert table(assembly)["TimeToLiveSpecification"] == {"AttributeName": EXPIRES_AT, "Enabled": True}
    assert EXPIRES_AT in Registration.__annotations__.keys() - LedgerItem.__annotations__.keys()
    assert table(assembly)["BillingMode"] == "PAY_PER_REQUEST"


def test_with_a_key_of_ones_own_it_is_encrypted_by_it(variants: Callable[[str], Assembly]) -> None:
    specification = table(variants("all_new"))["SSESpecification"]
    assert specification == {"KMSMasterKeyId": KEY_ARN.format(0), "SSEEnabled": True, "SSEType": "KMS"}
