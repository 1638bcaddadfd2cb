"""The VPC of the functions, and the destinations that they can reach."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from infra_cdk.config import loader_config
from shared.errors import SettingsError
from tests.infra.conftest import REQUIRED, VARIANTS, VPC, Assembly
from tests.infra.test_permissions import flat

SECRETS_URL = "AWS_ENDPOINT_URL_SECRETS_MANAGER"
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


def interface_endpoints(assembly: Assembly) -> dict[str, Mapping[str, Any]]:
    endpoints = assembly.properties("EC2::VPCEndpoint").items()
    return {name: endpoint for name, endpoint in endpoints if endpoint["VpcEndpointType"] == "Interface"}


def secrets_urls(assembly: Assembly) -> dict[str, Any]:
    """Return where the functions find Secrets Manager, by function name."""
    variables = {name: function["Environment"]["Variables"] for name, function in assembly.functions.items()}
    return {name: value[SECRETS_URL] for name, value in variables.items() if SECRETS_URL in value}


def groups(assembly: Assembly, function: str) -> list[str]:
    return [flat(group) for group in assembly.functions[function]["VpcConfig"]["SecurityGroupIds"]]


def test_no_function_is_in_a_vpc_unless_one_is_named(assembly: Assembly) -> None:
    assert not any("VpcConfig" in function for function in assembly.functions.values())
    assert assembly.properties("EC2::SecurityGroup") == assembly.properties("EC2::VPCEndpoint") == {}


def test_only_those_that_call_influxdb_are_in_the_vpc(in_vpc: Assembly) -> None:
    inside = {name for name, function in in_vpc.functions.items() if "VpcConfig" in function}
    assert inside == {"check_health", "write_batch", "delete_points"}
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
    assert endpoints.keys() == {"Gateway", "Interface"}


def test_other_workloads_of_the_vpc_keep_their_way_to_secrets_manager(variants: Callable[[str], Assembly]) -> None:
    """With private DNS, the VPC would send everyone's requests to an endpoint that admits the functions only."""
    [(name, secrets)] = interface_endpoints(variants("all_new")).items()
    assert secrets["PrivateDnsEnabled"] is False
    # The entry is `<hosted zone>:<name>`; CloudFormation lists the regional name first.
    entry = {"Fn::Select": [0, {"Fn::GetAtt": [name, "DnsEntries"]}]}
    url = {"Fn::Join": ["", ["https://", {"Fn::Select": [1, {"Fn::Split": [":", entry]}]}]]}
    assert secrets_urls(variants("all_new")) == {"check_health": url, "write_batch": url, "delete_points": url}


def test_the_endpoint_is_in_one_subnet_since_two_of_one_zone_are_refused(variants: Callable[[str], Assembly]) -> None:
    [endpoint] = interface_endpoints(variants("all_new")).values()
    assert endpoint["SubnetIds"] == SUBNETS[:1]


@pytest.mark.slow
def test_the_endpoint_is_in_two_subnets_of_two_zones(variants: Callable[[str], Assembly]) -> None:
    [endpoint] = interface_endpoints(variants("x86_64_in_a_vpc")).values()
    assert endpoint["SubnetIds"] == SUBNETS


def test_an_existing_endpoint_is_called_by_its_url_or_by_the_usual_name(variants: Callable[[str], Assembly]) -> None:
    url = VARIANTS["all_existing"]["secrets_endpoint_url"]
    assert secrets_urls(variants("all_existing")) == {"check_health": url, "write_batch": url, "delete_points": url}
    config = loader_config(REQUIRED | VPC | {"secrets_endpoint_security_group_id": "sg-2a1b2c3d"})
    assert config.network is not None
    assert config.network.secrets_endpoint_url == ""


def test_a_url_without_an_existing_endpoint_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^secrets_endpoint_security_group_id is not set"):
        loader_config(REQUIRED | VPC | {"secrets_endpoint_url": "https://vpce-0a1b.example"})


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
    assert carriers == {"check_health", "write_batch", "delete_points"}
