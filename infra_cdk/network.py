"""The way of two functions through a VPC: to the database, to S3 and to Secrets Manager, and nowhere else."""

from urllib.parse import urlsplit

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra_cdk.network_config import NetworkConfig
from infra_cdk.vpc import import_vpc

HTTPS = 443


class Network(Construct):
    """`vpc`, `subnets` and `security_groups` are what a function takes to run in the VPC.

    Rules stand inside of the groups. Two groups that name each other would be a circle, so the functions carry a
    second one, `callers`, which allows nothing and is what the endpoint lets in.
    """

    def __init__(self, scope: Construct, construct_id: str, *, config: NetworkConfig, influxdb_url: str) -> None:
        super().__init__(scope, construct_id)
        self._config = config
        self.vpc = import_vpc(self, config.vpc_id)
        self.subnets = ec2.SubnetSelection(
            subnets=[ec2.Subnet.from_subnet_id(self, subnet, subnet) for subnet in config.subnet_ids]
        )
        callers = ec2.SecurityGroup(self, "Callers", vpc=self.vpc, allow_all_outbound=False)
        endpoint = config.secrets_endpoint_security_group_id or self._secrets_endpoint(callers.security_group_id)
        if config.s3_route_table_ids:
            self._s3_endpoint()
        egress = self._egress(urlsplit(influxdb_url).port or HTTPS, endpoint)
        named = [egress.attr_group_id, *filter(None, [config.client_security_group_id])]
        groups = [ec2.SecurityGroup.from_security_group_id(self, f"Group{n}", name) for n, name in enumerate(named)]
        self.security_groups = [callers, *groups]

    def _egress(self, database_port: int, endpoint_group: str) -> ec2.CfnSecurityGroup:
        peer = self._config.database_peer
        database = {"destination_security_group_id" if peer.startswith("sg-") else "cidr_ip": peer}
        return ec2.CfnSecurityGroup(
            self,
            "Egress",
            group_description="What the functions of the loader may call",
            vpc_id=self._config.vpc_id,
            security_group_egress=[
                _egress(database_port, "InfluxDB", **database),
                _egress(HTTPS, "S3", destination_prefix_list_id=self._config.s3_prefix_list_id),
                _egress(HTTPS, "Secrets Manager", destination_security_group_id=endpoint_group),
            ],
        )

    def _secrets_endpoint(self, callers: str) -> str:
        """Make it; the id of its security group."""
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
        ec2.CfnVPCEndpoint(
            self,
            "SecretsEndpoint",
            service_name=f"com.amazonaws.{Stack.of(self).region}.secretsmanager",
            vpc_id=self._config.vpc_id,
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=list(self._config.subnet_ids),
            security_group_ids=[group.attr_group_id],
        )
        return group.attr_group_id

    def _s3_endpoint(self) -> None:
        ec2.CfnVPCEndpoint(
            self,
            "S3Endpoint",
            service_name=f"com.amazonaws.{Stack.of(self).region}.s3",
            vpc_id=self._config.vpc_id,
            vpc_endpoint_type="Gateway",
            route_table_ids=list(self._config.s3_route_table_ids),
        )


def _egress(port: int, to: str, **destination: str) -> ec2.CfnSecurityGroup.EgressProperty:
    return ec2.CfnSecurityGroup.EgressProperty(
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        description=to,
        **destination,
    )
