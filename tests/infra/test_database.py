"""The stack of Timestream for InfluxDB, which no emulator deploys."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from infra_cdk.app import DATABASE_STACK_NAME
from infra_cdk.config import app_config
from shared.errors import SettingsError
from tests.infra.conftest import REQUIRED, VARIANTS, Assembly


@pytest.fixture
def resources(variants: Callable[[str], Assembly]) -> Mapping[str, Any]:
    resources: Mapping[str, Any] = variants("all_new").stack(DATABASE_STACK_NAME)["Resources"]
    return resources


def of_type(resources: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [resource for resource in resources.values() if resource["Type"] == f"AWS::{kind}"]


def test_the_instance_is_private_redundant_and_kept(resources: Mapping[str, Any]) -> None:
    [instance] = of_type(resources, "Timestream::InfluxDBInstance")
    properties = instance["Properties"]
    assert (properties["PubliclyAccessible"], properties["DeploymentType"]) == (False, "WITH_MULTIAZ_STANDBY")
    assert instance["DeletionPolicy"] == "Retain"


def test_no_template_holds_its_password(resources: Mapping[str, Any]) -> None:
    [instance] = of_type(resources, "Timestream::InfluxDBInstance")
    [secret] = (name for name, resource in resources.items() if resource["Type"] == "AWS::SecretsManager::Secret")
    password = json.dumps(instance["Properties"]["Password"])
    assert password.startswith('{"Fn::Join": ["", ["{{resolve:secretsmanager:"')
    assert secret in password


def test_its_deletion_does_not_fail_at_what_the_kept_instance_uses(resources: Mapping[str, Any]) -> None:
    """EC2 refuses to delete a security group that an instance uses, and the password would be lost."""
    policies = {name: resource.get("DeletionPolicy") for name, resource in resources.items()}
    assert set(policies.values()) == {"Retain"}


def test_its_name_is_a_setting_that_keeps_the_name_of_existing_instances(resources: Mapping[str, Any]) -> None:
    """A changed name would replace the instance by an empty one."""
    [instance] = of_type(resources, "Timestream::InfluxDBInstance")
    assert instance["Properties"]["Name"] == "influxdb-loader"
    context: dict[str, object] = {**VARIANTS["with_a_database"], "database_name": "grid-2"}
    database = app_config(context).database
    assert (database and database.database_name) == "grid-2"
    with pytest.raises(SettingsError, match=r"^database_name is 'grid_2'"):
        app_config(context | {"database_name": "grid_2"})


def test_its_clients_are_allowed_to_connect_to_it(resources: Mapping[str, Any]) -> None:
    [rule] = (resource["Properties"] for resource in of_type(resources, "EC2::SecurityGroupEgress"))
    assert (rule["FromPort"], rule["ToPort"]) == (8086, 8086)
    assert rule["GroupId"]["Fn::GetAtt"][0].startswith("Clients")
    assert rule["DestinationSecurityGroupId"]["Fn::GetAtt"][0].startswith("Group")


def test_only_its_clients_reach_it(resources: Mapping[str, Any]) -> None:
    [rule] = of_type(resources, "EC2::SecurityGroupIngress")
    assert (rule["Properties"]["FromPort"], rule["Properties"]["ToPort"]) == (8086, 8086)
    assert rule["Properties"]["SourceSecurityGroupId"]["Fn::GetAtt"][0].startswith("Clients")
    assert not any("SecurityGroupIngress" in group["Properties"] for group in of_type(resources, "EC2::SecurityGroup"))


def test_it_stands_alone_until_its_url_is_known() -> None:
    context: dict[str, object] = {**VARIANTS["with_a_database"]}
    config = app_config(context)
    assert (config.loader, config.database is None) == (None, False)
    assert app_config(context | REQUIRED).loader is not None
    assert app_config(REQUIRED).database is None


def test_it_needs_a_vpc() -> None:
    with pytest.raises(SettingsError, match=r"^vpc_id is not set"):
        app_config({"database_instance_type": "db.influx.medium"})
