"""Configuration of what lies in a VPC: context keys, as in config.py."""

from dataclasses import dataclass

from infra_cdk import context as read
from infra_cdk.context import Context
from shared.settings import boolean, integer


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """A VPC that exists, for the two functions that call InfluxDB.

    `database_peer` is the database's security group or CIDR; `client_security_group_id` one that the functions carry
    besides their own. Endpoints are made where none is there: for Secrets Manager without
    `secrets_endpoint_security_group_id`, for S3 in `s3_route_table_ids`.
    """

    vpc_id: str
    subnet_ids: tuple[str, ...]
    database_peer: str
    client_security_group_id: str
    s3_prefix_list_id: str
    s3_route_table_ids: tuple[str, ...]
    secrets_endpoint_security_group_id: str


@dataclass(frozen=True, kw_only=True)
class DatabaseConfig:
    """A new Timestream for InfluxDB instance, in `vpc_id` and `subnet_ids`."""

    database_instance_type: str
    database_storage_gib: int
    database_multi_az: bool
    vpc_id: str
    subnet_ids: tuple[str, ...]


def database_config(given: Context) -> DatabaseConfig | None:
    """None where no instance is asked for. Raises SettingsError."""
    if "database_instance_type" not in given:
        return None
    return DatabaseConfig(
        database_instance_type=read.required(given, "database_instance_type", read.INSTANCE_TYPE),
        database_storage_gib=integer(given, "database_storage_gib", default=20, minimum=20),
        database_multi_az=boolean(given, "database_multi_az", default=False),
        vpc_id=read.required(given, "vpc_id", read.VPC),
        subnet_ids=_subnets(given),
    )


def network_config(given: Context) -> NetworkConfig | None:
    """None without `vpc_id`. Raises SettingsError."""
    if "vpc_id" not in given:
        return None
    return NetworkConfig(
        vpc_id=read.required(given, "vpc_id", read.VPC),
        subnet_ids=_subnets(given),
        database_peer=read.required(given, "database_peer", read.PEER),
        client_security_group_id=read.optional(given, "client_security_group_id", read.SECURITY_GROUP),
        s3_prefix_list_id=read.required(given, "s3_prefix_list_id", read.PREFIX_LIST),
        s3_route_table_ids=read.several(given, "s3_route_table_ids", read.ROUTE_TABLE),
        secrets_endpoint_security_group_id=read.optional(
            given, "secrets_endpoint_security_group_id", read.SECURITY_GROUP
        ),
    )


def _subnets(given: Context) -> tuple[str, ...]:
    read.required(given, "subnet_ids")
    return read.several(given, "subnet_ids", read.SUBNET)
