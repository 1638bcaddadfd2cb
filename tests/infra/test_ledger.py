"""The table of the ledger."""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

from benchmarks.costs import walk
from shared.ledger import CHANGES, LedgerItem
from shared.registrations import EXPIRES_AT, Registration
from tests.infra.conftest import KEY_ARN, Assembly

TRANSITIONS_PER_S = 5000
"""The default quota of Step Functions in the Regions where it is highest."""

WRITE_UNITS_PER_S = 1000
"""What a partition of DynamoDB accepts."""


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


def test_a_partition_of_its_index_takes_more_loads_of_a_month_each_than_step_functions_runs(assembly: Assembly) -> None:
    """Decision 33. An item has less than 1,200 bytes, and up to 50 for each day of its calendar."""
    loads_per_s = TRANSITIONS_PER_S / walk(assembly.definition, 100_000).transitions
    assert loads_per_s * ceil((1200 + 31 * 50) / 1024) < WRITE_UNITS_PER_S


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
