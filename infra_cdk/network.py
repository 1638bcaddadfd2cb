"""The network of the two functions in the VPC, which allows connections to InfluxDB, S3 and Secrets Manager only.

The functions use up to three security groups: `callers` (no rules; the endpoint of Secrets Manager admits its members),
`egress` (the allowed destinations), and the client group of the configuration. Rules are part of their group, and two
groups that refer to each other would be a circular dependency, so `callers` and `egress` cannot be one group.
"""

from urllib.parse import urlsplit

from aws_cdk import Fn, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra_cdk.network_config import NetworkConfig
from infra_cdk.vpc import import_vpc

HTTPS = 443


class Network(Construct):
    """The VPC configuration of a function (`vpc`, `subnets`, `security_groups`), and the endpoints that it needs.

    `secrets_endpoint_url` is the address of Secrets Manager for the functions; "" if its usual name is right.
    """

    def __init__(self, scope: Construct, construct_id: str, *, config: NetworkConfig, influxdb_url: str) -> None:
        super().__init__(scope, construct_id)
        self._config = config
        self.vpc = import_vpc(self, config.vpc_id)
        self.subnets = ec2.SubnetSelection(
            subnets=[ec2.Subnet.from_subnet_id(self, subnet, subnet) for subnet in config.subnet_ids]
        )
        callers = ec2.SecurityGroup(self, "Callers", vpc=self.vpc, allow_all_outbound=False)
        self.secrets_endpoint_url = config.secrets_endpoint_url
        endpoint = config.secrets_endpoint_security_group_id or self._create_secrets_endpoint(callers.security_group_id)
        if config.s3_route_table_ids:
            self._create_s3_endpoint()
        egress = self._create_egress_group(urlsplit(influxdb_url).port or HTTPS, endpoint)
        group_ids = [egress.attr_group_id, *filter(None, [config.client_security_group_id])]
        groups = [
            ec2.SecurityGroup.from_security_group_id(self, f"Group{n}", group_id)
            for n, group_id in enumerate(group_ids)
        ]
        self.security_groups = [callers, *groups]
        self.security_group_ids = [callers.security_group_id, *group_ids]

    def _create_egress_group(self, database_port: int, endpoint_group: str) -> ec2.CfnSecurityGroup:
        peer = self._config.database_peer
        database = {"destination_security_group_id" if peer.startswith("sg-") else "cidr_ip": peer}
        return ec2.CfnSecurityGroup(
            self,
            "Egress",
            # CloudFormation replaces a security group whose description changes.
            group_description="What the functions of the loader may call",
            vpc_id=self._config.vpc_id,
            security_group_egress=[
                _egress_rule(database_port, "InfluxDB", **database),
                _egress_rule(HTTPS, "S3", destination_prefix_list_id=self._config.s3_prefix_list_id),
                _egress_rule(HTTPS, "Secrets Manager", destination_security_group_id=endpoint_group),
            ],
        )

    def _create_secrets_endpoint(self, callers: str) -> str:
        """Create an interface endpoint and return the id of its security group.

        Its private DNS is off: it would send all requests of the VPC to Secrets Manager to this endpoint, which admits
        the callers only. They use the endpoint's own name instead.
        """
        ingress = ec2.CfnSecurityGroup.IngressProperty(
            ip_protocol="tcp", from_port=HTTPS, to_port=HTTPS, source_security_group_id=callers
        )
        group = ec2.CfnSecurityGroup(
            self,
            "SecretsEndpointGroup",
            group_description="Who may call Secrets Manager here",
            vpc_id=self._config.vpc_id,
            security_group_ingress=[ingress],
        )
        endpoint = ec2.CfnVPCEndpoint(
            self,
            "SecretsEndpoint",
            service_name=f"com.amazonaws.{Stack.of(self).region}.secretsmanager",
            vpc_id=self._config.vpc_id,
            vpc_endpoint_type="Interface",
            private_dns_enabled=False,
            subnet_ids=list(self._config.secrets_endpoint_subnet_ids),
            security_group_ids=[group.attr_group_id],
        )
        self.secrets_endpoint_url = _endpoint_url(endpoint)
        return group.attr_group_id

    def _create_s3_endpoint(self) -> None:
        ec2.CfnVPCEndpoint(
            self,
            "S3Endpoint",
            service_name=f"com.amazonaws.{Stack.of(self).region}.s3",
            vpc_id=self._config.vpc_id,
            vpc_endpoint_type="Gateway",
            route_table_ids=list(self._config.s3_route_table_ids),
        )


def _endpoint_url(endpoint: ec2.CfnVPCEndpoint) -> str:
    """Return the URL of the endpoint in its Region.

    CloudFormation lists the regional name first. Each entry is `<hosted zone>:<name>`.
    """
    return f"https://{Fn.select(1, Fn.split(':', Fn.select(0, endpoint.attr_dns_entries)))}"


def _egress_rule(port: int, description: str, **destination: str) -> ec2.CfnSecurityGroup.EgressProperty:
    return ec2.CfnSecurityGroup.EgressProperty(
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        description=description,
        **destination,
    )
