"""The optional database (Timestream for InfluxDB), in its own stack because it outlives the loader."""

from aws_cdk import CfnOutput, CfnResource, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_timestream as timestream
from constructs import Construct

from infra_cdk.findings import acknowledge_findings
from infra_cdk.network_config import DatabaseConfig
from infra_cdk.vpc import import_vpc

PORT = 8086
ORGANIZATION = "ons"
BUCKET = "energy"
USERNAME = "admin"


class DatabaseStack(Stack):
    """A private InfluxDB 2.7 instance that only members of its client security group can reach.

    The instance is kept when the stack is deleted, and so is what it uses: EC2 would refuse to delete its security
    groups, and the deletion would fail.
    """

    def __init__(self, scope: Construct, construct_id: str, *, config: DatabaseConfig) -> None:
        super().__init__(scope, construct_id, description="Timestream for InfluxDB, for the loader")
        self._config = config
        vpc = import_vpc(self, config.vpc_id)
        clients = ec2.SecurityGroup(self, "Clients", vpc=vpc, allow_all_outbound=False)
        group = ec2.SecurityGroup(self, "Group", vpc=vpc, allow_all_outbound=False)
        group.add_ingress_rule(clients, ec2.Port.tcp(PORT), "clients of the database")
        clients.add_egress_rule(group, ec2.Port.tcp(PORT), "the database")
        instance = self._create_instance(group)
        self._retain_resources()
        acknowledge_findings(self)
        CfnOutput(self, "InfluxdbUrl", value=f"https://{instance.attr_endpoint}:{PORT}")
        CfnOutput(self, "DatabaseSecurityGroupId", value=group.security_group_id)
        CfnOutput(self, "ClientSecurityGroupId", value=clients.security_group_id)
        CfnOutput(self, "AdminSecretArn", value=instance.attr_influx_auth_parameters_secret_arn)

    def _retain_resources(self) -> None:
        for node in self.node.find_all():
            if isinstance(node, CfnResource):
                node.apply_removal_policy(RemovalPolicy.RETAIN)

    def _create_instance(self, group: ec2.SecurityGroup) -> timestream.CfnInfluxDBInstance:
        """Create the instance with a password that Secrets Manager generates.

        CloudFormation resolves the reference to the password when it deploys, so no template contains it.
        """
        generated = secretsmanager.SecretStringGenerator(exclude_punctuation=True, password_length=32)
        password = secretsmanager.Secret(self, "Password", generate_secret_string=generated)
        return timestream.CfnInfluxDBInstance(
            self,
            "Instance",
            name=self._config.database_name,
            db_instance_type=self._config.database_instance_type,
            allocated_storage=self._config.database_storage_gib,
            deployment_type="WITH_MULTIAZ_STANDBY" if self._config.database_multi_az else "SINGLE_AZ",
            vpc_subnet_ids=list(self._config.subnet_ids),
            vpc_security_group_ids=[group.security_group_id],
            publicly_accessible=False,
            port=PORT,
            organization=ORGANIZATION,
            bucket=BUCKET,
            username=USERNAME,
            password=password.secret_value.unsafe_unwrap(),
        )
