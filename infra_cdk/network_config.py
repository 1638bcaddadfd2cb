"""The configuration of resources in a VPC: context keys, as in config.py."""

from dataclasses import dataclass

from infra_cdk import context as read
from infra_cdk.context import Context
from shared.settings import boolean, integer


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """An existing VPC for the two functions that call InfluxDB.

    `database_peer` is the security group or CIDR block of the database. `client_security_group_id` is a security group
    that the functions use in addition to their own. The stack creates an endpoint for Secrets Manager in
    `secrets_endpoint_subnet_ids` unless `secrets_endpoint_security_group_id` is set, which may have a
    `secrets_endpoint_url` of its own, and one for S3 if `s3_route_table_ids` is set.
    """

    vpc_id: str
    subnet_ids: tuple[str, ...]
    database_peer: str
    client_security_group_id: str
    s3_prefix_list_id: str
    s3_route_table_ids: tuple[str, ...]
    secrets_endpoint_security_group_id: str
    secrets_endpoint_url: str
    secrets_endpoint_subnet_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DatabaseConfig:
    """A new Timestream for InfluxDB instance in `vpc_id` and `subnet_ids`.

    `database_name` is unique in the account and Region. An instance whose name changes is replaced by an empty one.
    """

    database_name: str
    database_instance_type: str
    database_storage_gib: int
    database_multi_az: bool
    vpc_id: str
    subnet_ids: tuple[str, ...]


def database_config(context: Context) -> DatabaseConfig | None:
    """Return the configuration of a new database, or None without `database_instance_type`. Raises SettingsError."""
    if "database_instance_type" not in context:
        return None
    return DatabaseConfig(
        database_name=read.optional(context, "database_name", read.INSTANCE_NAME) or "influxdb-loader",
        database_instance_type=read.required(context, "database_instance_type", read.INSTANCE_TYPE),
        database_storage_gib=integer(context, "database_storage_gib", default=20, minimum=20),
        database_multi_az=boolean(context, "database_multi_az", default=False),
        vpc_id=read.required(context, "vpc_id", read.VPC),
        subnet_ids=_subnets(context),
    )


def network_config(context: Context) -> NetworkConfig | None:
    """Return the configuration of the VPC, or None without `vpc_id`. Raises SettingsError."""
    if "vpc_id" not in context:
        return None
    subnets = _subnets(context)
    return NetworkConfig(
        vpc_id=read.required(context, "vpc_id", read.VPC),
        subnet_ids=subnets,
        database_peer=read.required(context, "database_peer", read.PEER),
        client_security_group_id=read.optional(context, "client_security_group_id", read.SECURITY_GROUP),
        s3_prefix_list_id=read.required(context, "s3_prefix_list_id", read.PREFIX_LIST),
        s3_route_table_ids=read.comma_separated(context, "s3_route_table_ids", read.ROUTE_TABLE),
        secrets_endpoint_security_group_id=read.optional(
            context, "secrets_endpoint_security_group_id", read.SECURITY_GROUP
        ),
        secrets_endpoint_url=_secrets_endpoint_url(context),
        # EC2 refuses an endpoint in two subnets of one zone, and zones are unknown here: one is always right.
        secrets_endpoint_subnet_ids=read.comma_separated(context, "secrets_endpoint_subnet_ids", read.SUBNET)
        or subnets[:1],
    )


def _secrets_endpoint_url(context: Context) -> str:
    if "secrets_endpoint_url" not in context:
        return ""
    read.required(context, "secrets_endpoint_security_group_id")
    return read.server_url(context, "secrets_endpoint_url")


def _subnets(context: Context) -> tuple[str, ...]:
    read.required(context, "subnet_ids")
    return read.comma_separated(context, "subnet_ids", read.SUBNET)
