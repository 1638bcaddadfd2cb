"""The VPC of the functions, and the destinations that they can reach."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.infra.conftest import Assembly
from tests.infra.test_permissions import flat

SUBNETS = ["subnet-0a1b2c3d", "subnet-1a1b2c3d"]


@pytest.fixture(params=["all_new", "all_existing"])
def in_vpc(variants: Callable[[str], Assembly], request: pytest.FixtureRequest) -> Assembly:
    return variants(request.param)


def egress(assembly: Assembly) -> dict[str, tuple[int, str]]:
    """Return the port and destination of each egress rule of the functions, by description."""
    [group] = (
        group for name, group in assembly.properties("EC2::SecurityGroup").items() if name.startswith("NetworkEgress")
    )
    assert all(
        rule["IpProtocol"] == "tcp" and rule["FromPort"] == rule["ToPort"] for rule in group["SecurityGroupEgress"]
    )
    return {rule["Description"]: (rule["FromPort"], destination(rule)) for rule in group["SecurityGroupEgress"]}


def destination(rule: dict[str, Any]) -> str:
    [value] = (
        flat(v) for key, v in rule.items() if key in ("CidrIp", "DestinationPrefixListId", "DestinationSecurityGroupId")
    )
    return value


def groups(assembly: Assembly, function: str) -> list[str]:
    return [flat(group) for group in assembly.functions[function]["VpcConfig"]["SecurityGroupIds"]]


def test_no_function_is_in_a_vpc_unless_one_is_named(assembly: Assembly) -> None:
    assert not any("VpcConfig" in function for function in assembly.functions.values())
    assert assembly.properties("EC2::SecurityGroup") == assembly.properties("EC2::VPCEndpoint") == {}


def test_only_those_that_call_influxdb_are_in_the_vpc(in_vpc: Assembly) -> None:
    inside = {name for name, function in in_vpc.functions.items() if "VpcConfig" in function}
    assert inside == {"check_health", "write_batch"}
    assert in_vpc.functions["write_batch"]["VpcConfig"]["SubnetIds"] == SUBNETS


def test_they_reach_the_database_s3_and_secrets_manager(variants: Callable[[str], Assembly]) -> None:
    assert egress(variants("all_existing")) == {
        "InfluxDB": (8086, "sg-0a1b2c3d"),
        "S3": (443, "pl-0a1b2c3d"),
        "Secrets Manager": (443, "sg-2a1b2c3d"),
    }
    rules = egress(variants("all_new"))
    assert rules["InfluxDB"] == (8086, "10.0.0.0/16")
    assert rules["Secrets Manager"][1].startswith("NetworkSecretsEndpointGroup")


def test_their_second_group_allows_nothing(in_vpc: Assembly) -> None:
    callers = groups(in_vpc, "write_batch")[0]
    [nothing] = in_vpc.properties("EC2::SecurityGroup")[callers]["SecurityGroupEgress"]
    assert nothing["CidrIp"] == "255.255.255.255/32"


def test_endpoints_are_made_where_none_are_named(variants: Callable[[str], Assembly]) -> None:
    assert variants("all_existing").properties("EC2::VPCEndpoint") == {}
    endpoints = {e["VpcEndpointType"]: e for e in variants("all_new").properties("EC2::VPCEndpoint").values()}
    assert endpoints["Gateway"]["RouteTableIds"] == ["rtb-0a1b2c3d"]
    secrets = endpoints["Interface"]
    assert (secrets["SubnetIds"], secrets["PrivateDnsEnabled"]) == (SUBNETS, True)


def test_the_secrets_endpoint_lets_in_only_the_functions(variants: Callable[[str], Assembly]) -> None:
    assembly = variants("all_new")
    [name] = (n for n in assembly.properties("EC2::SecurityGroup") if n.startswith("NetworkSecretsEndpointGroup"))
    [rule] = assembly.properties("EC2::SecurityGroup")[name]["SecurityGroupIngress"]
    assert (rule["FromPort"], rule["ToPort"]) == (443, 443)
    assert flat(rule["SourceSecurityGroupId"]) == groups(assembly, "check_health")[0]


def test_a_client_group_is_carried_too(variants: Callable[[str], Assembly]) -> None:
    assert "sg-1a1b2c3d" in groups(variants("all_existing"), "write_batch")


def test_rules_stand_inside_of_their_groups(in_vpc: Assembly) -> None:
    assert in_vpc.properties("EC2::SecurityGroupEgress") == in_vpc.properties("EC2::SecurityGroupIngress") == {}


def test_certificates_are_a_layer_that_the_variable_points_into(variants: Callable[[str], Assembly]) -> None:
    assembly = variants("all_new")
    path = assembly.functions["write_batch"]["Environment"]["Variables"]["INFLUXDB_CA_BUNDLE"]
    [layer] = (layer for n, layer in assembly.properties("Lambda::LayerVersion").items() if "Certificates" in n)
    folder = assembly.asset(layer["Content"]["S3Key"])
    assert [f"/opt/{file.name}" for file in folder.iterdir()] == [path]
    carriers = {n for n, f in assembly.functions.items() if any("Certificates" in flat(ref) for ref in f["Layers"])}
    assert carriers == {"check_health", "write_batch"}
